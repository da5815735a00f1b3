"""`attention-ocr read`: the text of image files."""

import argparse
import contextlib
import dataclasses
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attention_ocr.cli.image_names import (
    STDIN,
    NamedImage,
    count_images,
    named_images,
    tell_skipped_of,
)
from attention_ocr.cli.model_arguments import (
    add_decoding_arguments,
    add_second_looks_arguments,
)
from attention_ocr.cli.progress import ProgressBar
from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.cli.read_on_cluster import (
    add_cluster_arguments,
    engine_value,
    read_on_cluster,
    refuse_cluster_arguments,
)
from attention_ocr.cli.result_formats import FORMATS, ResultRow, on_one_line
from attention_ocr.cli.results_file import ResultsFile, ResultsStream
from attention_ocr.cli.settings_flags import settings_in_arguments
from attention_ocr.cluster.address import names_cluster
from attention_ocr.images.formats import FORMAT_NAMES
from attention_ocr.images.headers import ImageLimits
from attention_ocr.inference.locate import MODEL_FILES, find_model
from attention_ocr.settings.formats import ENGINES
from attention_ocr.settings.second_looks import RECOMMENDED, SecondLooksConfig

if TYPE_CHECKING:
    from attention_ocr.cli.overlay_folder import OverlayFolder
    from attention_ocr.inference.reader import Reader, SecondLooks

