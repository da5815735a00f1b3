"""`attention-ocr parity`: whether all formats of an export read alike."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from attention_ocr.cli.quiet_start import quiet_start

if TYPE_CHECKING:
    from attention_ocr.inference.engines.interface import Engine

HELP = "compare the formats of an export on labelled images"
EPILOG = """\
example:
  attention-ocr parity served/mine words/labels.tsv --model=runs/mine --count=1000

Formats in float32 must give every text and its confidence to 0.001; half precision 99 % of the
texts; 8 bits may cost half a point of exact match. The exit status is 1 where a format does not
keep that.

Every format is read once here. Where the model has second looks, the last column says what takes
them when it reads that format (TF Serving, a browser or a program in C++ reads once), and the last
row how the reference reads with them.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Args:
        parser: the command's own parser.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "export", type=Path, metavar="EXPORT", help="an export, or a version of one"
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="labelled images, as --train_data of `attention-ocr train` takes them",
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help="model that was exported, the reference: a work directory, or default "
        "(without: the first format)",
    )
    parser.add_argument(
        "--count",
        type=int,
        default=1000,
        metavar="N",
        help="images, evenly spread over the source (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Compare the formats and print a row for each.

    Args:
        args: what `add_arguments` declared.

    Returns:
        The exit status: 0, or 1 if a format does not read as it must.

    Raises:
        OSError: a model or an image is not there.
        ValueError: a model or the source is damaged, or an argument is wrong.
    """
    if args.count < 1:
        raise ValueError(f"`count` must be at least 1. Received: {args.count}")
    with quiet_start():
        from attention_ocr.data.sources import open_source
        from attention_ocr.exporting.parity import compare_forms, pick_images
        from attention_ocr.inference.locate import find_model

        images = pick_images(open_source(args.source), args.count)
        reference = None if args.model is None else _open_reference(args.model)
    rows = compare_forms(find_model(args.export), images, reference)
    print("format\timages\tsame text\texact match\tlargest difference of confidence\tsecond looks")
    for row in rows:
        same, right = row.num_same / row.num_images, row.num_right / row.num_images
        print(
            f"{row.format_name}\t{row.num_images}\t{same:.2%}\t{right:.2%}\t{row.largest_difference:.2g}"
            f"\t{row.second_looks or '-'}"
        )
    failures = [row for row in rows if row.failure is not None]
    for row in failures:
        print(f"attention-ocr parity: {row.format_name}: {row.failure}", file=sys.stderr)
    return 1 if failures else 0


def _open_reference(model: Path) -> "Engine":
    from attention_ocr.inference.reader import load

    return load(model, engine="tensorflow", second_looks=False).engine
