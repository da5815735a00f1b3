"""An image on its way to an engine: the bytes of a file or pixels, decoded once for all who ask."""

import functools
from collections.abc import Sequence

import numpy as np

from attention_ocr.images.decode import (
    UnreadableImageError,
    decode_with_size,
    encode_array,
    to_rgb,
)
from attention_ocr.images.formats import STATUS_UNREADABLE, file_format
from attention_ocr.images.headers import ImageHeader, ImageLimits, read_header
from attention_ocr.images.orientation import UPRIGHT

_ORDINARY = ("PNG", "JPEG")
_EXIF_NAMES = (b"Exif\0\0", b"eXIf")


class LazyImage:
    """An image whose header is parsed, and whose pixels are decoded, when first asked for.

    Args:
        encoded: Bytes of its file; None for pixels, see `from_array`.
        error: Why it cannot be read, if that is known already.

    Attributes:
        encoded: Bytes of its file; None for pixels.

    Example:
        >>> LazyImage(b"no image").error
        'unreadable image: not a PNG, JPEG, BMP, GIF, WebP, TIFF or AVIF file'
    """

    def __init__(self, encoded: bytes | None, error: str | None = None) -> None:
        self.encoded = encoded
        self._error = error
        self._pixels: np.ndarray | None = None

    @classmethod
    def from_array(cls, array: np.ndarray) -> "LazyImage":
        """Make an image of pixels.

        Args:
            array: uint8 [h, w], [h, w, 1], [h, w, 3] (RGB) or [h, w, 4] (RGBA), with pixels; not
                copied where it need not be.
        """
        image = cls(None)
        image._pixels = to_rgb(array)
        return image

    @functools.cached_property
    def header(self) -> ImageHeader | None:
        """The header of the file; None for pixels, and for what is no image of a known format.

        Raises:
            ValueError: If the file consists of more parts than any honest one, or unpacks to more.
        """
        return None if self.encoded is None else read_header(self.encoded)

    @property
    def pixels(self) -> np.ndarray | None:
        """The pixels as a viewer shows them, uint8 [h, w, 3]; None if there is an error."""
        if self._pixels is None and self._error is None:
            try:
                if self.encoded is None:
                    raise UnreadableImageError(STATUS_UNREADABLE)
                self._pixels = decode_with_size(self.encoded, self.header).pixels
            except ValueError as error:
                self._error = str(error)
        return self._pixels

    @property
    def error(self) -> str | None:
        """Why the image cannot be read; None if it can. It is decoded to find out."""
        return self._error if self.pixels is None else None

    def refuse_beyond(self, limits: ImageLimits) -> None:
        """Give the file its error, and spare decoding it, if it is beyond the limits."""
        if self.encoded is not None and self._error is None:
            self._error, _ = limits.judge(self.encoded, lambda _: self.header)


def raw_pixels(images: Sequence[LazyImage]) -> tuple[np.ndarray, np.ndarray]:
    """Return images as a graph takes their pixels, see `serving_function.make_pixel_function`.

    Args:
        images: One that cannot be decoded has no pixels.

    Returns:
        `pixels`, bytes [B] as objects, and `sizes`, int32 [B, 2].
    """
    rows = np.empty(len(images), object)
    sizes = np.zeros((len(images), 2), np.int32)
    for index, image in enumerate(images):
        rows[index] = b""
        if image.pixels is not None:
            rows[index] = image.pixels.tobytes()
            sizes[index] = image.pixels.shape[:2]
    return rows, sizes


def normalize_file(image: LazyImage) -> bytes:
    """Return a file that holds the same pixels for every decoder.

    Args:
        image: Bytes of a file, or pixels.

    Returns:
        The same bytes for a JPEG or PNG without EXIF data, which every decoder of this toolkit
        reads alike; else a PNG of the pixels.

    Raises:
        UnreadableImageError: If the file is of another format or kind, or is damaged or cut short.
    """
    encoded = image.encoded
    if encoded is not None and _is_plain_and_upright(image):
        return encoded
    if image.pixels is None:
        raise UnreadableImageError(image.error or STATUS_UNREADABLE)
    is_ordinary = (
        encoded is not None
        and file_format(encoded) in _ORDINARY
        and not any(name in encoded for name in _EXIF_NAMES)
    )
    return encoded if encoded is not None and is_ordinary else encode_array(image.pixels)


def _is_plain_and_upright(image: LazyImage) -> bool:
    try:
        header = image.header
    except ValueError:
        # The decoder names what is wrong.
        return False
    return header is not None and header.is_plain and header.orientation == UPRIGHT
