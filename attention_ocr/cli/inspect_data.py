"""`attention-ocr inspect`: statistics and possible problems of a data source."""

import argparse
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from attention_ocr.cli.engine_argument import add_engine_argument
from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.cluster.address import names_cluster
from attention_ocr.data.shared_folder import SharedFolder
from attention_ocr.text.charset import CHARSETS
from attention_ocr.text.escaping import escape_controls, to_json

if TYPE_CHECKING:
    import numpy as np

    from attention_ocr.data.inspection import Inspection
    from attention_ocr.data.sources import Source

HELP = "show statistics and possible problems of a data source"
_MAX_NAMED = 5
_MAX_CHARACTERS = 40
_SHEET_SIZE = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("source", metavar="SOURCE", help="data source, as for --train_data")
    parser.add_argument(
        "--charset",
        metavar="FILE",
        help=f"characters of the model: a charset file, or one of {', '.join(CHARSETS)}",
    )
    parser.add_argument("--max_length", type=int, metavar="N", help="maximum characters of a label")
    parser.add_argument(
        "--image_height",
        type=int,
        default=32,
        metavar="N",
        help="input height of the model (default: 32)",
    )
    parser.add_argument(
        "--max_image_width",
        type=int,
        default=256,
        metavar="N",
        help="input width of the model (default: 256)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="maximum examples to inspect")
    parser.add_argument(
        "--json", metavar="FILE", help="write the full report as JSON, to a file or an address"
    )
    parser.add_argument(
        "--histograms",
        type=Path,
        metavar="PNG",
        help="draw histograms of label lengths and image sizes",
    )
    parser.add_argument(
        "--sheet", type=Path, metavar="PNG", help="draw a contact sheet of images and labels"
    )
    add_engine_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Print statistics and findings."""
    inspection = inspect_and_write(args)
    print_statistics(inspection)
    print_findings(inspection)
    return 0


def inspect_and_write(args: argparse.Namespace) -> "Inspection":
    """Inspect the source and write the requested files."""
    for name in ("sheet", "histograms"):
        path = getattr(args, name)
        if path is not None and path.suffix.lower() != ".png":
            raise ValueError(f"Expected --{name} to end in .png. Received: {path}")
    for name in ("max_length", "limit"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise ValueError(f"Expected --{name} of at least 1. Received: {value}")
    from attention_ocr.data.inspection import Inspection, inspect_labels
    from attention_ocr.settings.image import ImageConfig
    from attention_ocr.text.charset import CHARSETS, Charset

    image = ImageConfig(image_height=args.image_height, max_image_width=args.max_image_width)
    charset = None
    if args.charset:
        known = CHARSETS.get(args.charset)
        charset = Charset(known) if known else Charset.load(Path(args.charset))
    inspection = Inspection(image, charset, args.max_length)
    source: Source | None = None
    if names_cluster(args.engine):
        source = _inspect_on_cluster(args, inspection)
    elif _is_local_labels(args.source) and args.sheet is None and find_spec("tensorflow") is None:
        inspect_labels(args.source, inspection, args.limit)
    else:
        source = _inspect(args.source, inspection, args.limit)
    if args.json is not None:
        document = {"source": args.source} | inspection.to_dict()
        folder, name = os.path.split(args.json)
        SharedFolder(folder or ".").write_text(name, to_json(document, indent=2) + "\n")
    if args.histograms is not None:
        _write_histograms(inspection, args.histograms)
    if args.sheet is not None and source is not None:
        _write_sheet(source, inspection.num_examples, args.sheet)
    return inspection


def _is_local_labels(source: str) -> bool:
    return source.endswith(".tsv") and "://" not in source


def _inspect(name: str, inspection: "Inspection", limit: int | None) -> "Source":
    """Inspect any source; return it."""
    with quiet_start():
        from attention_ocr.data.inspection import inspect_source
        from attention_ocr.data.sources import open_source

    source = open_source(name)
    inspect_source(source, inspection, limit)
    return source


def _inspect_on_cluster(args: argparse.Namespace, inspection: "Inspection") -> "Source":
    """Inspect any source on a cluster; return it."""
    with quiet_start():
        from attention_ocr.cluster.engine import RayEngine
        from attention_ocr.cluster.inspection import inspect_on
        from attention_ocr.data.sources import open_source

    with RayEngine(args.engine) as engine:
        inspect_on(engine, args.source, inspection, args.limit)
    return open_source(args.source)


def print_statistics(inspection: "Inspection") -> None:
    """Print counts and histograms."""
    from attention_ocr.data.histograms import text_histogram

    characters = inspection.characters.most_common()
    print(f"{inspection.num_examples:,} examples, {len(characters):,} characters")
    shown = "".join(character for character, _ in characters[:_MAX_CHARACTERS])
    more = (
        f" and {len(characters) - _MAX_CHARACTERS:,} more" if len(characters) > len(shown) else ""
    )
    print(f"characters, most frequent first: {escape_controls(shown)}{more}")
    for title, counts in _panels(inspection).items():
        print(f"\n{title}")
        print("\n".join(text_histogram(counts)))


def print_findings(inspection: "Inspection") -> None:
    """Print possible problems, each with its first examples."""
    from attention_ocr.data.inspection import LOOK_ALIKE, MEANINGS, UNREADABLE
    from attention_ocr.data.label_checks import describe

    print("\nno problems found" if not inspection.findings else "")
    for name, meaning in MEANINGS.items():
        finding = inspection.findings.get(name)
        if finding is None:
            continue
        print(f"{name}: {finding.count:,} {meaning}")
        if name == LOOK_ALIKE:
            for entry in inspection.look_alikes[:_MAX_NAMED]:
                print(
                    f"  {describe(entry.character)} ({entry.times:,} times) looks like "
                    f"{describe(entry.like)} ({entry.like_times:,} times)"
                )
        else:
            for key, text in finding.examples[:_MAX_NAMED]:
                reason = inspection.reason_of.get(key) if name == UNREADABLE else None
                print(f"  {escape_controls(key)}: {text!r}" + (f" ({reason})" if reason else ""))
        rest = finding.count - _MAX_NAMED
        if rest > 0:
            print(f"  … and {rest:,} more")
    missing = inspection.missing_characters
    for character, count in sorted(missing.items(), key=lambda entry: -entry[1])[:_MAX_CHARACTERS]:
        print(f"missing from the charset: {describe(character)}, {count:,} times")
    if len(missing) > _MAX_CHARACTERS:
        print(f"missing from the charset: {len(missing) - _MAX_CHARACTERS:,} more, see the JSON")


def _panels(inspection: "Inspection") -> dict[str, Mapping[float, int]]:
    return {
        "label lengths, characters": _floats(inspection.lengths),
        "widths, pixels": _floats(inspection.widths),
        "heights, pixels": _floats(inspection.heights),
        "aspect ratios, width / height": inspection.aspect_ratios,
    }


def _floats(counts: Mapping[int, int]) -> dict[float, int]:
    return {float(number): count for number, count in counts.items()}


def _write_histograms(inspection: "Inspection", path: Path) -> None:
    from attention_ocr.data.histograms import draw_histograms

    _write_png(draw_histograms(_panels(inspection)), path)


def _write_sheet(source: "Source", num_examples: int, path: Path) -> None:
    """Draw readable images, evenly spread over the source."""
    from attention_ocr.data.sources import Walk
    from attention_ocr.synthesis.contact_sheet import draw_contact_sheet
    from attention_ocr.synthesis.fonts import find_faces

    step = max(1, num_examples // _SHEET_SIZE)
    examples = source.examples(Walk()).take(num_examples).shard(step, 0).take(_SHEET_SIZE)
    labelled_images = [
        (example["image"], example["text"].decode("utf-8", errors="backslashreplace"))
        for example in examples.as_numpy_iterator()
        if example["image"].size
    ]
    # Words are arranged in columns, lines below each other.
    shapes = sorted(image.shape[1] / image.shape[0] for image, _ in labelled_images)
    cell_width = int(min(max(208, 48 * shapes[len(shapes) * 9 // 10] if shapes else 0), 1248))
    columns = 1248 // cell_width
    _write_png(draw_contact_sheet(labelled_images, find_faces(), columns, cell_width), path)


def _write_png(image: "np.ndarray", path: Path) -> None:
    from PIL import Image

    from attention_ocr.io.atomic_write import whole_file

    with whole_file(path) as temporary:
        Image.fromarray(image).save(temporary, format="PNG")
