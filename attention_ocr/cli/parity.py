"""`attention-ocr parity`: check that all formats of an export read the same texts."""

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

Float32 formats must reproduce every text, and its confidence to 0.001; half precision 99 % of the
texts; 8 bits may lose half a point of exact match. If a format does not, the exit status is 1.

Every format is read without second looks. If the model has second looks, the last column names the
programs that apply them to that format (TF Serving, browsers and C++ programs do not), and the last
row shows the reference with them.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("export", type=Path, metavar="EXPORT", help="an export or a version of one")
    parser.add_argument(
        "source", metavar="SOURCE", help="labelled images, a data source as for --train_data"
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help="reference, the exported model: a work directory, or 'default' or 'lines' for a "
        "bundled model (default: the first format)",
    )
    parser.add_argument(
        "--count",
        type=int,
        default=1000,
        metavar="N",
        help="images, evenly spread over the source (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Compare the formats and print a row for each; 1 if a format fails."""
    if args.count < 1:
        raise ValueError(f"`count` must be at least 1. Received: {args.count}")
    with quiet_start():
        from attention_ocr.data.sources import open_source
        from attention_ocr.exporting.parity import compare_formats, pick_images
        from attention_ocr.inference.locate import find_model

        images = pick_images(open_source(args.source), args.count)
        reference = None if args.model is None else _open_reference(args.model)
    rows = compare_formats(find_model(args.export), images, reference)
    print("format\timages\tsame text\texact match\tlargest confidence difference\tsecond looks")
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
