"""The EXIF orientation of an image: how a camera was held, and so how its image is shown."""

import struct
from collections.abc import Callable

import numpy as np

from attention_ocr.images.tiff_tags import integer_tags

ORIENTATION_TAG = 0x0112
UPRIGHT = 1
SWAPPING = frozenset({5, 6, 7, 8})
"""Orientations under which height and width change places."""

_KINDS = frozenset({1, 3, 4})
"""Types that the tag may have."""

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
    """Return the orientation that EXIF data hold, 1 to 8; 1 where they hold none.

    Args:
        exif: With or without the `Exif` before them.
    """
    # Read here and not by Pillow, which warns of damage, looks in other places as well, and would
    # read all tags of every photograph.
    try:
        for tag in integer_tags((exif or b"").removeprefix(b"Exif\0\0")):
            if tag.tag == ORIENTATION_TAG and tag.kind in _KINDS and tag.num_values == 1:
                return valid_orientation(tag.value)
    except struct.error:
        pass
    return UPRIGHT


def valid_orientation(value: object) -> int:
    """Return the value of a tag if it is an orientation, else 1."""
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def apply_orientation(image: np.ndarray, orientation: int) -> np.ndarray:
    """Rotate or mirror `image` [h, w, ...] as an orientation, 1 to 8, says."""
    rotate = _ROTATIONS.get(orientation)
    return image if rotate is None else np.ascontiguousarray(rotate(image))
