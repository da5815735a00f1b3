"""Cost of reading image files with a work directory and with its export.

Opening, decoding and preprocessing the files are included. Without `--model`, a model with random
weights is used; it predicts texts of maximum length, the worst case for attention decoding.

    python -m benchmarks.reading [--model DIR] [--batch_sizes 1 32] [--json FILE]
"""

import argparse
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import attention_ocr
from attention_ocr.export.saved_model import export_saved_model
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


def main(arguments: argparse.Namespace) -> None:
    """Time reading at each batch size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_images(folder, arguments.images)
        model = arguments.model or make_model(folder / "model")
        export = export_saved_model(model, folder / "export", check_data=CHECK_DATA)
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
            times = measure.time_in_turn(work, len(paths), arguments.rounds)
            rows += [{"reading, an image": n, "batch": batch_size, **c} for n, c in times.items()]
        measure.report(rows, arguments.json)


if __name__ == "__main__":
    parser = measure.make_parser(__doc__)
    parser.add_argument("--model", type=Path, metavar="DIR", help="a work directory")
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--images", type=int, default=64, help="files per round")
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args())
