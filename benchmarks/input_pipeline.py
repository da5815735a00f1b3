"""Speed and memory of the input pipeline, from a source to training batches.

Speed: of a label file, of records and of text rendered on the fly. Memory: with `--records N`,
shards with that many records and with a hundredth of them are written; the memory is reported while
each set is read, in a separate process.

    python -m benchmarks.input_pipeline [--records 1000000] [--json FILE]
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import tensorflow as tf

from attention_ocr.data.labels import read_labels
from attention_ocr.data.pipeline import SkipReport, training_batches
from attention_ocr.data.shards import write_shards
from attention_ocr.data.sources import open_source
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import ASCII, Charset
from benchmarks import measure
from benchmarks.words import serialized_words, write_images

BATCH_SIZE = 64
NUM_SHARDS = 8
NUM_STAGES = 4
SOURCES = ("labels", "records", "synthetic")


def open_batches(source: str) -> Iterator[dict[str, tf.Tensor]]:
    """Return the endless training batches of a source, with the settings of training."""
    config = Config.from_values({"batch_size": BATCH_SIZE})
    return iter(training_batches(open_source(source), config, Charset(ASCII), SkipReport()))


def take(batches: Iterator[object], num_batches: int) -> None:
    """Take some batches."""
    for _ in range(num_batches):
        next(batches)


def make_walk(source: str, num_batches: int) -> Callable[[], None]:
    """Open a source and return the function that takes its next batches."""
    return partial(take, open_batches(source), num_batches)


def measure_speed(folder: Path, arguments: argparse.Namespace) -> list[dict[str, object]]:
    """Return a row for each kind of source."""
    write_images(folder, arguments.images)
    labels = folder / "labels.tsv"
    write_shards(read_labels(labels), folder / "shards", num_shards=2)
    sources = {
        "labels": str(labels),
        "records": str(folder / "shards" / "*.tfrecord"),
        "synthetic": "synthetic,fonts=bundled",
    }
    # A pipeline prefetches batches in the background: in one process, that work would count for
    # the next source.
    with ExitStack() as processes:
        work = {
            name: processes.enter_context(
                measure.own_process(partial(make_walk, sources[name], arguments.batches))
            )
            for name in arguments.sources
        }
        times = measure.time_alternately(work, arguments.batches * BATCH_SIZE, arguments.rounds)
    return [
        {
            "input pipeline, an image": name,
            **columns,
            "images a CPU-second": 1000 / columns["CPU ms"],
            "images a second": 1000 / columns["wall ms"],
        }
        for name, columns in times.items()
    ]


def measure_memory(folder: Path, arguments: argparse.Namespace) -> list[dict[str, object]]:
    """Return the memory while reading few records and many."""
    examples = serialized_words(64)
    rows: list[dict[str, object]] = []
    for num_records in (max(arguments.records // 100, 1), arguments.records):
        pattern = write_many(folder / str(num_records), examples, num_records)
        with measure.fresh_process() as process:
            stages = process.submit(walk, pattern, arguments.batches).result()
        rows += [{"records": num_records, **stage} for stage in stages]
    return rows


def write_many(folder: Path, examples: list[bytes], num_records: int) -> str:
    """Write shards that repeat a few examples, and return their pattern."""
    folder.mkdir()
    for shard in range(NUM_SHARDS):
        with tf.io.TFRecordWriter(str(folder / f"many-{shard}.tfrecord")) as writer:
            for index in range(shard, num_records, NUM_SHARDS):
                writer.write(examples[index % len(examples)])
    return str(folder / "many-*.tfrecord")


def walk(pattern: str, num_batches: int) -> list[dict[str, object]]:
    """Take batches and return the memory of the process after the first one and along the way."""
    batches = open_batches(pattern)
    stages: list[dict[str, object]] = []
    num_taken = 0
    for stage in range(NUM_STAGES + 1):
        goal = 1 + stage * num_batches // NUM_STAGES
        take(batches, goal - num_taken)
        num_taken = goal
        stages.append(
            {
                "images read": num_taken * BATCH_SIZE,
                "resident MB": measure.resident_mb(),
                "peak MB": measure.peak_mb(),
            }
        )
    return stages


def main(arguments: argparse.Namespace) -> None:
    """Print the speeds, or with `--records` the memory."""
    with tempfile.TemporaryDirectory() as folder:
        what = measure_memory if arguments.records else measure_speed
        measure.report(what(Path(folder), arguments), arguments.json)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument(
        "--records", type=int, default=0, help="measure memory with this many records"
    )
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=SOURCES)
    parser.add_argument("--images", type=int, default=512, help="files of the label file")
    parser.add_argument("--batches", type=int, default=40, help="batches per round or memory run")
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args())
