"""`attention-ocr validate`: say by the exit status whether a source of data is clean."""

import argparse

from attention_ocr.cli import inspect_data
from attention_ocr.cli.quiet_start import quiet_start

HELP = "check a source of data; the exit status is 1 when something is wrong"
IGNORED = "shrunk+duplicate+look_alike"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Args:
        parser: the command's own parser.
    """
    inspect_data.add_arguments(parser)
    parser.add_argument(
        "--ignore",
        default=IGNORED,
        metavar="NAMES",
        help="findings that count as right, joined by +, or '' for none (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Print what is wrong with the source.

    Args:
        args: what `add_arguments` declared.

    Returns:
        The exit status: 1 if something was found that is not ignored, else 0.

    Raises:
        OSError: a file is missing or cannot be written.
        ValueError: an argument or the source is wrong.
    """
    with quiet_start():
        from attention_ocr.data.inspection import MEANINGS

    ignored = set(filter(None, args.ignore.split("+")))
    unknown = sorted(ignored - set(MEANINGS))
    if unknown:
        raise ValueError(
            f"--ignore takes some of {', '.join(MEANINGS)}. Received: {', '.join(unknown)}"
        )
    inspection = inspect_data.inspect_and_write(args)
    inspect_data.print_findings(inspection)
    wrong = [name for name in inspection.findings if name not in ignored]
    verdict = f"wrong: {', '.join(wrong)}" if wrong else "fine"
    print(f"{args.source}: {inspection.num_examples:,} examples, {verdict}")
    return 1 if wrong else 0
