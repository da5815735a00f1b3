"""Cost of reading image files with a work directory and with its export.

Opening, decoding and preprocessing the files are included. Without `--model`, a model with random
weights is used; it predicts texts of maximum length, the worst case for attention decoding.

Then pairs of ways to read the same words one by one, alternately: arrays beside files by each
engine; and, by LiteRT with the weights of the package, the toolkit beside the bare interpreter. Its
network drives the toolkit out of the processor's caches, twice for each word if the two alternate
word by word, and once, as in use, if each reads all words in a row.

    python -m benchmarks.reading [--model DIR] [--batch_sizes 1 32] [--json FILE]
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import attention_ocr
from attention_ocr.images.decode import decode
from attention_ocr.inference.work_directory import WEIGHTS_FILE, save_weights, weight_values
from attention_ocr.models.build import build_recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import ASCII, Charset
from benchmarks import measure
from benchmarks.words import write_images

CHECK_DATA = "synthetic,fonts=bundled,num_examples=8"


def make_model(folder: Path) -> Path:
    """Write a work directory with random weights, and return its path."""
    config, charset = Config(), Charset(ASCII)
    folder.mkdir()
    config.save(folder)
    charset.save(folder)
    save_weights(weight_values(build_recognizer(config, charset)), folder / WEIGHTS_FILE)
    return folder


def sample_reading(
    reader: attention_ocr.Reader, paths: Sequence[Path], batch_size: int
) -> measure.Sample:
    """Read all images and return time and memory."""
    return measure.take_sample(lambda: reader.read(paths, batch_size))


def array_pairs(
    readers: dict[str, attention_ocr.Reader], files: Sequence[bytes], rounds: int
) -> Iterator[dict[str, Any]]:
    """Time each reader on arrays, beside the files that they were decoded from."""
    arrays = [decode(file) for file in files]
    for name, reader in readers.items():
        row = measure.time_pair(
            partial(read_one, reader, arrays),
            partial(read_one, reader, files),
            *(len(files), rounds),
        )
        yield {"pair, one word": f"{name}: array beside file", **row}


def read_one(
    reader: attention_ocr.Reader, images: Sequence[bytes] | Sequence[np.ndarray], item: int
) -> None:
    """Read one of several images."""
    reader.read(images[item])


def bare_pairs(files: Sequence[bytes], rounds: int) -> Iterator[dict[str, Any]]:
    """Time the model of the package by LiteRT, beside the bare interpreter on the same inputs."""
    once = attention_ocr.load(engine="litert", second_looks=False)
    looking = attention_ocr.load(engine="litert")
    arrays = [decode(file) for file in files]
    engine: Any = once.engine
    looking_engine: Any = looking.engine
    run = engine.run
    inputs = [inputs_of(once, engine, array) for array in arrays]
    of_looks = [inputs_of(looking, looking_engine.engine, array) for array in arrays]

    def run_all(calls: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        for call in calls:
            run(*call)

    def decode_and_run(item: int) -> None:
        cv2.imdecode(np.frombuffer(files[item], np.uint8), cv2.IMREAD_COLOR)
        run_all(inputs[item])

    ways: dict[str, tuple[Callable[[int], object], Callable[[int], object]]] = {
        "array beside bare LiteRT": (
            lambda item: once.read(arrays[item]),
            lambda item: run_all(inputs[item]),
        ),
        "file beside cv2.imdecode and bare LiteRT": (
            lambda item: once.read(files[item]),
            decode_and_run,
        ),
        "array with second looks beside their passes": (
            lambda item: looking.read(arrays[item]),
            lambda item: run_all(of_looks[item]),
        ),
    }
    count = len(files)
    for name, pair in ways.items():
        for order, run_length in {"word by word": 1, "all words in a row": count}.items():
            row = measure.time_pair(*pair, count, rounds, run_length)
            yield {"pair, one word": f"{name}, {order}", **row}


def inputs_of(
    reader: attention_ocr.Reader, engine: Any, image: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return every input of the network that reading an image takes."""
    inputs: list[tuple[np.ndarray, np.ndarray]] = []
    run, num_threads = engine.run, engine.num_threads

    def recording(*call: np.ndarray) -> Any:
        inputs.append((call[0], call[1]))
        return run(*call)

    engine.run, engine.num_threads = recording, 1
    reader.read(image)
    del engine.run
    engine.num_threads = num_threads
    return inputs


def main(arguments: argparse.Namespace) -> None:
    """Time reading at each batch size, and pairs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_images(folder, arguments.images)
        model = arguments.model or make_model(folder / "model")
        export = attention_ocr.export(model, folder / "export", check_data=CHECK_DATA)
        readers = {
            "work directory": attention_ocr.load(model),
            "export": attention_ocr.load(export),
        }
        rows = []
        for batch_size in arguments.batch_sizes:
            work = {
                name: partial(sample_reading, reader, paths, batch_size)
                for name, reader in readers.items()
            }
            times = measure.time_alternately(work, len(paths), arguments.rounds)
            rows += [{"reading, an image": n, "batch": batch_size, **c} for n, c in times.items()]
        measure.report(rows, arguments.json)
        files = [path.read_bytes() for path in paths]
        litert = attention_ocr.load(engine="litert", second_looks=False)
        readers["package, LiteRT"] = litert
        pairs = [
            *array_pairs(readers, files, arguments.rounds),
            *bare_pairs(files, arguments.rounds),
        ]
        beside = arguments.json and arguments.json.with_stem(f"{arguments.json.stem}_pairs")
        measure.report(pairs, beside)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("--model", type=Path, metavar="DIR", help="a work directory")
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--images", type=int, default=64, help="files per round")
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args())
