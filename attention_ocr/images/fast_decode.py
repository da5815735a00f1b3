"""Decoding of ordinary JPEG and PNG files by OpenCV, three times as fast as Pillow."""

import cv2
import numpy as np

from attention_ocr.images.formats import reduction
from attention_ocr.images.headers import ImageHeader

_FLAGS = {
    1: cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION,
    2: cv2.IMREAD_REDUCED_COLOR_2 | cv2.IMREAD_IGNORE_ORIENTATION,
    4: cv2.IMREAD_REDUCED_COLOR_4 | cv2.IMREAD_IGNORE_ORIENTATION,
    8: cv2.IMREAD_REDUCED_COLOR_8 | cv2.IMREAD_IGNORE_ORIENTATION,
}
"""Flags of OpenCV by the factor of reduction."""


def is_decoded_fast(header: ImageHeader) -> bool:
    """Return whether OpenCV decodes a file to the same pixels as Pillow, and faster."""
    # Pillow is faster at reducing a PNG.
    is_large_png = header.file_format == "PNG" and reduction(header.width, header.height) > 1
    return header.is_plain and not is_large_png


def decode_fast(encoded: bytes, header: ImageHeader) -> np.ndarray | None:
    """Decode a file for which `is_decoded_fast` holds; a large JPEG is reduced.

    Args:
        encoded: The bytes of the file.
        header: Its header.

    Returns:
        uint8 [h, w, 3] as stored, not rotated; None if OpenCV cannot decode it.
    """
    factor = reduction(header.width, header.height)
    try:
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), _FLAGS[factor])
    except cv2.error:
        return None
    # OpenCV returns None for what it cannot decode, although its types do not say so.
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        return None
    return image if factor == 1 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
