"""Decoding of ordinary JPEG and PNG files by OpenCV, in a third of the time that Pillow takes."""

import struct
import zlib
from typing import NamedTuple

import cv2
import numpy as np

from attention_ocr.images.formats import MAX_PIXELS, reduction
from attention_ocr.images.orientation import UPRIGHT, orientation_of

JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"

_FLAGS = {
    1: cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION,
    2: cv2.IMREAD_REDUCED_COLOR_2 | cv2.IMREAD_IGNORE_ORIENTATION,
    4: cv2.IMREAD_REDUCED_COLOR_4 | cv2.IMREAD_IGNORE_ORIENTATION,
    8: cv2.IMREAD_REDUCED_COLOR_8 | cv2.IMREAD_IGNORE_ORIENTATION,
}
"""Of OpenCV, by how much a picture is reduced."""

_HUFFMAN_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_JPEG_SCAN, _JPEG_EXIF = 0xDA, 0xE1
_EXIF_START = b"Exif\0\0"
_GRAY, _RGB = 0, 2
_NOT_PLAIN = frozenset({b"tRNS", b"acTL", b"eXIf"})
"""Of a PNG: a transparent colour, an animation, and an orientation."""


class PlainFile(NamedTuple):
    """An ordinary JPEG or PNG file.

    Attributes:
        width: in pixels, as they lie in the file.
        height: in pixels, as they lie in the file.
        is_jpeg: whether it is a JPEG.
        orientation: of EXIF, 1 to 8.
    """

    width: int
    height: int
    is_jpeg: bool
    orientation: int = UPRIGHT

    def decode(self, encoded: bytes) -> np.ndarray | None:
        """Decode the file, a JPEG reduced if it is large, and not turned.

        Args:
            encoded: the bytes of the file.

        Returns:
            uint8 [h, w, 3]; none if OpenCV cannot decode it.
        """
        factor = reduction(self.width, self.height) if self.is_jpeg else 1
        try:
            image = cv2.imdecode(np.frombuffer(encoded, np.uint8), _FLAGS[factor])
        except cv2.error:
            return None
        # OpenCV returns none for what it cannot decode, which its types do not say.
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
            return None
        return image if factor == 1 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def find_plain(encoded: bytes) -> PlainFile | None:
    """Recognise a whole JPEG, gray or of three colours, or PNG of 8 bits without alpha.

    Args:
        encoded: the bytes of a file.

    Returns:
        What its header says; none for any other file, which may be an image all the same.
    """
    try:
        return _plain_jpeg(encoded) or _plain_png(encoded)
    except (struct.error, IndexError):
        return None


def _plain_jpeg(encoded: bytes) -> PlainFile | None:
    # What lacks its end may be cut short: OpenCV would make up the rest.
    if not (encoded.startswith(JPEG_START) and encoded.endswith(JPEG_END)):
        return None
    position = 2
    size: tuple[int, int] | None = None
    exif = b""
    while encoded[position] == 0xFF:
        marker = encoded[position + 1]
        start = position + 4
        position += 2 + int.from_bytes(encoded[position + 2 : position + 4], "big")
        if marker in _HUFFMAN_FRAMES:
            depth, height, width, num_colours = struct.unpack_from(">BHHB", encoded, start)
            if depth != 8 or num_colours not in (1, 3) or not 0 < height * width <= MAX_PIXELS:
                return None
            size = width, height
        elif marker == _JPEG_EXIF and encoded.startswith(_EXIF_START, start):
            # Several are one that did not fit, as Pillow takes them.
            exif += encoded[start + (len(_EXIF_START) if exif else 0) : position]
        elif marker == _JPEG_SCAN:
            break
    return size and PlainFile(*size, True, orientation_of(exif))


def _plain_png(encoded: bytes) -> PlainFile | None:
    if not (encoded.startswith(PNG_START) and encoded.endswith(PNG_END)):
        return None
    width, height, depth, colours, *_, interlaced = struct.unpack_from(">IIBBBBB", encoded, 16)
    if depth != 8 or colours not in (_GRAY, _RGB) or interlaced or width * height > MAX_PIXELS:
        return None
    position = len(PNG_START)
    while position < len(encoded):
        (num_bytes,) = struct.unpack_from(">I", encoded, position)
        end = position + 8 + num_bytes
        if encoded[position + 4 : position + 8] in _NOT_PLAIN:
            return None
        if zlib.crc32(encoded[position + 4 : end]) != struct.unpack_from(">I", encoded, end)[0]:
            return None
        position = end + 4
    return PlainFile(width, height, False)
