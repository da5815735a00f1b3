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
from attention_ocr.cli.result_formats import FORMATS, ResultRow, on_one_line
from attention_ocr.cli.results_file import ResultsFile, ResultsStream
from attention_ocr.cli.settings_flags import settings_in_arguments
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

Results come in the order of the images. What cannot be read is named on standard error (and is a
record with an `error` in jsonl and csv), the rest is read all the same, and the exit status is 1.
The file of --output appears when all is read. Until then, results are kept in FILE.partial: after
an interruption, the same command goes on from there.
An image that was too wide for the model and had to be shrunk is marked as `shrunk`: cut long lines
into words, or read them with a model that was trained with a larger --max_image_width.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command.

    Args:
        parser: the command's own parser.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "names",
        nargs="+",
        metavar="PATH",
        help=f"image ({FORMAT_NAMES}), folder of images, pattern such as 'words/*.png', "
        "or - for a list of these on standard input, one a line",
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="MODEL",
        help="work directory of a training, an export, or a .tflite or .onnx file of one "
        "(default: the weights of the package)",
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="what runs the model; auto: the fastest that is installed and of which the model has "
        "a format (default: %(default)s)",
    )
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="text",
        help="text: path, text and confidence with tabs between; jsonl: a JSON object a line; "
        "csv: with a header (default: %(default)s)",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument(
        "--overlay_dir",
        type=Path,
        metavar="DIR",
        help="draw there, for each image, where each character was read",
    )
    parser.add_argument(
        "--batch_size",
        type=_positive,
        default=32,
        metavar="N",
        help="images that are read at once (default: %(default)s)",
    )
    _add_image_arguments(parser)
    add_decoding_arguments(parser)
    add_second_looks_arguments(parser, reads=True)


def _add_image_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which images are read, and how."""
    parser.add_argument(
        "--recursive", action="store_true", help="look for images in folders of folders too"
    )
    parser.add_argument(
        "--stdin_image",
        action="store_true",
        help="standard input, -, is one image instead of a list of names",
    )
    for name, what in (
        ("max_image_bytes", "of a file that is decoded"),
        ("max_image_pixels", "of an image that is decoded"),
        ("max_unpacked_bytes", "that a file may unpack to, all channels in their depth"),
    ):
        parser.add_argument(
            f"--{name}",
            type=_positive,
            default=getattr(ImageLimits, name),
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )


def run(args: argparse.Namespace) -> int:
    """Read the images and write what they say, batch by batch.

    Args:
        args: what `add_arguments` declared.

    Returns:
        The exit status: 0, or 1 if an image could not be read.

    Raises:
        OSError: no model is there, or an output cannot be written.
        ValueError: the model is damaged, or an argument is wrong.
    """
    if args.names.count(STDIN) > 1:
        raise ValueError(f"Expected - once. Received: {' '.join(args.names)}")
    if args.stdin_image and STDIN not in args.names:
        raise ValueError(f"--stdin_image goes with -. Received: {' '.join(args.names)}")
    with contextlib.ExitStack() as stack:
        results = _open_results(args, stack)
        with quiet_start():
            # TensorFlow takes seconds to load, which `--help` need not wait for.
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
            stack.callback(_say_what_is_kept, results)
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
    """Read all images; return how many there are, and how many of them could not be read."""
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
    # On a terminal, results that scroll by are progress enough.
    shown = sys.stderr.isatty() and (args.output is not None or not sys.stdout.isatty())
    return ProgressBar(count_images(args.names, args.recursive) if shown else None, shown)


def _second_looks(args: argparse.Namespace) -> "SecondLooks":
    """Return what `load` is told of second looks."""
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
        # A device or a pipe is written to, not replaced; a folder is refused.
        stream = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        return ResultsStream(stack.enter_context(stream), make_writer)
    return stack.enter_context(ResultsFile(path, _what_is_read(args), make_writer))


def _what_is_read(args: argparse.Namespace) -> dict[str, Any]:
    """Return what has to be the same in a command that goes on with the results of another."""
    free = {"run", "command", "names", "output", "format", "batch_size", "recursive", "stdin_image"}
    chosen = {name: value for name, value in vars(args).items() if name not in free}
    model = find_model(args.model)
    files = [model] if model.is_file() else [model / name for name in MODEL_FILES]
    changed = max(file.stat().st_mtime_ns for file in files if file.is_file())
    chosen = {name: str(v) if isinstance(v, Path) else v for name, v in chosen.items()}
    return chosen | {"model": str(model.resolve()), "model_changed": changed}


def _say_what_is_kept(results: ResultsFile) -> None:
    """Say where the results of a command are that did not end."""
    if not results.finished and len(results):
        print(
            f"attention-ocr read: {len(results)} results are kept in {results.journal}; the same "
            "command goes on from there",
            file=sys.stderr,
        )


def _positive(value: str) -> int:
    number = int(value) if value.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, received {value!r}")
    return number
