"""Whole pages on a cluster: how files are divided into pages, and how a process reads them."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from attention_ocr.cluster.crops import ImageItem
from attention_ocr.cluster.rejections import Rejections, printable
from attention_ocr.cluster.source_guard import SourceChangedError
from attention_ocr.data.image_items import EncodedImage
from attention_ocr.data.storage import is_remote, read_file
from attention_ocr.images.documents import Document, open_document
from attention_ocr.layout.page import Page
from attention_ocr.pages.page_reader import PageReader


class PageItem(NamedTuple):
    """A page to read, or a file of which all pages are read.

    Attributes:
        file: The file.
        key: Identifies the item in reports: that of the file, for the second of several pages
            followed by `#2`.
        number: Number of the page, from 1; None for all pages.
        version: Size and time of change of a file when its pages were counted.
    """

    file: ImageItem
    key: str
    number: int | None = None
    version: str = ""


def page_items(files: Iterable[ImageItem]) -> Iterator[PageItem]:
    """Yield what to read of each file: the pages of a PDF on a disk one by one, others whole.

    Other files are not opened here. The pages of a TIFF or of a remote PDF are read by one process.

    Raises:
        ImportError: If there is a PDF, and pypdfium2 is not installed.
    """
    for file in files:
        version = num_pages = None
        if not isinstance(file, EncodedImage) and file.path.lower().endswith(".pdf"):
            version, num_pages = _count_pages(file.path)
        if not version or not num_pages:
            yield PageItem(file, file.key)
            continue
        for number in range(1, num_pages + 1):
            yield PageItem(file, _key(file.key, number, num_pages), number, version)


def _count_pages(path: str) -> tuple[str | None, int | None]:
    """Return version and number of pages of a PDF; None if it is remote or cannot be opened."""
    if is_remote(path):
        return None, None
    try:
        version = _version(path)
        with open_document(path) as document:
            return version, document.num_pages
    except (OSError, ValueError):
        # The process that reads it reports why.
        return None, None


def _key(name: str, number: int, num_pages: int) -> str:
    return name if num_pages == 1 else f"{name}#{number}"


def _version(path: str) -> str:
    status = os.stat(path)  # noqa: PTH116 - a million times
    return f"{status.st_size}-{status.st_mtime_ns}"


def page_rows(
    reader: PageReader, items: Sequence[PageItem], rejections: Rejections
) -> Iterator[dict[str, Any]]:
    """Yield a row for each page that can be read; list the others in `rejections`.

    Raises:
        SourceChangedError: If a PDF is another one than that whose pages were counted.
    """
    for file, group in groupby(items, key=attrgetter("file")):
        own = list(group)
        try:
            _check_version(own[0])
            document = _open(reader, file)
        except SourceChangedError:
            raise
        except (OSError, ValueError) as error:
            for item in own:
                rejections.add_error(item.key, error)
            continue
        with document:
            for item in own:
                yield from _rows_of(reader, document, item, rejections)
        # One that was deleted meanwhile was the right one.
        with suppress(FileNotFoundError):
            _check_version(own[0])


def _open(reader: PageReader, file: ImageItem) -> Document:
    if isinstance(file, EncodedImage):
        return reader.open(file.encoded)
    # A local PDF is never in memory as a whole.
    return reader.open(read_file(file.path) if is_remote(file.path) else file.path)


def _check_version(item: PageItem) -> None:
    if isinstance(item.file, EncodedImage) or not item.version:
        return
    if _version(item.file.path) != item.version:
        raise SourceChangedError(
            "Expected files that stay as they are while they are read; run the command again. "
            f"Received: {item.file.path}, which has changed"
        )


def _rows_of(
    reader: PageReader, document: Document, item: PageItem, rejections: Rejections
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the pages of an item."""
    num_pages = document.num_pages
    numbers = range(1, num_pages + 1) if item.number is None else (item.number,)
    if not numbers:
        rejections.add(item.key, "unreadable", "no pages")
    name = item.file.key if isinstance(item.file, EncodedImage) else item.file.path
    for number in numbers:
        key = _key(item.file.key, number, num_pages)
        page = reader.read_page_of(document, name, number)
        if page.error is None:
            yield _row(key, item.file.key, page)
        else:
            rejections.add(key, "unreadable", page.error)


def _row(key: str, path: str, page: Page) -> dict[str, Any]:
    record = page.to_record()
    return {
        "key": printable(key),
        "text": page.text,
        "path": printable(path),
        **{name: record[name] for name in ("number", "width", "height", "lines")},
    }
