"""Processor time and memory as the work grows: each figure on a log scale, with its slope.

    python -m benchmarks.scale [--axes records lexicon] [--rounds=3] [--json=scale.json]

A time slope of 1 is linear; a memory slope of 0 is flat. Each size runs in a separate process.
"""

import os
import string
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import cv2
import numpy as np

from benchmarks import measure

Work = Callable[[], object]


class Axis(NamedTuple):
    """What grows.

    Attributes:
        make: Makes the work of a size; importable, so that it runs in another process.
        sizes: Ascending sizes.
        does: What is done.
    """

    make: Callable[[int], Work]
    sizes: tuple[int, ...]
    does: str


def _words(count: int, length: int = 8) -> list[str]:
    rng = np.random.default_rng(count)
    letters = np.array(list(string.ascii_lowercase))
    return ["".join(row) for row in letters[rng.integers(0, 26, (count, length))]]


def _png(width: int = 100, height: int = 32) -> bytes:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    return bytes(cv2.imencode(".png", cv2.GaussianBlur(pixels, (5, 5), 0))[1].tobytes())


def make_records(count: int) -> Work:
    """Write `count` images as shards of a thousand."""
    from attention_ocr.data.image_items import EncodedImage
    from attention_ocr.data.shards import write_shards

    class Images(list[EncodedImage]):
        def __len__(self) -> int:
            return count

        def __iter__(self) -> Any:
            return (EncodedImage(f"{index}.png", "word", image) for index in range(count))

    image = _png()

    def write() -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_shards(Images(), folder, num_shards=max(1, count // 1000))

    return write


def make_reading(count: int) -> Work:
    """Read `count` images with the bundled model, in batches."""
    from attention_ocr.inference.reader import load

    reader, image = load(), _png()
    engine: Any = getattr(reader.engine, "engine", reader.engine)
    engine.num_threads = 1

    def read() -> None:
        for _ in reader.read_stream((image for _ in range(count)), 64):
            pass

    return read


def make_job(count: int) -> Work:
    """Hand out `count` images in parts, and collect the reports, without reading them."""
    from attention_ocr.cluster.reading import _parts
    from attention_ocr.data.image_items import ListedImage

    def hand_out() -> None:
        items = (ListedImage(f"/crops/{index:012}.png", f"{index:012}") for index in range(count))
        for _ in _parts(items, 10_000):
            pass

    return hand_out


def make_metrics(length: int) -> Work:
    """Compare labels of `length` characters with predictions."""
    from attention_ocr.metrics.accuracy import compute_metrics

    labels, predictions = _words(2_000, length), _words(2_001, length)[:2_000]
    return partial(compute_metrics, labels, predictions)


def make_decoding(width: int) -> Work:
    """Decode images of `width` pixels."""
    from attention_ocr.images.decode import decode

    image = _png(width)

    def run() -> None:
        for _ in range(200):
            decode(image)

    return run


def make_charset(size: int) -> Work:
    """Encode labels with a charset of `size` characters."""
    from attention_ocr.text.charset import Charset

    characters = [chr(0x4E00 + index) for index in range(size)]
    labels = ["".join(characters[(7 * i + j) % size] for j in range(10)) for i in range(20_000)]

    def encode() -> None:
        charset = Charset(characters)
        for label in labels:
            charset.encode(label)

    return encode


def make_lexicon(count: int) -> Work:
    """Build the automaton of a lexicon of `count` words."""
    from attention_ocr.decoding.lexicon import word_graph

    words = sorted({tuple(map(ord, word)) for word in _words(count)})
    return partial(word_graph, words)


def make_language_model(count: int) -> Work:
    """Estimate an n-gram model from `count` words."""
    from attention_ocr.language_models.ngram import train_ngram

    return partial(train_ngram, _words(count), 4)


AXES = {
    "records": Axis(make_records, (1_000, 2_000, 4_000, 8_000), "images written as records"),
    "readings": Axis(make_reading, (500, 1_000, 2_000, 4_000), "images read by one process"),
    "job": Axis(make_job, (10_000, 100_000, 1_000_000), "images handed out to a cluster"),
    "label_length": Axis(make_metrics, (8, 16, 32, 64), "characters of a label, compared"),
    "width": Axis(make_decoding, (128, 256, 512, 1_024, 2_048), "pixels in width, decoded"),
    "charset": Axis(make_charset, (64, 512, 4_096, 16_384), "characters, to encode labels"),
    "lexicon": Axis(make_lexicon, (4_000, 8_000, 16_000, 32_000), "words of a lexicon"),
    "language_model": Axis(make_language_model, (4_000, 8_000, 16_000, 32_000), "words counted"),
}


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of a line through the points on a log-log scale.

    Example:
        >>> round(slope([1, 10, 100], [3, 30, 300]), 6)
        1.0
    """
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def measure_axis(name: str, axis: Axis, rounds: int) -> dict[str, Any]:
    """Return the row of an axis: figures at its ends, and the slopes."""
    seconds, memory = [], []
    for size in axis.sizes:
        with measure.own_process(partial(axis.make, size)) as work:
            samples = [work() for _ in range(1 + rounds)]
        seconds.append(float(np.median([sample.cpu_s for sample in samples[1:]])))
        memory.append(samples[-1].peak_mb or 1.0)
    return {
        "axis": name,
        "smallest": axis.sizes[0],
        "largest": axis.sizes[-1],
        "CPU s": seconds[-1],
        "time slope": slope(axis.sizes, seconds),
        "peak MB": memory[-1],
        "memory slope": slope(axis.sizes, memory),
        "of": axis.does,
    }


def measure_workers(count: int, rounds: int) -> dict[str, Any]:
    """Return the row of reading in several processes: CPU time of an image in all of them."""
    from concurrent.futures import ThreadPoolExecutor
    from contextlib import ExitStack

    cpu_s = []
    for num_workers in range(1, count + 1):
        with ExitStack() as stack:
            make = partial(make_reading, 500)
            works = [stack.enter_context(measure.own_process(make)) for _ in range(num_workers)]
            with ThreadPoolExecutor(num_workers) as threads:
                taken = []
                for _ in range(1 + rounds):
                    samples = list(threads.map(lambda work: work(), works))
                    taken.append(sum(sample.cpu_s for sample in samples))
        cpu_s.append(float(np.median(taken[1:])))
    numbers = list(range(1, count + 1))
    return {
        "axis": "workers",
        "smallest": 1,
        "largest": count,
        "CPU s": cpu_s[-1],
        "time slope": slope(numbers, cpu_s) if count > 1 else 1.0,
        "peak MB": None,
        "memory slope": None,
        "of": "processes that read 500 images each",
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table and write JSON."""
    parser = measure.make_parser(__doc__)
    parser.add_argument("--axes", nargs="+", choices=(*AXES, "workers"), help="default: all")
    parser.add_argument("--rounds", type=int, default=3, help="timed rounds of each size")
    args = parser.parse_args(arguments)
    rows = []
    for name in args.axes or (*AXES, "workers"):
        if name == "workers":
            rows.append(measure_workers(os.cpu_count() or 1, args.rounds))
        else:
            rows.append(measure_axis(name, AXES[name], args.rounds))
    measure.report(rows, args.json)


if __name__ == "__main__":
    # Every process decodes and reads in one thread.
    cv2.setNumThreads(1)
    main()
