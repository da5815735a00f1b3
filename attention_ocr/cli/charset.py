"""`attention-ocr charset`: build a charset file from a data source."""

import argparse
from collections import Counter
from pathlib import Path

from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.io.progress import with_progress
from attention_ocr.text.charset_building import CASES, FORMS
from attention_ocr.text.escaping import escape_controls

HELP = "build a charset file from the labels of a data source"
_MAX_SHOWN = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("source", metavar="SOURCE", help="data source, as for --train_data")
    parser.add_argument("--out", type=Path, metavar="FILE", help="charset file to write")
    parser.add_argument(
        "--min_count",
        type=int,
        default=1,
        metavar="N",
        help="leave out characters with fewer occurrences (default: %(default)s)",
    )
    parser.add_argument(
        "--case",
        choices=CASES,
        default="keep",
        help="convert letters to one case (default: %(default)s)",
    )
    parser.add_argument(
        "--form",
        choices=FORMS,
        default="NFC",
        help="Unicode normalisation; NFKC also converts full-width letters, superscripts and the "
        "like to plain ones (default: %(default)s)",
    )
    parser.add_argument(
        "--table",
        type=Path,
        metavar="FILE",
        help="glyphs to merge: on each line a character, a tab, the glyphs that map to it",
    )


def run(args: argparse.Namespace) -> int:
    """Print the characters with their counts, and write them."""
    with quiet_start():
        from attention_ocr.data.label_checks import describe
        from attention_ocr.data.pipeline import explaining
        from attention_ocr.data.sources import open_source
        from attention_ocr.text.charset_building import build_charset, read_glyph_table

    table = read_glyph_table(args.table) if args.table else {}
    source = open_source(args.source)
    counts: Counter[str] = Counter()
    with explaining(source):
        labels = with_progress(source.labels(), "counting", source.num_examples, "label")
        for label in labels:
            counts.update(label)
    built = build_charset(counts, args.min_count, args.case, args.form, table)
    for character, count in sorted(built.counts.items(), key=lambda entry: -entry[1]):
        glyphs = [glyph for glyph, stands in built.charset.glyphs.items() if stands == character]
        also = f", also for {escape_controls(''.join(glyphs))}" if glyphs else ""
        print(f"{count:>9,}  {describe(character)}{also}")
    for character, count in list(built.left_out.items())[:_MAX_SHOWN]:
        print(f"left out: {describe(character)}, {count:,} times")
    print(f"{len(built.charset)} characters, {len(built.left_out)} left out")
    if args.out is not None:
        built.charset.write(args.out)
        print(f"wrote {args.out}")
    return 0
