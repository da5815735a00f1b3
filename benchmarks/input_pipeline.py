"""Speed and memory of the input pipeline.

Speed: images a CPU-second and a second through training batches, from label files, records and
rendered text. Memory: with `--records 1000000` the resident memory of a walk through that many
records is set beside that of a walk through a hundredth of them.

    python -m benchmarks.input_pipeline [--json=FILE]
"""

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

import cv2
import tensorflow as tf

from attention_ocr.charset import ASCII, Charset
from attention_ocr.config import Config
from attention_ocr.data.labels import read_labels
from attention_ocr.data.pipeline import SkipReport, training_batches
from attention_ocr.data.records import serialize_example
from attention_ocr.data.shards import write_shards
from attention_ocr.data.sources import open_source
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from benchmarks import measure

BATCH_SIZE = 64


def write_label_file(folder: Path, num_images: int) -> Path:
    """Write rendered words as PNG files with a label file, and return the label file."""
    renderer = Renderer(SynthesisConfig(fonts="bundled"))
    lines = []
    for index in range(num_images):
        image, text = renderer.render(index)
        cv2.imwrite(str(folder / f"{index}.png"), image[..., ::-1])
        lines.append(f"{index}.png\t{text}\n")
    labels = folder / "labels.tsv"
    labels.write_text("".join(lines), encoding="utf-8")
    return labels


def batches_of(source: str) -> tf.data.Dataset:
    """Return the training batches of a source."""
    config = Config.from_values({"batch_size": BATCH_SIZE})
    return training_batches(open_source(source), config, Charset(ASCII), SkipReport())


def measure_speed(folder: Path, num_batches: int, rounds: int) -> list[dict[str, object]]:
    """Return a row for each kind of source."""
    labels = write_label_file(folder, 512)
    write_shards(read_labels(labels), folder / "shards", num_shards=2, num_workers=1)
    sources = {
        "label file": str(labels),
        "records": str(folder / "shards" / "*.tfrecord"),
        "synthetic": "synthetic,fonts=bundled",
    }
    iterators = {name: iter(batches_of(source)) for name, source in sources.items()}

    def walk(name: str) -> None:
        for _ in range(num_batches):
            next(iterators[name])

    times = measure.measure_alternating(
        {name: partial(walk, name) for name in sources}, num_batches * BATCH_SIZE, rounds
    )
    return [
        {
            "source": name,
            "images a CPU-second": 1000 / taken.cpu_ms,
            "images a second": 1000 / taken.wall_ms,
        }
        for name, taken in times.items()
    ]


def measure_memory(folder: Path, num_records: int, num_batches: int) -> list[dict[str, object]]:
    """Return the resident memory along walks through few and many records."""
    renderer = Renderer(SynthesisConfig(fonts="bundled"))
    examples = []
    for index in range(64):
        image, text = renderer.render(index)
        _, encoded = cv2.imencode(".png", image)
        height, width = image.shape[:2]
        examples.append(serialize_example(encoded.tobytes(), text, str(index), height, width))
    rows: list[dict[str, object]] = []
    for count in (num_records // 100, num_records):
        pattern = _write_records(folder / str(count), examples, count)
        iterator = iter(batches_of(pattern))
        start = time.perf_counter()
        for batch in range(num_batches + 1):
            next(iterator)
            if batch % (num_batches // 4) == 0:
                rows.append(
                    {
                        "records": count,
                        "images read": (batch + 1) * BATCH_SIZE,
                        "resident MB": measure.resident_mb(),
                        "seconds": time.perf_counter() - start,
                    }
                )
        del iterator
    return rows


def _write_records(folder: Path, examples: list[bytes], count: int) -> str:
    folder.mkdir()
    for shard in range(8):
        with tf.io.TFRecordWriter(str(folder / f"many-{shard}.tfrecord")) as writer:
            for index in range(count // 8):
                writer.write(examples[index % len(examples)])
    return str(folder / "many-*.tfrecord")


def main(arguments: argparse.Namespace) -> None:
    """Print the speeds, or with `--records` the memory."""
    with tempfile.TemporaryDirectory() as folder:
        if arguments.records:
            rows = measure_memory(Path(folder), arguments.records, arguments.batches)
        else:
            rows = measure_speed(Path(folder), arguments.batches, arguments.rounds)
        measure.report(rows, arguments.json)


if __name__ == "__main__":
    main(measure.parse_arguments(__doc__, records=0, batches=20, rounds=5))