HELP = "read the text of images"
EPILOG = """\
examples:
  attention-ocr read word.png --model=runs/mine
  attention-ocr read words/ more/*.jpg --model=served --format=csv -o texts.csv
  find . -name '*.png' | attention-ocr read - --model=served --format=jsonl
  attention-ocr read 'crops-*.tfrecord' --model=served --engine=ray --out=readings

Results are in the order of the images. Unreadable images are reported on standard error (and as
records with an `error` in jsonl and csv), the rest is read, and the exit status is 1.
The file of --output is written at the end. Until then, results are kept in FILE.partial: after an
interruption, the same command continues from there.
An image that is too wide for the model is shrunk and marked as `shrunk`: split long lines into
words, or use a model trained with a larger --max_image_width.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "names",
        nargs="+",
        metavar="PATH",
        help=f"image ({FORMAT_NAMES}), folder of images, pattern such as 'words/*.png', "
        "or - for a list of these on standard input, one per line",
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="MODEL",
        help="work directory of a training run, an export, or a .tflite or .onnx file of one "
        "(default: the model of the package)",
    )
    parser.add_argument(
        "--engine",
        type=engine_value,
        default="auto",
        metavar="ENGINE",
        help=f"inference engine, {', '.join(ENGINES)}; auto: the fastest that is installed and "
        "supports a format of the model; ray or ray://HOST:PORT: that one in every process of a "
        "Ray cluster, with --out (default: %(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=(*FORMATS, "parquet"),
        help="text: path, text and confidence, separated by tabs; jsonl: a JSON object per line; "
        "csv: with a header; parquet: only with --engine=ray, which writes parquet or jsonl "
        "(default: text; parquet with --engine=ray)",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="file for the results")
    parser.add_argument(
        "--overlay_dir",
        type=Path,
        metavar="DIR",
        help="folder for attention overlays, one per image",
    )
    parser.add_argument(
        "--batch_size",
        type=_positive,
        default=32,
        metavar="N",
        help="images per batch (default: %(default)s)",
    )
    _add_image_arguments(parser)
    add_cluster_arguments(parser)
    add_decoding_arguments(parser)
    add_second_looks_arguments(parser, reads=True)


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
            default=getattr(ImageLimits, name),
            metavar="N",
            help=f"{subject} (default: %(default)s)",
        )


def run(args: argparse.Namespace) -> int:
    """Read the images and write the results by batch; 1 if an image could not be read."""
    if names_cluster(args.engine):
        return read_on_cluster(args, _second_looks(args))
    refuse_cluster_arguments(args)
    args.format = args.format or "text"
    if args.names.count(STDIN) > 1:
        raise ValueError(f"Expected - once. Received: {' '.join(args.names)}")
    if args.stdin_image and STDIN not in args.names:
        raise ValueError(f"--stdin_image goes with -. Received: {' '.join(args.names)}")
    with contextlib.ExitStack() as stack:
        results = _open_results(args, stack)
        with quiet_start():
            # TensorFlow takes seconds to load; `--help` should not wait for it.
            from attention_ocr.inference.reader import load

            limits = ImageLimits(
                args.max_image_bytes, args.max_image_pixels, args.max_unpacked_bytes
            )
            decoding = settings_in_arguments(args, "decoding")
            reader = load(
                args.model,
                engine=args.engine,
                limits=limits,
                second_looks=_second_looks(args),
                rotate_tall=args.rotate_tall,
                deskew=args.deskew,
                **decoding,
            )
            overlays = _open_overlays(args.overlay_dir)
        if isinstance(results, ResultsFile):
            stack.callback(_report_kept, results)
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
    results: "ResultsFile | ResultsStream",
) -> tuple[int, int]:
    """Read all images; return the number of images and the number of unreadable ones."""
    num_images, num_failed = len(results.recorded), 0
    images = named_images(
        *(args.names, args.recursive, args.stdin_image), tell_skipped_of("read"), results.has
    )
    with _progress_bar(args) as bar:
        while batch := list(itertools.islice(images, args.batch_size)):
            for result in _read(reader, batch, overlays):
                num_images += 1
                results.write(result)
                for problem in filter(None, (result.error, result.warning)):
                    bar.say(on_one_line(f"attention-ocr read: {result.path}: {problem}"))
                num_failed += result.error is not None
            results.flush()
            bar.advance(num_images)
    results.finish()
    return num_images, num_failed


def _progress_bar(args: argparse.Namespace) -> ProgressBar:
    # Results printed on a terminal show the progress themselves.
    shown = sys.stderr.isatty() and (args.output is not None or not sys.stdout.isatty())
    return ProgressBar(count_images(args.names, args.recursive) if shown else None, shown)


def _second_looks(args: argparse.Namespace) -> "SecondLooks":
    """Return the `second_looks` argument of `load`."""
    chosen = settings_in_arguments(args, "second_looks")
    if args.second_looks is None:
        return chosen or None
    base = RECOMMENDED if args.second_looks else SecondLooksConfig()
    return dataclasses.replace(base, **chosen)


def _open_overlays(folder: Path | None) -> "OverlayFolder | None":
    if folder is None:
        return None
    from attention_ocr.cli.overlay_folder import OverlayFolder

    return OverlayFolder(folder)


def _read(
    reader: "Reader", images: list[NamedImage], overlays: "OverlayFolder | None"
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
        )


def _open_results(
    args: argparse.Namespace, stack: contextlib.ExitStack
) -> "ResultsFile | ResultsStream":
    make_writer = FORMATS[args.format]
    path: Path | None = args.output
    if path is None:
        return ResultsStream(sys.stdout, make_writer)
    if path.exists() and not path.is_file():
        # A device or a pipe is written to, not replaced; a folder raises an error.
        stream = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        return ResultsStream(stack.enter_context(stream), make_writer)
    return stack.enter_context(ResultsFile(path, _settings_of(args), make_writer))


def _settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that must be equal to continue an interrupted command."""
    free = {"run", "command", "names", "output", "format", "batch_size", "recursive", "stdin_image"}
    chosen = {name: value for name, value in vars(args).items() if name not in free}
    model = find_model(args.model)
    files = [model] if model.is_file() else [model / name for name in MODEL_FILES]
    changed = max(file.stat().st_mtime_ns for file in files if file.is_file())
    chosen = {name: str(v) if isinstance(v, Path) else v for name, v in chosen.items()}
    return chosen | {"model": str(model.resolve()), "model_changed": changed}


def _report_kept(results: ResultsFile) -> None:
    """Print where the results of an interrupted command are kept."""
    if not results.finished and len(results):
        print(
            f"attention-ocr read: {len(results)} results are kept in {results.journal}; the same "
            "command continues from there",
            file=sys.stderr,
        )


def _positive(value: str) -> int:
    number = int(value) if value.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, received {value!r}")
    return number
