"""`attention-ocr read`: the text of image files."""

import argparse
import contextlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from attention_ocr.cli.image_names import (
    STDIN,
    NamedImage,
    named_images,
    tell_skipped_of,
)
from attention_ocr.cli.model_arguments import (
    add_decoding_arguments,
    add_second_looks_arguments,
)
from attention_ocr.cli.page_arguments import (
    PAGE_FORMATS,
    add_page_arguments,
    check_no_page_arguments,
)
from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.cli.read_on_cluster import (
    add_cluster_arguments,
    engine_value,
    read_on_cluster,
    refuse_cluster_arguments,
)
from attention_ocr.cli.read_options import (
    chosen_limits,
    chosen_second_looks,
    open_results,
    reading_bar,
    report_kept,
)
from attention_ocr.cli.result_formats import FORMATS, ResultRow, on_one_line
from attention_ocr.cli.results_file import ResultsFile, ResultsStream
from attention_ocr.cli.settings_flags import settings_in_arguments
from attention_ocr.cluster.address import names_cluster
from attention_ocr.images.formats import FORMAT_NAMES, IMAGE_SUFFIXES
from attention_ocr.images.headers import PAGE_LIMITS, ImageLimits
from attention_ocr.settings.formats import ENGINES

if TYPE_CHECKING:
    from attention_ocr.cli.overlay_folder import OverlayFolder
    from attention_ocr.inference.reader import Reader, Reading

HELP = "read the text of images"
EPILOG = """\
examples:
  attention-ocr read word.png --model=runs/mine
  attention-ocr read words/ more/*.jpg --model=served --format=csv -o texts.csv
  find . -name '*.png' | attention-ocr read - --model=served --format=jsonl
  attention-ocr read photo.jpg --detect
  attention-ocr read scans/*.pdf --detect --format=hocr -o scans.hocr
  attention-ocr read 'crops-*.tfrecord' --model=served --engine=ray --out=readings
  attention-ocr read scans/ --detect --engine=ray --out=pages

Results are in the order of the images. Unreadable images are reported on standard error (and as
records with an `error` in jsonl and csv), the others are read, and the exit status is 1.
The file of --output is written at the end. Until then, results are kept in FILE.partial: after an
interruption, the same command continues from there.
An image that is too wide for the model is shrunk and marked as `shrunk`: split long lines into
words, or use a model trained with a larger --max_image_width.
Images are crops of a word or line; --detect finds the lines of whole pages: photos, scans, TIFF and
PDF. An interrupted command with --output or --output_dir continues there page by page.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "names",
        nargs="+",
        metavar="PATH",
        help=f"image ({FORMAT_NAMES}; with --detect also PDF), folder of images, pattern such as "
        "'words/*.png', or - for a list of these on standard input, one per line",
    )
    parser.add_argument(
        "--model",
        "--reader",
        type=Path,
        metavar="MODEL",
        help="work directory of a training run, an export, or a .tflite or .onnx file of one "
        "(default: `default`, the bundled model of words; with --detect `lines`, that of lines)",
    )
    parser.add_argument(
        "--engine",
        type=engine_value,
        default="auto",
        metavar="ENGINE",
        help=f"inference engine, {', '.join(ENGINES)}; auto: the fastest that is installed and "
        "supports a format of the model; ray or ray://HOST:PORT: the fastest one, in every "
        "process of a Ray cluster, with --out (default: %(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=tuple({**FORMATS, **PAGE_FORMATS, "parquet": ""}),
        help="text: path, text and confidence, separated by tabs, or the lines of a page; jsonl: a "
        "JSON object per line; csv: with a header; with --detect also hocr, alto (ALTO 4) and page "
        "(PAGE XML), these two with --output_dir; with --engine=ray parquet or jsonl (default: "
        "text; parquet with --engine=ray)",
    )
    _add_output_arguments(parser)
    parser.add_argument(
        "--batch_size",
        type=_positive,
        default=32,
        metavar="N",
        help="images per batch (default: %(default)s)",
    )
    _add_image_arguments(parser)
    add_page_arguments(parser)
    add_cluster_arguments(parser)
    add_decoding_arguments(parser)
    add_second_looks_arguments(parser, reads=True)


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of files that are written."""
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="file for the results")
    parser.add_argument(
        "--overlay_dir",
        type=Path,
        metavar="DIR",
        help="folder for attention overlays, one per image; with --detect for pages with their "
        "lines and texts",
    )
    parser.add_argument(
        "--overlay_format",
        choices=("png", "gif"),
        default="png",
        help="png: a row for each character; gif: an animation of the attention walking over the "
        "image (default: %(default)s)",
    )
    parser.add_argument(
        "--boxes",
        action="store_true",
        help="add the approximate box of each character to the records of --format=jsonl: left, "
        "top, right and bottom in pixels of the image",
    )


