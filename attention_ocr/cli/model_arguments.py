"""Arguments that override settings of a model, for the commands that read or copy one."""

import argparse

from attention_ocr.cli.settings_flags import add_arguments


def add_decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare arguments that override how a model decodes."""
    add_arguments(
        parser,
        "decoding",
        "In place of the settings of a work directory; an export keeps its own.",
    )


def add_second_looks_arguments(parser: argparse.ArgumentParser, reads: bool = False) -> None:
    """Declare arguments that override which images a model reads again.

    Args:
        parser: Of the command.
        reads: Whether the command reads, and may be told to look again, or not, at all.
    """
    group = add_arguments(
        parser, "second_looks", "Which images are re-read, in place of the settings of the model."
    )
    if not reads:
        return
    group.add_argument(
        "--second_looks",
        action=argparse.BooleanOptionalAction,
        help="Re-read what is read without confidence, as recommended for words in photographs; or "
        "read every image once (default: as the model says).",
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
