"""What `attention-ocr read` derives from its arguments, for crops and for whole pages."""

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from attention_ocr.cli.image_names import count_images
from attention_ocr.cli.result_formats import Row, Write
from attention_ocr.cli.results_file import ResultsFile, ResultsStream
from attention_ocr.cli.settings_flags import settings_in_arguments
from attention_ocr.images.headers import PAGE_LIMITS, ImageLimits
from attention_ocr.inference.locate import MODEL_FILES, find_model
from attention_ocr.io.progress import progress_bar
from attention_ocr.settings.pages import DEFAULT_DETECTOR, DEFAULT_DPI
from attention_ocr.settings.second_looks import RECOMMENDED, SecondLooksConfig

if TYPE_CHECKING:
    from attention_ocr.inference.reader import SecondLooks


_NEW_OPTIONS: dict[str, Any] = {
    "boxes": False,
    "overlay_format": "png",
    "detect": False,
    "detector": DEFAULT_DETECTOR,
    "dpi": DEFAULT_DPI,
    "output_dir": None,
    "out": None,
    "shard_size": None,
    "overwrite": False,
}


def reading_bar(args: argparse.Namespace, suffixes: Sequence[str], num_recorded: int) -> Any:
    """Return a progress bar over the files with the suffixes, of which some were read before."""
    # Results printed on a terminal show the progress themselves.
    shown = sys.stderr.isatty() and (args.output is not None or not sys.stdout.isatty())
    total = count_images(args.names, args.recursive, suffixes) if shown else None
    return progress_bar("reading", total, initial=num_recorded, shown=shown)


def chosen_limits(args: argparse.Namespace) -> ImageLimits:
    """Return the limits of images or pages, with those of the command line."""
    names = [field.name for field in dataclasses.fields(ImageLimits)]
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    return dataclasses.replace(PAGE_LIMITS if args.detect else ImageLimits(), **given)


def chosen_second_looks(args: argparse.Namespace) -> "SecondLooks":
    """Return the `second_looks` argument of `load`."""
    chosen = settings_in_arguments(args, "second_looks")
    if args.second_looks is None:
        return chosen or None
    base = RECOMMENDED if args.second_looks else SecondLooksConfig()
    return dataclasses.replace(base, **chosen)


def open_results(
    args: argparse.Namespace,
    stack: contextlib.ExitStack,
    make_writer: Callable[[TextIO], Write[Row]],
    row_type: type[Row],
) -> "ResultsFile[Row] | ResultsStream[Row]":
    """Open the output: a file that can be continued, a device, or standard output.

    Args:
        args: Arguments of the command.
        stack: Closes the output.
        make_writer: Makes the writer of the format.
        row_type: Type of the results.
    """
    path: Path | None = args.output
    if path is None:
        return ResultsStream(sys.stdout, make_writer)
    if path.exists() and not path.is_file():
        # A device or a pipe is written to, not replaced; a folder raises an error.
        stream = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        return ResultsStream(stack.enter_context(stream), make_writer)
    return stack.enter_context(ResultsFile(path, settings_of(args), make_writer, row_type))


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that must be equal to continue an interrupted command."""
    free = {"run", "command", "names", "output", "format", "batch_size", "recursive", "stdin_image"}
    # Results of releases that lacked an option continue while it is not given.
    free |= {name for name, default in _NEW_OPTIONS.items() if getattr(args, name) == default}
    chosen = {name: value for name, value in vars(args).items() if name not in free}
    model = find_model(args.model)
    files = [model] if model.is_file() else [model / name for name in MODEL_FILES]
    changed = max(file.stat().st_mtime_ns for file in files if file.is_file())
    chosen = {name: str(v) if isinstance(v, Path) else v for name, v in chosen.items()}
    chosen |= dataclasses.asdict(chosen_limits(args))
    return chosen | {"model": str(model.resolve()), "model_changed": changed}


def report_kept(results: ResultsFile[Any]) -> None:
    """Print where the results of an interrupted command are kept."""
    if not results.finished and len(results):
        print(
            f"attention-ocr read: {len(results)} results are kept in {results.journal}; the same "
            "command continues from there",
            file=sys.stderr,
        )
