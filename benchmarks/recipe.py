"""Trials behind the recipe of the package's model: one change each, the same processor time.

Each trial begins with random weights and trains in a process of its own on rendered words, as on
signs, and on real ones. It then reads rendered words whose texts nobody was trained on, and the
723 real words that watch the second stage: a part of the training parts that the trials leave out,
nothing of the held-out fifths. Started again, the command goes on with the trials that have no
result yet.

    python -m benchmarks.recipe [--cpu_seconds 300] [--trials base wide] [--data ../shared/data]
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from attention_ocr.charset import ASCII, Charset
from attention_ocr.config import Config
from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.shards import SourceImages, write_shards
from attention_ocr.data.sources import open_source
from attention_ocr.evaluation.evaluate import evaluate, make_recognize
from attention_ocr.whole_files import whole_file
from benchmarks import measure
from benchmarks.budget import train_for

RENDERED = (
    "synthetic,kinds=words+words+words+mixed+numbers,look=signs,difficulty=0.7,max_length=16,seed=1"
)
NUM_RENDERED = {"train": 30_000, "eval": 1_000}

REAL = {
    "iiit5k_train/labels.tsv,every=5,part=fit": 0.35,
    "ic15_train/labels.tsv,every=5,part=fit": 0.45,
    "ic13_borndigital_train/labels.tsv": 0.2,
}
"""Real words that are trained on, with their shares of all real ones."""

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


class Trial(NamedTuple):
    """One change.

    Attributes:
        change: to the first trial, in words.
        settings: the same as settings.
        real: share of the images trained on that are real, in [0, 1).
    """

    change: str
    settings: Mapping[str, Any] = {}
    real: float = 0.3


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
}


def training_data(rendered: Path, data: Path, real: float) -> str:
    """Return the sources of a trial, with their weights if they are several.

    Args:
        rendered: folder of the rendered words.
        data: folder of the real sets.
        real: share of the real words, in [0, 1).
    """
    words = f"{rendered / 'train'}/*.tfrecord"
    if not real:
        return words
    parts = {words: 1.0 - real}
    parts |= {f"{data}/{source}": real * share for source, share in REAL.items()}
    return ";".join(f"{source},weight={weight:.4g}" for source, weight in parts.items())


def run(name: str, rendered: Path, data: Path, cpu_seconds: float) -> dict[str, Any]:
    """Train and read once; return the row of a trial."""
    trial, charset = TRIALS[name], Charset(ASCII)
    train_data = training_data(rendered, data, trial.real)
    config = Config.from_values({**COMMON, **trial.settings, "train_data": train_data})
    trained = train_for(cpu_seconds, config, charset)
    row = {
        "trial": name,
        "what": trial.change,
        "M parameters": sum(float(np.prod(w.shape)) for w in trained.recognizer.weights) / 1e6,
        "images": trained.images,
        "train CPU ms": 1000 * trained.cpu_s / trained.images,
    }
    watched = ";".join(f"{data}/{source},weight=1" for source in WATCHED)
    sources = {"rendered": f"{rendered / 'eval'}/*.tfrecord", "real": watched}
    for head in ("attention", "ctc"):
        has_head = getattr(config.model, f"{head}_weight") > 0
        for kind, source in sources.items():
            figures = _read(trained, config, charset, head, source) if has_head else (None, None)
            row |= dict(zip((f"{kind} {head} %", f"95 % {kind} {head}"), figures, strict=True))
    return row


def _read(
    trained: Any, config: Config, charset: Charset, head: str, source: str
) -> tuple[float, str]:
    """Return the match without case and punctuation, %, and its 95 % interval (Wilson)."""
    reading = config.with_decoding({"decoding": head})
    recognize = make_recognize(trained.recognizer, reading, charset)
    batches = evaluation_batches(open_source(source), reading)
    metrics = evaluate(recognize, batches, charset).metrics
    low, high = metrics.alphanumeric_match_interval
    return 100 * metrics.alphanumeric_match, f"{100 * low:.1f} to {100 * high:.1f}"


def render(folder: Path) -> None:
    """Write the rendered words, of which no text is in both parts, where they are missing."""
    for part, count in NUM_RENDERED.items():
        if not list((folder / part).glob("*.json")):
            source = open_source(f"{RENDERED},part={part},num_examples={count}")
            write_shards(SourceImages(source), folder / part, overwrite=True)


def main() -> None:
    """Run the trials one after the other and print the table."""
    parser = measure.make_parser(__doc__)
    parser.add_argument("--work_dir", type=Path, default=Path("runs/recipe"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--trials", nargs="+", choices=TRIALS, default=list(TRIALS))
    parser.add_argument("--cpu_seconds", type=float, default=300, help="of training, each")
    args = parser.parse_args()
    rendered = args.work_dir / "rendered"
    render(rendered)
    for name in args.trials:
        result = args.work_dir / f"{name}.json"
        if result.exists():
            continue
        print(f"{name} ...", flush=True)
        with measure.fresh_process() as executor:
            row = executor.submit(run, name, rendered, args.data, args.cpu_seconds).result()
        with whole_file(result) as file:
            file.write_text(json.dumps(row, indent=2) + "\n", encoding="utf-8")
    results = [args.work_dir / f"{name}.json" for name in args.trials]
    measure.report([json.loads(file.read_text(encoding="utf-8")) for file in results], args.json)


if __name__ == "__main__":
    main()
