"""`attention-ocr validate`: check a data source; the exit status is 1 if it has problems."""

import argparse

from attention_ocr.cli import inspect_data

HELP = "check a data source; the exit status is 1 if it has problems"
IGNORED = "shrunk+duplicate+look_alike"
# The names of `data.inspection.MEANINGS`, so that `--help` does not load TensorFlow.
FINDINGS = (
    *("unreadable", "not_utf8", "empty", "too_long", "unknown_character", "outer_space"),
    *("double_space", "normal_form", "invisible", "mixed_scripts", "contradiction", "duplicate"),
    *("near_contradiction", "near_duplicate", "shrunk", "look_alike"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    inspect_data.add_arguments(parser)
    parser.add_argument(
        "--ignore",
        default=IGNORED,
        metavar="NAMES",
        help=f"findings to ignore, joined by +, or '' for none: {', '.join(FINDINGS)} "
        "(default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the problems of the source; 1 if there are any that are not ignored."""
    ignored = set(filter(None, args.ignore.split("+")))
    unknown = sorted(ignored - set(FINDINGS))
    if unknown:
        raise ValueError(
            f"--ignore must list some of {', '.join(FINDINGS)}. Received: {', '.join(unknown)}"
        )
    inspection = inspect_data.inspect_and_write(args)
    inspect_data.print_findings(inspection)
    wrong = [name for name in inspection.findings if name not in ignored]
    verdict = f"problems: {', '.join(wrong)}" if wrong else "no problems"
    print(f"{args.source}: {inspection.num_examples:,} examples, {verdict}")
    return 1 if wrong else 0
