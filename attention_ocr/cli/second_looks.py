"""`attention-ocr second-looks`: show or change which images a model reads again."""

import argparse
import dataclasses
from pathlib import Path

from attention_ocr.cli.second_looks_flags import (
    add_second_looks_arguments,
    second_looks_in_arguments,
)
from attention_ocr.config import Config
from attention_ocr.engines.notes import read_appended_notes, rewrite_second_looks
from attention_ocr.model_places import SUFFIX_OF, find_model
from attention_ocr.settings.second_looks import RECOMMENDED

HELP = "show or change which images a model reads again"
EPILOG = """\
examples:
  attention-ocr second-looks runs/mine
  attention-ocr second-looks runs/mine --recommended
  attention-ocr second-looks served/mine --widths_below=0.9 --widths=1.3

Second looks are kept with a model, a work directory, an export or a .tflite file, and apply however
it is opened; the model itself stays as it is. Without a flag, they are printed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Args:
        parser: The command's own parser.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="work directory, export, or .tflite file of one"
    )
    parser.add_argument(
        "--recommended",
        action="store_true",
        help="begin with what is recommended for words in photographs",
    )
    add_second_looks_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Change the settings where any are given, and print them.

    Args:
        args: What `add_arguments` declared.

    Returns:
        The exit status, 0.

    Raises:
        OSError: If there is no model, or it cannot be written.
        ValueError: If the model is damaged, cannot be changed, or a value is refused.
    """
    place = find_model(args.model)
    values = dataclasses.asdict(RECOMMENDED) if args.recommended else {}
    values |= second_looks_in_arguments(args)
    if place.is_file():
        _check_suffix(place)
        notes = rewrite_second_looks(place, values) if values else read_appended_notes(place)
        config = notes.config
    else:
        config = Config.load(place).with_second_looks(values)
        if values:
            for file in place.glob(f"*{SUFFIX_OF['onnx']}"):
                _check_suffix(file)
            for file in sorted(place.glob(f"*{SUFFIX_OF['litert']}")):
                rewrite_second_looks(file, values)
            config.save(place)
    for name, value in dataclasses.asdict(config.second_looks).items():
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
        print(f"--{name}={shown}")
    return 0


def _check_suffix(file: Path) -> None:
    if file.suffix != SUFFIX_OF["litert"]:
        raise ValueError(
            f"{file} keeps the settings of its export: export the work directory anew, or choose "
            "second looks where it is read."
        )
