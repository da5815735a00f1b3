"""Where `attention-ocr read --detect` writes its pages: a stream, a file, or a file per page."""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from attention_ocr import __version__
from attention_ocr.cli.page_arguments import PAGE_FORMATS
from attention_ocr.cli.results_file import ResultsFile
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.layout.hocr import HOCR_END, hocr_page, hocr_start
from attention_ocr.layout.page import Page
from attention_ocr.layout.writers import PAGE_WRITERS, page_as_json, page_as_text

CREATOR = f"attention-ocr {__version__}"


class PageRow(NamedTuple):
    """The result for one page.

    Attributes:
        path: Name of the page, `scan.pdf#2`.
        error: Why it could not be read.
        page: The page, see `Page.to_record`.
        overlay: Path of the overlay.
        file: Name of its file in a folder.
    """

    path: str
    error: str | None
    page: Mapping[str, Any]
    overlay: str | None = None
    file: str | None = None


class PageWriter:
    """Writes pages one after the other to a stream.

    Args:
        stream: Output stream.
        format_name: `text`, `jsonl` or `hocr`.
    """

    def __init__(self, stream: TextIO, format_name: str) -> None:
        self._stream = stream
        self._format = format_name
        self._num_pages = 0
        if format_name == "hocr":
            stream.write(hocr_start(CREATOR).decode())

    def __call__(self, row: PageRow) -> None:
        """Write a page. One with an error is in JSON only."""
        page = Page.from_record(row.page)
        if self._format == "jsonl":
            self._stream.write(page_as_json(page))
            return
        if row.error is not None:
            return
        self._num_pages += 1
        if self._format == "hocr":
            self._stream.write(hocr_page(page, self._num_pages).decode())
            return
        # A form feed between pages, as in the output of pdftotext and Tesseract.
        self._stream.write(("\f" if self._num_pages > 1 else "") + page_as_text(page))

    def end(self) -> None:
        """Write the end of the file."""
        if self._format == "hocr":
            self._stream.write(HOCR_END.decode())


def writer_of(format_name: str) -> Callable[[TextIO], PageWriter]:
    """Return what makes the writer of a format."""
    return lambda stream: PageWriter(stream, format_name)


class PageFolder(ResultsFile[PageRow]):
    """Writes each page to a separate file; a journal lets an interrupted command resume.

    Args:
        folder: Created if it does not exist.
        command: See `ResultsFile`.
        format_name: One of `PAGE_FORMATS`.
    """

    def __init__(self, folder: Path, command: Mapping[str, Any], format_name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder / "pages", command, writer_of("jsonl"), PageRow)
        self._folder = folder
        self._format = format_name

    def write(self, result: PageRow) -> None:
        """Write the file of a page, and note it in the journal."""
        if result.error is None and result.file is not None:
            created = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
            content = PAGE_WRITERS[self._format](Page.from_record(result.page), CREATOR, created)
            path = self._folder / (result.file + PAGE_FORMATS[self._format])
            with whole_file(path) as temporary:
                temporary.write_bytes(content)
        super().write(result._replace(page={}))

    def finish(self) -> None:
        """Remove the journal."""
        self._file.close()
        self.journal.unlink()
        self.finished = True
