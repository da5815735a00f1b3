"""Files of pages: PDF, TIFF of several pages, and images; opened page by page."""

import abc
import io
import math
import os
import threading
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from attention_ocr.images.decode import decode_frame
from attention_ocr.images.formats import (
    PDF_START_BYTES,
    STATUS_UNREADABLE,
    STATUS_UNSUPPORTED,
    file_format,
    is_pdf,
)
from attention_ocr.images.headers import PAGE_LIMITS, ImageLimits
from attention_ocr.io.extras import extra
from attention_ocr.settings.pages import DEFAULT_DPI

MAX_PAGES = 100_000
_POINTS_PER_INCH = 72

REOPEN_AFTER = 10
"""Pages after which a PDF is reopened: PDFium keeps the content of every page that it has
rendered, so that memory would grow by the size of the file."""

# Held during every call: PDFium is not thread-safe, not even for separate documents. A document may
# be collected, and so closed, in the thread that holds it.
_PDFIUM_LOCK = threading.RLock()


class Document(abc.ABC):
    """An open file of pages."""

    @property
    @abc.abstractmethod
    def num_pages(self) -> int:
        """The number of pages."""

    @abc.abstractmethod
    def page(self, number: int) -> np.ndarray:
        """Return a page, uint8 [H, W, 3].

        Args:
            number: Its number, from 1.

        Raises:
            ValueError: If this page is damaged or beyond the limits; others may be well.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> "Document":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_document(
    source: str | os.PathLike[str] | bytes,
    limits: ImageLimits = PAGE_LIMITS,
    dpi: int = DEFAULT_DPI,
) -> Document:
    """Open a file of pages.

    Args:
        source: Its path or its content. A PDF at a path is never in memory as a whole.
        limits: Limits of its pages. Those of pixels reduce the resolution of a PDF; others refuse
            the file or the page.
        dpi: Resolution at which the pages of a PDF are rendered.

    Raises:
        ImportError: If it is a PDF and pypdfium2 is not installed.
        OSError: If the file cannot be read.
        ValueError: If it is neither a PDF nor an image, is damaged, encrypted, or beyond the
            limits.
    """
    if isinstance(source, bytes):
        start = source[:PDF_START_BYTES]
    else:
        with Path(source).open("rb") as file:
            start = file.read(PDF_START_BYTES)
    if is_pdf(start):
        return _PDF(source, limits, dpi)
    if not isinstance(source, bytes):
        num_bytes = Path(source).stat().st_size
        if num_bytes > limits.max_image_bytes:
            raise ValueError(f"image of {num_bytes} bytes, the limit is {limits.max_image_bytes}")
        source = Path(source).read_bytes()
    return _ImageFile(source, limits)


class _PDF(Document):
    """A PDF, rendered by PDFium."""

    def __init__(
        self, source: str | os.PathLike[str] | bytes, limits: ImageLimits, dpi: int
    ) -> None:
        if dpi < 1:
            raise ValueError(f"`dpi` must be above 0. Received: {dpi}")
        with extra("pages", "Reading a PDF"):
            import pypdfium2
        self._source = source if isinstance(source, bytes) else os.fspath(source)
        self._limits, self._dpi = limits, dpi
        self._error: type[Exception] = pypdfium2.PdfiumError
        self._open: Any = pypdfium2.PdfDocument
        self._num_rendered = 0
        try:
            with _PDFIUM_LOCK:
                self._hold(self._open(self._source))
                self._num_pages = len(self._document)
        except self._error as error:
            reason = (
                "encrypted PDF: remove its password first"
                if "password" in str(error).lower()
                else f"unreadable PDF: {error}"
            )
            raise ValueError(reason) from error

    @property
    def num_pages(self) -> int:
        """The number of pages."""
        return self._num_pages

    def page(self, number: int) -> np.ndarray:
        """Render a page, see `Document`."""
        try:
            with _PDFIUM_LOCK:
                if self._num_rendered == REOPEN_AFTER:
                    self._reopen()
                self._num_rendered += 1
                page = self._document[number - 1]
                try:
                    return self._render(page)
                finally:
                    page.close()
        except (self._error, OSError) as error:
            raise ValueError(f"unreadable page: {error}") from error

    def _reopen(self) -> None:
        # The new one first: if the file is gone, the other still has it.
        document = self._open(self._source)
        self.close()
        self._hold(document)
        self._num_rendered = 0

    def _hold(self, document: Any) -> None:
        self._document = document
        # Keeps the document, which would otherwise be closed without the lock when it is collected.
        self._close = weakref.finalize(self, _close_pdf, document)

    def _render(self, page: Any) -> np.ndarray:
        width, height = page.get_size()
        if not (width > 0 and height > 0 and math.isfinite(width * height)):
            raise ValueError(f"unreadable page: of {width}x{height} points")
        scale = self._dpi / _POINTS_PER_INCH
        # With sides rounded up: (width scale + 1) (height scale + 1) = the limit.
        area, sides = width * height, width + height
        beyond = 1 - self._limits.max_image_pixels
        most = (math.sqrt(sides**2 - 4 * area * beyond) - sides) / (2 * area)
        bitmap = page.render(scale=min(scale, most), rev_byteorder=True, prefer_bgrx=False)
        try:
            # Copied: the memory belongs to the bitmap.
            pixels = np.array(bitmap.to_numpy()[..., :3])
        finally:
            bitmap.close()
        return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)

    def close(self) -> None:
        """Close the file."""
        self._close()


def _close_pdf(document: Any) -> None:
    with _PDFIUM_LOCK:
        document.close()


class _ImageFile(Document):
    """An image file. Of a TIFF all pages are read, of an animation the first image."""

    def __init__(self, content: bytes, limits: ImageLimits) -> None:
        refusal = limits.refusal(content)
        if refusal is not None:
            raise ValueError(refusal)
        kind = file_format(content)
        if kind is None:
            raise ValueError(f"{STATUS_UNSUPPORTED}, nor a PDF")
        self._limits = limits
        with _damage_as_value_error():
            self._image = Image.open(io.BytesIO(content), formats=(kind.upper(),))
            self._num_pages = getattr(self._image, "n_frames", 1) if kind == "TIFF" else 1
        if self._num_pages > MAX_PAGES:
            raise ValueError(f"image of {self._num_pages} pages, the limit is {MAX_PAGES}")

    @property
    def num_pages(self) -> int:
        """The number of pages."""
        return self._num_pages

    def page(self, number: int) -> np.ndarray:
        """Decode a page, see `Document`."""
        with _damage_as_value_error():
            if self._num_pages > 1:
                self._image.seek(number - 1)
            refusal = self._limits.refusal_of_size(*self._image.size)
            if refusal is not None:
                raise ValueError(refusal)
            return decode_frame(self._image)

    def close(self) -> None:
        """Close the file."""
        self._image.close()


@contextmanager
def _damage_as_value_error() -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # Of damaged metadata, and of sizes, which are checked here.
            warnings.simplefilter("ignore")
            yield
    except ValueError:
        raise
    except (OSError, SyntaxError, IndexError, KeyError, TypeError, EOFError, RuntimeError) as error:
        raise ValueError(STATUS_UNREADABLE) from error
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error