def _add_image_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of image files."""
    parser.add_argument("--recursive", action="store_true", help="also search subfolders")
    parser.add_argument(
        "--stdin_image",
        action="store_true",
        help="standard input, -, is one image instead of a list of names",
    )
    for name, subject in (
        ("max_image_bytes", "maximum size of an image file in bytes"),
        ("max_image_pixels", "maximum pixels of an image"),
        ("max_unpacked_bytes", "maximum bytes of a decoded image, with all channels and depth"),
    ):
        parser.add_argument(
            f"--{name}",
            type=_positive,
            metavar="N",
            help=f"{subject} (default: {getattr(ImageLimits, name)}; with --detect "
            f"{getattr(PAGE_LIMITS, name)})",
        )


def run(args: argparse.Namespace) -> int:
    """Read the images and write the results by batch; 1 if an image could not be read."""
    if names_cluster(args.engine):
        return read_on_cluster(args, chosen_limits(args), chosen_second_looks(args))
    refuse_cluster_arguments(args)
    args.format = args.format or "text"
    if args.names.count(STDIN) > 1:
        raise ValueError(f"Expected - once. Received: {' '.join(args.names)}")
    if args.stdin_image and STDIN not in args.names:
        raise ValueError(f"--stdin_image goes with -. Received: {' '.join(args.names)}")
    if args.boxes and args.format != "jsonl":
        raise ValueError(f"--boxes needs --format=jsonl. Received: --format={args.format}")
    if args.detect:
        from attention_ocr.cli.read_pages import run_pages

        return run_pages(args)
    check_no_page_arguments(args)
    with contextlib.ExitStack() as stack:
        results = open_results(args, stack, FORMATS[args.format], ResultRow)
        with quiet_start():
            # TensorFlow takes seconds to load; `--help` should not wait for it.
            from attention_ocr.inference.reader import load

            decoding = settings_in_arguments(args, "decoding")
            reader = load(
                args.model,
                engine=args.engine,
                limits=chosen_limits(args),
                second_looks=chosen_second_looks(args),
                rotate_tall=args.rotate_tall,
                deskew=args.deskew,
                **decoding,
            )
            overlays = _open_overlays(args.overlay_dir, args.overlay_format)
        if isinstance(results, ResultsFile):
            stack.callback(report_kept, results)
            if overlays is not None:
                overlays.keep(result.overlay for result in results.recorded if result.overlay)
        num_images, num_failed = _read_all(args, reader, overlays, results)
    if num_images > 1 and num_failed:
        print(
            f"attention-ocr read: {num_failed} of {num_images} images could not be read",
            file=sys.stderr,
        )
    return 1 if num_failed else 0


def _read_all(
    args: argparse.Namespace,
    reader: "Reader",
    overlays: "OverlayFolder | None",
    results: "ResultsFile[ResultRow] | ResultsStream[ResultRow]",
) -> tuple[int, int]:
    """Read all images; return the number of images and the number of unreadable ones."""
    num_images, num_failed = len(results.recorded), 0
    images = named_images(
        *(args.names, args.recursive, args.stdin_image), tell_skipped_of("read"), results.has
    )
    with reading_bar(args, IMAGE_SUFFIXES, num_images) as bar:
        while batch := list(itertools.islice(images, args.batch_size)):
            for result in _read(reader, batch, overlays, args.boxes):
                num_images += 1
                results.write(result)
                for problem in filter(None, (result.error, result.warning)):
                    line = on_one_line(f"attention-ocr read: {result.path}: {problem}")
                    bar.write(line, file=sys.stderr)
                num_failed += result.error is not None
            results.flush()
            bar.update(len(batch))
    results.finish()
    return num_images, num_failed


def _open_overlays(folder: Path | None, file_format: str) -> "OverlayFolder | None":
    if folder is None:
        return None
    from attention_ocr.cli.overlay_folder import OverlayFolder

    return OverlayFolder(folder, file_format=file_format)


def _read(
    reader: "Reader",
    images: list[NamedImage],
    overlays: "OverlayFolder | None",
    with_boxes: bool,
) -> Iterator[ResultRow]:
    contents = [image.content for image in images if image.error is None]
    readings = iter(reader.read(contents, batch_size=len(images)))
    for image in images:
        if image.error is not None:
            yield ResultRow(image.name, error=image.error)
            continue
        reading = next(readings)
        overlay = None
        if overlays is not None and reading.error is None:
            overlay = str(overlays.write(image.name, image.content, reading))
        yield ResultRow(
            path=image.name,
            text=reading.text,
            confidence=round(reading.confidence, 6),
            character_confidences=tuple(round(c, 6) for c in reading.character_confidences),
            error=reading.error,
            overlay=overlay,
            warning=reading.warning,
            shrunk=reading.shrunk,
            alternatives=tuple(
                (text, round(confidence, 6)) for text, confidence in reading.alternatives
            ),
            boxes=_boxes(image, reading) if with_boxes and reading.error is None else (),
        )


def _boxes(image: NamedImage, reading: "Reading") -> tuple[tuple[float, ...], ...]:
    from attention_ocr.images.decode import decode_with_size
    from attention_ocr.visualization.boxes import character_boxes

    decoded = decode_with_size(image.content)
    return tuple(map(tuple, character_boxes(reading, (decoded.height, decoded.width))))


def _positive(value: str) -> int:
    number = int(value) if value.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, received {value!r}")
    return number
