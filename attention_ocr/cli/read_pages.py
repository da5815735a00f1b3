"""`attention-ocr read --detect`: the text of whole pages."""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attention_ocr.cli.image_names import (
    STDIN,
    NamedImage,
    listed_files,
    tell_skipped_of,
    why_not_opened,
)
from attention_ocr.cli.page_arguments import check_page_arguments
from attention_ocr.cli.page_results import PageFolder, PageRow, writer_of
from attention_ocr.cli.quiet_start import quiet_start
from attention_ocr.cli.read_options import (
    chosen_limits,
    chosen_second_looks,
    open_results,
    reading_bar,
    report_kept,
    settings_of,
)
from attention_ocr.cli.result_formats import on_one_line
from attention_ocr.cli.results_file import ResultsFile, ResultsStream
from attention_ocr.cli.settings_flags import settings_in_arguments
from attention_ocr.io.free_names import FreeNames
from attention_ocr.layout.page import Page

if TYPE_CHECKING:
    from attention_ocr.images.documents import Document
    from attention_ocr.pages.page_reader import PageReader

Results = ResultsFile[PageRow] | ResultsStream[PageRow]


class _Counts:
    """Numbers of pages read and failed."""

    def __init__(self, num_pages: int) -> None:
        self.num_pages = num_pages
        self.num_failed = 0


def run_pages(args: argparse.Namespace) -> int:
    """Read all pages and write them one by one; 1 if one could not be read."""
    check_page_arguments(args)
    with contextlib.ExitStack() as stack:
        results = _open_results(args, stack)
        with quiet_start():
            reader = _open_reader(args)
        if isinstance(results, ResultsFile):
            stack.callback(report_kept, results)
        counts = _read_all(args, reader, results)
    if counts.num_pages > 1 and counts.num_failed:
        print(
            f"attention-ocr read: {counts.num_failed} of {counts.num_pages} pages could not be "
            "read",
            file=sys.stderr,
        )
    return 1 if counts.num_failed else 0


def _open_reader(args: argparse.Namespace) -> "PageReader":
    from attention_ocr.inference.locate import DEFAULT_MODEL, lines_model
    from attention_ocr.inference.reader import load
    from attention_ocr.pages.page_reader import PAGE_SECOND_LOOKS, PageReader

    second_looks = chosen_second_looks(args)
    decoding = settings_in_arguments(args, "decoding")
    reader = load(
        lines_model() if args.model is None else args.model,
        engine=args.engine,
        second_looks=PAGE_SECOND_LOOKS if second_looks is None else second_looks,
        rotate_tall=args.rotate_tall,
        deskew=args.deskew,
        **decoding,
    )
    # A lexicon or a similar setting is for the model that reads the page.
    words = DEFAULT_MODEL if args.model is None and not decoding else None
    return PageReader(reader, args.detector, chosen_limits(args), args.dpi, word_reader=words)


def _open_results(args: argparse.Namespace, stack: contextlib.ExitStack) -> Results:
    if args.output_dir is not None:
        return stack.enter_context(
            PageFolder(args.output_dir, settings_of(args) | {"format": args.format}, args.format)
        )
    return open_results(args, stack, writer_of(args.format), PageRow)


def _read_all(args: argparse.Namespace, reader: "PageReader", results: Results) -> _Counts:
    from attention_ocr.images.formats import PAGE_SUFFIXES

    counts = _Counts(0)
    files = listed_files(
        args.names, args.recursive, args.stdin_image, tell_skipped_of("read"), PAGE_SUFFIXES
    )
    names = FreeNames()
    with reading_bar(args, PAGE_SUFFIXES, 0) as bar:
        for file in files:
            for row in _rows(file, reader, results, names, args.overlay_dir):
                counts.num_pages += 1
                if row is None:
                    continue
                results.write(row)
                results.flush()
                if row.error is not None:
                    counts.num_failed += 1
                    line = on_one_line(f"attention-ocr read: {row.path}: {row.error}")
                    bar.write(line, file=sys.stderr)
            bar.update()
    results.finish()
    return counts


def _rows(
    file: str | NamedImage,
    reader: "PageReader",
    results: Results,
    names: FreeNames,
    overlay_dir: Path | None,
) -> Iterator[PageRow | None]:
    """Yield the result of each page of a file; None for one that was read before."""
    name = file if isinstance(file, str) else file.name
    # Named after their sources, as `scan.pdf-0001`.
    stem = names.take("stdin" if name == STDIN else Path(name).name)
    error = None if isinstance(file, str) else file.error
    with contextlib.ExitStack() as stack:
        document: Document | None = None
        if error is None:
            try:
                source = file if isinstance(file, str) else file.content
                document = stack.enter_context(reader.open(source))
            except OSError as problem:
                error = why_not_opened(name, problem)
            except ValueError as problem:
                error = str(problem)
        if document is None:
            # Waits for its turn in the results like any page.
            results.has(name)
            yield PageRow(name, error, Page(0, 0, path=name, error=error).to_record())
            return
        for number in range(1, document.num_pages + 1):
            path = name if document.num_pages == 1 else f"{name}#{number}"
            if results.has(path):
                yield None
                continue
            page = reader.read_page_of(document, name, number)
            label = f"{stem}-{number:04d}"
            overlay = None
            if overlay_dir is not None and page.error is None:
                overlay = str(_write_overlay(overlay_dir, label, document.page(number), page))
            yield PageRow(path, page.error, page.to_record(), overlay, label)


def _write_overlay(folder: Path, label: str, pixels: Any, page: Page) -> Path:
    from PIL import Image

    from attention_ocr.io.atomic_write import whole_file
    from attention_ocr.visualization.page_overlay import draw_page

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{label}.png"
    with whole_file(path) as temporary:
        Image.fromarray(draw_page(pixels, page)).save(temporary, format="PNG")
    return path
