"""`attention-ocr second-looks`: show or change which images a model re-reads."""

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attention_ocr.cli.model_arguments import add_second_looks_arguments
from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.cli.settings_flags import settings_in_arguments
from attention_ocr.inference.engines.metadata import ModelMetadata, rewrite_second_looks
from attention_ocr.inference.locate import SUFFIX_OF, find_model
from attention_ocr.settings.config import Config
from attention_ocr.settings.second_looks import RECOMMENDED

HELP = "show or change which images a model re-reads"
EPILOG = """\
examples:
  attention-ocr second-looks runs/mine
  attention-ocr second-looks runs/mine --recommended
  attention-ocr second-looks served/mine --widths_below=0.9 --widths=1.3

Second looks are saved with a model (a work directory, an export or a file of one) and apply however
it is opened; the model itself is unchanged. Without a flag, they are printed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Args:
        parser: Parser of the command.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help="work directory, export, or a .tflite or .onnx file of one",
    )
    parser.add_argument(
        "--recommended",
        action="store_true",
        help="start from the settings recommended for words in photographs",
    )
    add_second_looks_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Change the given settings, and print all.

    Args:
        args: Arguments that `add_arguments` declared.

    Returns:
        The exit status, 0.

    Raises:
        OSError: If there is no model, or it cannot be written.
        ImportError: If a package that opens or changes the file is missing.
        ValueError: If the model is damaged, or a value is refused.
    """
    from attention_ocr.inference.reader import load

    place = find_model(args.model)
    values = dataclasses.asdict(RECOMMENDED) if args.recommended else {}
    values |= settings_in_arguments(args, "second_looks")
    if place.is_file():
        config = _rewrite(place, values).config if values else load(place).config
    else:
        config = Config.load(place).with_second_looks(values)
        if values:
            for suffix in SUFFIX_OF.values():
                for file in sorted(place.glob(f"*{suffix}")):
                    _rewrite(file, values)
            config.save(place)
    for name, value in dataclasses.asdict(config.second_looks).items():
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
        print(f"--{name}={shown}")
    return 0


def _rewrite(file: Path, values: Mapping[str, Any]) -> ModelMetadata:
    # Each kind of file imports its packages on use.
    if file.suffix == SUFFIX_OF["litert"]:
        return rewrite_second_looks(file, values)
    with quiet_start():
        from attention_ocr.exporting import onnx_file

    return onnx_file.rewrite_second_looks(file, values)
