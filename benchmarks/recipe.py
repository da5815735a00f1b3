"""Trials for the recipe of the package's model: one change each, the same CPU time.

Each trial starts from random weights and trains in its own process on rendered sign-like words and
on real ones. It is evaluated on rendered words with unseen texts, and on the 723 real words of the
validation part of the second stage, which are neither trained on nor in the held-out fifths. Two
trials start from the package's weights, and are evaluated only on rendered words, as those weights
were trained on the others. If restarted, the command continues with trials without a result.

Some trials have a teacher, PP-OCRv6 small, which first reads all their images once, in a
separate environment.

The data sets in `--data` are listed in docs/benchmarks.md.

    python -m benchmarks.recipe [--cpu_seconds 300] [--trials base wide] [--data runs/data]
    python -m venv peers && peers/bin/pip install -r benchmarks/peers/requirements.txt
    python -m benchmarks.recipe --trials base distilled --peers_python=peers/bin/python
"""

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.shards import SourceImages, write_shards
from attention_ocr.data.sources import open_source
from attention_ocr.evaluation.evaluate import evaluate_batches, make_recognize
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import ASCII, Charset
from attention_ocr.training.initial_weights import read_saved_weights, transfer_weights
from attention_ocr.training.step import make_train_step
from benchmarks import measure
from benchmarks.budget import train_for
from benchmarks.distillation import Teacher, ask_teacher, make_distilling_step, teacher_readings

RENDERED = (
    "synthetic,kinds=words+words+words+mixed+numbers,look=signs,difficulty=0.7,max_length=16,seed=1"
)
NUM_RENDERED = {"train": 30_000, "eval": 1_000}

REAL = {
    "iiit5k_train/labels.tsv,every=5,part=fit": 0.35,
    "ic15_train/labels.tsv,every=5,part=fit": 0.45,
    "ic13_borndigital_train/labels.tsv": 0.2,
}
"""Real training words, with their shares of all real ones."""

WATCHED = (
    "iiit5k_train/labels.tsv,every=5,part=validation",
    "ic15_train/labels.tsv,every=5,part=validation",
    "svt_train/labels.tsv,every=5,part=train",
)

COMMON: Mapping[str, Any] = {
    "encoder": "compact_flat",
    "max_image_width": 256,
    "batch_size": 32,
    "learning_rate": 2e-3,
    "warmup_steps": 0,
    "average_decay": 0.99,
}


CONTINUED: Mapping[str, Any] = {
    "encoder_width": 2.0,
    "max_length": 24,
    "learning_rate": 3e-4,
    "init_from": "default",
}


class Trial(NamedTuple):
    """A trial.

    Attributes:
        change: Description of the change from the first trial.
        settings: The changed settings.
        real: Share of real training images, in [0, 1).
        taught: Share of the distillation loss, in [0, 1].
        temperature: Temperature of the distillation.
        labelled: Whether real images have human labels; otherwise the teacher's predictions are
            their labels.
    """

    change: str
    settings: Mapping[str, Any] = {}
    real: float = 0.3
    taught: float = 0.0
    temperature: float = 2.0
    labelled: bool = True

    @property
    def has_teacher(self) -> bool:
        """Whether the trial needs predictions of the teacher."""
        return self.taught > 0 or not self.labelled


TRIALS = {
    "base": Trial("both heads, three tenths real words, weights averaged"),
    "narrow": Trial("half the width", {"encoder_width": 0.5}),
    "wide": Trial("one and a half times the width", {"encoder_width": 1.5}),
    "wider": Trial("twice the width", {"encoder_width": 2.0}),
    "shallow": Trial("half the depth", {"encoder_depth": 0.5}),
    "deep": Trial("twice the depth", {"encoder_depth": 2.0}),
    "real-0": Trial("no real words", real=0.0),
    "real-60": Trial("60 % real words", real=0.6),
    "ctc": Trial("CTC alone", {"attention_weight": 0.0, "ctc_weight": 1.0, "decoding": "ctc"}),
    "attention": Trial("attention alone", {"ctc_weight": 0.0}),
    "no-average": Trial("weights not averaged", {"average_decay": 0.0}),
    "augmented": Trial("every image augmented", {"augmentation": "default"}),
    "distilled": Trial("half the loss by soft readings, temperature 2", taught=0.5),
    "distilled-90": Trial("90 % by soft readings, temperature 1", taught=0.9, temperature=1.0),
    "continued": Trial("begins with the weights of the package", CONTINUED),
    "continued-distilled": Trial("the same, half the loss by soft readings", CONTINUED, taught=0.5),
    "unlabelled": Trial("real words labelled by the teacher alone", labelled=False),
}


def training_data(trial: Trial, work_dir: Path, data: Path) -> str:
    """Return the sources of a trial, with their weights if they are several.

    Args:
        trial: The trial.
        work_dir: Folder of the rendered words, and of the teacher's predictions.
        data: Folder of the real data sets.
    """
    words = rendered_words(work_dir, "train")
    if not trial.real:
        return words
    parts = {words: 1.0 - trial.real}
    for source, share in REAL.items():
        labels = (
            data / source if trial.labelled else teacher_folder(work_dir, source) / "labels.tsv"
        )
        parts[str(labels)] = trial.real * share
    return ";".join(f"{source},weight={weight:.4g}" for source, weight in parts.items())


