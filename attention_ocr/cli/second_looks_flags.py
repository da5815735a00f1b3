"""The flags of second looks: `train.py` defines them; `export.py` and the commands override."""

import argparse
import dataclasses
from typing import Any

from absl import flags

from attention_ocr.settings.second_looks import SecondLooksConfig

FLAGS = flags.FLAGS
# The flags belong to the entry point that asks for them, whose `--help` lists them.
flags.disclaim_key_flags()

FIELDS = dataclasses.fields(SecondLooksConfig)
HELP = {
    "rotate_tall_below": "Confidence below which a tall image is read rotated by 90 degrees too; "
    "0 for never.",
    "widths_below": "Confidence below which an image is read widened too; 0 for never.",
    "widths": "Factors by which it is widened, with commas between, in the order they are tried.",
    "deskew_below": "Confidence below which an image is read deskewed too; 0 for never.",
    "rotate_180_below": "Confidence, after all other second looks, below which an image is read "
    "upside down too; 0 for never.",
}


def define_second_looks_flags(overriding: bool = False) -> None:
    """Define the flags of an entry point.

    Args:
        overriding: A flag that is left out keeps the setting of the model, instead of the default.
    """
    for field in FIELDS:
        default: Any = None if overriding else field.default
        if isinstance(field.default, tuple):
            default = default and [str(factor) for factor in default]
            flags.DEFINE_list(field.name, default, HELP[field.name])
        else:
            flags.DEFINE_float(field.name, default, HELP[field.name])


def second_looks_in_flags() -> dict[str, Any]:
    """Return the settings that the flags of an entry point give.

    Raises:
        ValueError: If a factor is no number.
    """
    values = {field.name: FLAGS[field.name].value for field in FIELDS}
    chosen = {name: value for name, value in values.items() if value is not None}
    if "widths" in chosen:
        chosen["widths"] = _factors(chosen["widths"])
    return chosen


def add_second_looks_arguments(parser: argparse.ArgumentParser, reads: bool = False) -> None:
    """Declare the same flags, all overriding, for a command of `attention-ocr`.

    Args:
        parser: The command's own.
        reads: Whether the command reads, and may be told to look again, or not, at all.
    """
    group = parser.add_argument_group(
        "second looks", "Which images are read again, in place of the settings of the model."
    )
    for field in FIELDS:
        is_list = isinstance(field.default, tuple)
        group.add_argument(
            f"--{field.name}",
            type=str if is_list else float,
            metavar="FACTORS" if is_list else "X",
            help=HELP[field.name],
        )
    if not reads:
        return
    group.add_argument(
        "--second_looks",
        action=argparse.BooleanOptionalAction,
        help="read again what is read without confidence, as recommended for words in "
        "photographs; or read every image once (default: as the model says)",
    )
    for name, old_name, setting in (
        ("rotate_tall", "turn_tall", "rotate_tall_below"),
        ("deskew", "turn_slanted", "deskew_below"),
    ):
        group.add_argument(
            f"--{name}",
            f"--{old_name}",
            action=argparse.BooleanOptionalAction,
            help=f"--{setting} as recommended, or 0",
        )


def second_looks_in_arguments(args: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that the arguments of a command give.

    Raises:
        ValueError: If a factor is no number.
    """
    values = {field.name: getattr(args, field.name) for field in FIELDS}
    chosen = {name: value for name, value in values.items() if value is not None}
    if "widths" in chosen:
        chosen["widths"] = _factors(chosen["widths"].split(","))
    return chosen


def _factors(values: list[str]) -> tuple[float, ...]:
    try:
        return tuple(float(value) for value in values if value)
    except ValueError as error:
        raise ValueError(f"--widths must be numbers. Received: {values}") from error
