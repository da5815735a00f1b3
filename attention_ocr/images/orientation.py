"""The EXIF orientation of an image."""

import struct
from collections.abc import Callable

import numpy as np

from attention_ocr.images.tiff_tags import integer_tags

ORIENTATION_TAG = 0x0112
UPRIGHT = 1
SWAPPING = frozenset({5, 6, 7, 8})
"""Orientations that swap height and width."""

_KINDS = frozenset({1, 3, 4})
"""Allowed types of the tag."""

_ROTATIONS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, 3),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


def orientation_of(exif: bytes | None) -> int:
    """Return the orientation in EXIF data, 1 to 8; 1 without any.

    Args:
        exif: EXIF data, with or without the prefix `Exif`.
    """
    # Not read by Pillow, which warns of damage, searches other places as well, and reads all tags
    # of every photograph.
    try:
        for tag in integer_tags((exif or b"").removeprefix(b"Exif\0\0")):
            if tag.tag == ORIENTATION_TAG and tag.kind in _KINDS and tag.num_values == 1:
                return valid_orientation(tag.value)
    except struct.error:
        pass
    return UPRIGHT


def valid_orientation(value: object) -> int:
    """Return the value of a tag if it is a valid orientation, otherwise 1."""
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def apply_orientation(image: np.ndarray, orientation: int) -> np.ndarray:
    """Rotate or mirror `image` [h, w, ...] by its orientation, 1 to 8."""
    rotate = _ROTATIONS.get(orientation)
    return image if rotate is None else np.ascontiguousarray(rotate(image))
