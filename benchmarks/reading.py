"""Cost of reading image files, through a work directory and through its export.

Without `--model` a model with random weights is made, whose confidences mean nothing but whose
texts are as long as they get: an upper limit of the time.

    python -m benchmarks.reading [--json=FILE]
"""

import argparse
import tempfile
from pathlib import Path

import cv2

import attention_ocr
from attention_ocr.charset import ASCII, Charset
from attention_ocr.config import Config
from attention_ocr.export.saved_model import export_saved_model
from attention_ocr.models.build import build_recognizer
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from attention_ocr.work_directory import WEIGHTS_FILE, save_weights, weight_values
from benchmarks import measure


def make_model(folder: Path) -> None:
    """Write a work directory with random weights."""
    config = Config.from_values({"eval_data": "synthetic,fonts=bundled,num_examples=32"})
    charset = Charset(ASCII)
    folder.mkdir()
    config.save(folder)
    charset.save(folder)
    save_weights(weight_values(build_recognizer(config, charset)), folder / WEIGHTS_FILE)


def main(arguments: argparse.Namespace) -> None:
    """Time reading one file at a time and 32 at a time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = Path(arguments.model) if arguments.model else folder / "model"
        if not arguments.model:
            make_model(model)
        export = export_saved_model(
            model, folder / "export", check_data="synthetic,fonts=bundled,num_examples=32"
        )
        renderer = Renderer(SynthesisConfig(fonts="bundled", max_length=12))
        paths = [folder / f"{index}.png" for index in range(arguments.images)]
        for index, path in enumerate(paths):
            cv2.imwrite(str(path), renderer.render(index)[0][..., ::-1])
        readers = {
            "work directory": attention_ocr.load(model),
            "export": attention_ocr.load(export),
        }
        work = {
            (name, batch_size): (lambda r=reader, b=batch_size: r.read(paths, b))
            for name, reader in readers.items()
            for batch_size in (1, 32)
        }
        named = {f"{name}, batch {batch_size}": call for (name, batch_size), call in work.items()}
        times = measure.measure_alternating(named, len(paths), arguments.rounds)
        rows = [
            {
                "reading": name,
                "CPU ms an image": taken.cpu_ms,
                "images a second": 1000 / taken.wall_ms,
            }
            for name, taken in times.items()
        ]
        measure.report(rows, arguments.json)


if __name__ == "__main__":
    main(measure.parse_arguments(__doc__, model="", images=64, rounds=5))
