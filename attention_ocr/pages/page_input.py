"""One page from whatever holds an image, in full size."""

import os
from typing import Any

import numpy as np
from PIL import Image

from attention_ocr.images.documents import open_document
from attention_ocr.images.headers import ImageLimits
from attention_ocr.inference.inputs import array_pixels, open_image


def open_page(image: Any, limits: ImageLimits, dpi: int) -> np.ndarray:
    """Return the pixels of a page, uint8 [H, W, 3].

    Args:
        image: A path, the bytes of a file, an open file, a Pillow image or an array.
        limits: Limits of decoding.
        dpi: Resolution at which a PDF is rendered.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If it is not an image, or cannot be read.
    """
    if isinstance(image, Image.Image | np.ndarray) or (
        hasattr(image, "__array__") and not isinstance(image, memoryview)
    ):
        return array_pixels(image, limits)
    if isinstance(image, bytearray | memoryview):
        image = bytes(image)
    elif not isinstance(image, str | os.PathLike | bytes):
        opened = open_image(image, limits)
        if opened.encoded is None:
            raise ValueError(opened.error)
        image = opened.encoded
    with open_document(image, limits, dpi) as document:
        return document.page(1)
