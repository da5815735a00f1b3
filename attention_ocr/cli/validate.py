"""`attention-ocr validate`: check a data source; the exit status is 1 if it has problems."""

import argparse

from attention_ocr.cli import inspect_data
from attention_ocr.cli.quiet_start import quiet_start

HELP = "check a data source; the exit status is 1 if it has problems"
IGNORED = "shrunk+duplicate+look_alike"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    inspect_data.add_arguments(parser)
    parser.add_argument(
        "--ignore",
        default=IGNORED,
        metavar="NAMES",
        help="findings to ignore, joined by +, or '' for none (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the problems of the source; 1 if there are any that are not ignored."""
    with quiet_start():
        from attention_ocr.data.inspection import MEANINGS

    ignored = set(filter(None, args.ignore.split("+")))
    unknown = sorted(ignored - set(MEANINGS))
    if unknown:
        raise ValueError(
            f"--ignore must list some of {', '.join(MEANINGS)}. Received: {', '.join(unknown)}"
        )
    inspection = inspect_data.inspect_and_write(args)
    inspect_data.print_findings(inspection)
    wrong = [name for name in inspection.findings if name not in ignored]
    verdict = f"problems: {', '.join(wrong)}" if wrong else "no problems"
    print(f"{args.source}: {inspection.num_examples:,} examples, {verdict}")
    return 1 if wrong else 0
