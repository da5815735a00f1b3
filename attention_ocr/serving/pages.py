"""Whole pages: finds and reads the lines of images and PDF."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from attention_ocr.images.documents import Document
from attention_ocr.inference.locate import DEFAULT_MODEL, is_bundled, is_default, lines_model
from attention_ocr.inference.reader import load
from attention_ocr.pages.detector import open_detector
from attention_ocr.pages.page_reader import PAGE_SECOND_LOOKS, PageReader
from attention_ocr.serving.errors import Code, ServingError
from attention_ocr.serving.interface import ServedModel
from attention_ocr.serving.options import ServingOptions

T = TypeVar("T")

MAX_WAITING = 16
"""Requests for pages that wait for each other; further ones are refused."""


class PageService:
    """Reads pages, one after the other, beside the requests for crops.

    Args:
        options: Settings of the server.

    Raises:
        ImportError: If the packages of the detector are not installed.
        ValueError: If there is no such detector.
    """

    def __init__(self, options: ServingOptions) -> None:
        self._options = options
        self._detector = open_detector(options.page_detector)
        self._worker = ThreadPoolExecutor(1, "pages")
        self._num_waiting = 0
        # The newest version that was asked for, and what reads with it.
        self._opened: tuple[int, PageReader] | None = None

    async def read(self, servable: ServedModel, content: bytes) -> list[dict[str, Any]]:
        """Read the pages of a file.

        Args:
            servable: The version of the model.
            content: Content of an image or a PDF.

        Returns:
            A record of each page, see `Page.to_record`; one that cannot be read has its `error`.

        Raises:
            ServingError: If the file cannot be opened or has too many pages, or too many requests
                are waiting.
        """
        if self._num_waiting >= MAX_WAITING:
            raise ServingError(
                Code.RESOURCE_EXHAUSTED, f"{self._num_waiting} requests for pages are waiting."
            )
        self._num_waiting += 1
        try:
            reader = await self._call(lambda: self._reader(servable))
            opened = ExitStack()
            try:
                document = await self._call(
                    lambda: opened.enter_context(self._open(reader, content))
                )
                # One call a page: the pages of a client that disconnects are not read to the end.
                return [
                    await self._call(lambda: _read(reader, document, number))  # noqa: B023
                    for number in range(1, document.num_pages + 1)
                ]
            finally:
                # Also the document of a client that disconnected while it was opened.
                self._worker.submit(opened.close)
        finally:
            self._num_waiting -= 1

    async def _call(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, function)

    def _reader(self, servable: ServedModel) -> PageReader:
        if self._opened is None or self._opened[0] != servable.version:
            base = Path(self._options.model_base_path)
            model: Path | None = servable.directory
            words = None
            if is_bundled(base):
                # Its export is temporary, and already deleted. Pages are read by lines.
                model = lines_model() if is_default(base) else base
                words = DEFAULT_MODEL if is_default(base) else None
            looks = PAGE_SECOND_LOOKS if self._options.second_looks else False
            reader = load(model, second_looks=looks)
            self._opened = (
                servable.version,
                PageReader(reader, self._detector, self._options.limits, word_reader=words),
            )
        return self._opened[1]

    def _open(self, reader: PageReader, content: bytes) -> Document:
        try:
            document = reader.open(content)
        except ValueError as error:
            raise ServingError(Code.INVALID_ARGUMENT, str(error)) from error
        most = self._options.max_request_pages
        if document.num_pages > most:
            document.close()
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Expected at most {most} pages. Received: {document.num_pages}",
            )
        return document

    def close(self) -> None:
        """Wait for the page that is being read, and cancel the others."""
        self._worker.shutdown(cancel_futures=True)


def _read(reader: PageReader, document: Document, number: int) -> dict[str, Any]:
    record = reader.read_page_of(document, "", number).to_record()
    # The server knows no path.
    del record["path"]
    return record
