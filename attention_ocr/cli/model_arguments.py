"""Arguments that override settings of a model, for commands that read with or copy one."""

import argparse

from attention_ocr.cli.settings_flags import add_arguments


def add_decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare arguments that override the decoding settings of a model."""
    add_arguments(
        parser,
        "decoding",
        "Override the settings of a work directory; an export keeps its own.",
    )


def add_second_looks_arguments(parser: argparse.ArgumentParser, reads: bool = False) -> None:
    """Declare arguments that override the second-look settings of a model.

    Args:
        parser: Parser of the command.
        reads: Whether the command reads, and so takes switches for all second looks.
    """
    group = add_arguments(
        parser, "second_looks", "Which images are re-read; override the settings of the model."
    )
    if not reads:
        return
    group.add_argument(
        "--second_looks",
        action=argparse.BooleanOptionalAction,
        help="Re-read images of low confidence, as recommended for words in photographs; or read "
        "every image once (default: the settings of the model).",
    )
    for name, old_name, field in (
        ("rotate_tall", "turn_tall", "rotate_tall_below"),
        ("deskew", "turn_slanted", "deskew_below"),
    ):
        group.add_argument(
            f"--{name}",
            f"--{old_name}",
            action=argparse.BooleanOptionalAction,
            help=f"Set --{field} as recommended, or to 0.",
        )
