"""The input of engines: an image as file bytes or pixels, decoded at most once."""

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
    """An image whose header is parsed, and whose pixels are decoded, on first access.

    Args:
        encoded: Bytes of its file; None for pixels, see `from_array`.
        error: Why it cannot be read, if already known.

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
        # Not a cached property, which takes a lock before Python 3.12.
        self._header: ImageHeader | None = None
        self._is_parsed = False

    @classmethod
    def from_array(cls, array: np.ndarray) -> "LazyImage":
        """Make an image from pixels.

        Args:
            array: uint8 [h, w], [h, w, 1], [h, w, 3] (RGB) or [h, w, 4] (RGBA), not empty; copied
                only if necessary.
        """
        image = cls(None)
        image._pixels = to_rgb(array)
        return image

    @property
    def header(self) -> ImageHeader | None:
        """The header of the file; None for pixels, and for files of unknown formats.

        Raises:
            ValueError: If the file has more blocks, or decompresses to more, than any valid one.
        """
        if not self._is_parsed and self.encoded is not None:
            self._header = read_header(self.encoded)
            self._is_parsed = True
        return self._header

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
        """Why the image cannot be read; None if it can. Decodes the image."""
        return self._error if self.pixels is None else None

    def refuse_beyond(self, limits: ImageLimits) -> None:
        """Set the error of a file beyond the limits, which is then never decoded."""
        if self.encoded is not None and self._error is None:
            self._error, _ = limits.judge(self.encoded, lambda _: self.header)


def raw_pixels(images: Sequence[LazyImage]) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs of `serving_function.make_pixel_function`.

    Args:
        images: Images; an unreadable one gives no pixels.

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
    """Return a file that every decoder decodes to the same pixels.

    Args:
        image: Bytes of a file, or pixels.

    Returns:
        The same bytes for a JPEG or PNG without EXIF data; otherwise a PNG of the pixels.

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
        # The decoder reports the error.
        return False
    return header is not None and header.is_plain and header.orientation == UPRIGHT
