"""Sizes and perceptual hashes of image files, and why a file has none."""

from typing import NamedTuple

import numpy as np

from attention_ocr.data.near_duplicates import HASH_WORDS, perceptual_hash
from attention_ocr.images.decode import UnreadableImageError, decode_with_size

BATCH_SIZE = 256
"""Rows that are inspected together."""


class FileMeasures(NamedTuple):
    """Measures of an image file.

    Attributes:
        height: In pixels; 0 if it is unreadable.
        width: In pixels; 0 if it is unreadable.
        look: Perceptual hash, int64 [2]; zeros if it is unreadable.
        reason: Why it is unreadable; empty if it is readable.
    """

    height: int
    width: int
    look: np.ndarray
    reason: str


def measure_file(encoded: bytes) -> FileMeasures:
    """Return the measures of the content of a file."""
    try:
        pixels, height, width = decode_with_size(encoded)
    except UnreadableImageError as error:
        return unreadable(str(error) if encoded else "empty file")
    return FileMeasures(height, width, perceptual_hash(pixels), "")


def unreadable(reason: str) -> FileMeasures:
    """Return the measures of a file that is unreadable for a reason."""
    return FileMeasures(0, 0, np.zeros(HASH_WORDS, np.int64), reason)


def cannot_be_opened(error: OSError) -> str:
    """Return why a file is unreadable."""
    return f"cannot be opened: {error.strerror or error}"