def rendered_words(work_dir: Path, part: str) -> str:
    """Return the rendered words of a part as a source."""
    return f"{work_dir / 'rendered' / part}/*.tfrecord"


def teacher_folder(work_dir: Path, source: str) -> Path:
    """Return the folder of the teacher's predictions for a source of `REAL`, or `rendered`."""
    return work_dir / "teacher" / source.partition("/")[0]


def teach(work_dir: Path, data: Path, python: str) -> None:
    """Let the teacher read all training images, unless done before."""
    sources = {source: f"{data}/{source}" for source in REAL}
    sources["rendered"] = rendered_words(work_dir, "train")
    for name, source in sources.items():
        ask_teacher(source, teacher_folder(work_dir, name), python)


def run(name: str, work_dir: Path, data: Path, cpu_seconds: float) -> dict[str, Any]:
    """Train and evaluate; return the row of a trial."""
    trial, charset = TRIALS[name], Charset(ASCII)
    train_data = training_data(trial, work_dir, data)
    config = Config.from_values({**COMMON, **trial.settings, "train_data": train_data})
    make_step: Callable[..., Any] = make_train_step
    if trial.taught:
        readings = [
            reading
            for source in (*REAL, "rendered")
            for reading in teacher_readings(teacher_folder(work_dir, source))
        ]
        teacher = Teacher(readings, trial.temperature)
        print(f"The teacher reads {teacher.num_right} of {len(readings)} images as labelled.")
        make_step = functools.partial(make_distilling_step, teacher, trial.taught)
    begin = None
    if model := config.training.init_from:
        saved = read_saved_weights(model)
        begin = functools.partial(transfer_weights, charset=charset, saved=saved)
    trained = train_for(cpu_seconds, config, charset, begin, make_step)
    row = {
        "trial": name,
        "what": trial.change,
        "M parameters": sum(float(np.prod(w.shape)) for w in trained.recognizer.weights) / 1e6,
        "images": trained.images,
        "train CPU ms": 1000 * trained.cpu_s / trained.images,
    }
    watched = ";".join(f"{data}/{source},weight=1" for source in WATCHED)
    # The package's weights were trained on the real words.
    sources = {"rendered": rendered_words(work_dir, "eval"), "real": "" if begin else watched}
    for head in ("attention", "ctc"):
        has_head = getattr(config.model, f"{head}_weight") > 0
        for kind, source in sources.items():
            reads = has_head and source
            figures = _read(trained, config, charset, head, source) if reads else (None, None)
            row |= dict(zip((f"{kind} {head} %", f"95 % {kind} {head}"), figures, strict=True))
    return row


def _read(
    trained: Any, config: Config, charset: Charset, head: str, source: str
) -> tuple[float, str]:
    """Return the match without case and punctuation, %, and its 95 % interval (Wilson)."""
    reading = config.with_decoding({"decoding": head})
    recognize = make_recognize(trained.recognizer, reading, charset)
    batches = evaluation_batches(open_source(source), reading)
    metrics = evaluate_batches(recognize, batches, charset).metrics
    low, high = metrics.alphanumeric_match_interval
    return 100 * metrics.alphanumeric_match, f"{100 * low:.1f} to {100 * high:.1f}"


def render(folder: Path) -> None:
    """Write the rendered words, with disjoint texts in the two parts, unless done before."""
    for part, count in NUM_RENDERED.items():
        if not list((folder / part).glob("*.json")):
            source = open_source(f"{RENDERED},part={part},num_examples={count}")
            write_shards(SourceImages(source), folder / part, overwrite=True)


def main() -> None:
    """Run the trials and print the table."""
    parser = measure.make_parser(__doc__)
    parser.add_argument("--work_dir", type=Path, default=Path("runs/recipe"))
    parser.add_argument("--data", type=Path, default=Path("runs/data"))
    parser.add_argument("--trials", nargs="+", choices=TRIALS, default=list(TRIALS))
    parser.add_argument("--cpu_seconds", type=float, default=300, help="training time per trial")
    parser.add_argument("--peers_python", default="python", help="Python of the peers' environment")
    args = parser.parse_args()
    render(args.work_dir / "rendered")
    missing = [name for name in args.trials if not (args.work_dir / f"{name}.json").exists()]
    if any(TRIALS[name].has_teacher for name in missing):
        teach(args.work_dir, args.data, args.peers_python)
    for name in missing:
        result = args.work_dir / f"{name}.json"
        print(f"{name} ...", flush=True)
        with measure.fresh_process() as executor:
            row = executor.submit(run, name, args.work_dir, args.data, args.cpu_seconds).result()
        with whole_file(result) as file:
            file.write_text(json.dumps(row, indent=2) + "\n", encoding="utf-8")
    results = [args.work_dir / f"{name}.json" for name in args.trials]
    measure.report([json.loads(file.read_text(encoding="utf-8")) for file in results], args.json)


if __name__ == "__main__":
    main()
