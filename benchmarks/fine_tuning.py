"""Fine-tuning compared with training from scratch: the same task, network and CPU time.

Each run has its own process and the settings of `configs/TASK.flags`, except the schedule, which is
stretched over the time. It starts from the weights of a model or from random ones (`--starts
default none`), trains for a CPU time after its graphs are traced, and reads the held-out part of
its task.

    python -m benchmarks.fine_tuning --tasks fraktur_lines handwriting_lines receipt_lines
    python -m benchmarks.fine_tuning --tasks receipt_lines captcha --limit 200 --cpu_seconds 60 180
    python -m benchmarks.fine_tuning --tasks receipt_lines --settings attention=location
    python -m benchmarks.fine_tuning --data runs/data/plates/labels.tsv --cpu_seconds 300

With `--data` the task is a label file with the settings of the README's command for your own data:
the network of the package's model, trained on `part=fit` and read on `part=eval`. With `--watched`
a run reads the validation data of its task (`eval_data`) instead of the held-out part, to choose
settings without it.
"""

import argparse
import functools
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attention_ocr.data.pipeline import evaluation_batches
from attention_ocr.data.sources import Walk, open_source
from attention_ocr.evaluation.evaluate import Evaluation, evaluate_batches, make_recognize
from attention_ocr.inference.locate import DEFAULT_MODEL
from attention_ocr.metrics.intervals import bootstrap_interval
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset
from attention_ocr.training.inherited_settings import inherited_settings
from attention_ocr.training.initial_weights import read_saved_weights, transfer_weights
from attention_ocr.training.preparation import make_charset
from benchmarks import measure
from benchmarks.budget import train_for
from benchmarks.flag_files import CONFIGS, parse_flags, read_flags

NOTHING = "none"
DECODINGS = ("ctc", "attention", "joint")


def read_task(task: str) -> dict[str, Any]:
    """Return the settings of a task.

    Args:
        task: Name of a file in `configs/`, or the path of a label file.
    """
    if not task.endswith(".tsv"):
        return read_flags(CONFIGS / f"{task}.flags")
    return {
        "train_data": f"{task},every=5,part=fit",
        "eval_data": f"{task},every=5,part=validation",
        # Greedy, like the tasks of `configs/`: each decoding is evaluated separately.
        **inherited_settings(DEFAULT_MODEL, {"decoding": "attention"}),
    }


def make_config(task: str, settings: Sequence[str], limit: int, folder: Path) -> Config:
    """Return the settings of a task, its training data limited to `limit` images if not 0.

    Args:
        task: See `read_task`.
        settings: Flags to override, each as `--NAME=VALUE`.
        limit: Number of training images, drawn at random; 0 for all.
        folder: Output folder for them.
    """
    values = read_task(task)
    values |= {"warmup_steps": 0, "init_from": ""}
    values |= parse_flags(settings)
    if limit:
        values["train_data"] = write_part(values["train_data"], limit, folder)
    return Config.from_values(values)


def write_part(source: str, limit: int, folder: Path) -> str:
    """Write a random sample of `limit` images of a source, and return it as a source.

    Raises:
        ValueError: If the source has fewer.
    """
    rows = list(open_source(source).files(Walk()).as_numpy_iterator())
    if len(rows) < limit:
        raise ValueError(f"Expected at most the {len(rows)} images of {source}. Received: {limit}")
    lines = []
    for index in np.random.default_rng(0).permutation(len(rows))[:limit]:
        (folder / f"{index}.png").write_bytes(rows[index]["encoded"])
        lines.append(f"{index}.png\t{rows[index]['text'].decode('utf-8')}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    return str(folder / "labels.tsv")


def held_out(source: str) -> str:
    """Return the held-out part of the same data."""
    for part in ("fit", "train"):
        source = source.replace(f"part={part}", "part=eval")
    return source


def run(
    task: str,
    start: str,
    cpu_seconds: float,
    limit: int,
    settings: Sequence[str] = (),
    watched: bool = False,
) -> dict[str, Any]:
    """Train and evaluate; return the row."""
    values = read_task(task)
    read = values["eval_data"] if watched else held_out(values["train_data"])
    with tempfile.TemporaryDirectory() as folder:
        config = make_config(task, settings, limit, Path(folder))
        source = open_source(config.data.train_data)
        charset = make_charset(config, source)
        trained = train_for(
            cpu_seconds, config, charset, functools.partial(_take_over, start, charset)
        )
        row = {
            "task": " ".join((task, *settings)),
            "start": start,
            "images": source.num_examples,
            "CPU s": trained.cpu_s,
            "seen": trained.images,
        }
    for decoding in DECODINGS:
        reading = config.with_decoding({"decoding": decoding})
        recognize = make_recognize(trained.recognizer, reading, charset)
        evaluation = evaluate_batches(
            recognize, evaluation_batches(open_source(read), reading), charset
        )
        low, high = cer_interval(evaluation)
        row |= {
            f"CER {decoding} %": 100 * evaluation.metrics.cer,
            f"95 % {decoding}": f"{100 * low:.1f} to {100 * high:.1f}",
            f"exact {decoding} %": 100 * evaluation.metrics.exact_match,
        }
    return row | {"read": len(evaluation.predictions)}


def _take_over(start: str, charset: Charset, recognizer: Recognizer) -> None:
    if start != NOTHING:
        transfer_weights(recognizer, charset, read_saved_weights(start))


def cer_interval(evaluation: Evaluation, rounds: int = 1000) -> tuple[float, float]:
    """Return a 95 % interval of the character error rate, by bootstrap over lines."""
    return bootstrap_interval(
        [row.distance for row in evaluation.predictions],
        [len(row.label) for row in evaluation.predictions],
        rounds,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run every combination of task, start and CPU time."""
    parser = measure.make_parser(__doc__)
    parser.add_argument("--tasks", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--data", nargs="*", default=[], metavar="LABELS.TSV", help="label files")
    parser.add_argument("--starts", nargs="+", default=["default", NOTHING], metavar="MODEL")
    parser.add_argument("--cpu_seconds", nargs="+", type=float, default=[300.0])
    parser.add_argument("--limit", type=int, default=0, help="training images; 0 for all")
    parser.add_argument(
        "--settings", nargs="+", default=[], metavar="NAME=VALUE", help="settings to override"
    )
    parser.add_argument("--watched", action="store_true", help="read the validation data")
    args: argparse.Namespace = parser.parse_args(arguments)
    settings = [f"--{setting}" for setting in args.settings]
    if len(parse_flags(settings)) < len(settings):
        parser.error(f"Expected settings and their values. Received: {' '.join(args.settings)}")
    rows = []
    if unknown := [path for path in args.data if not Path(path).is_file()]:
        parser.error(f"Expected label files. Received: {', '.join(unknown)}")
    tasks = [*args.tasks, *args.data] or ["receipt_lines"]
    for task, cpu_seconds, start in itertools.product(tasks, args.cpu_seconds, args.starts):
        with measure.fresh_process() as executor:
            result = executor.submit(
                run, task, start, cpu_seconds, args.limit, settings, args.watched
            )
            rows.append(result.result())
        rates = ", ".join(f"{name} {rows[-1][f'CER {name} %']:.1f}" for name in DECODINGS)
        print(f"{task} from {start}, {cpu_seconds:.0f} s: CER % {rates}", flush=True)
    measure.report(rows, args.json)


if __name__ == "__main__":
    main()
