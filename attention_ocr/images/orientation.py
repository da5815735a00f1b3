"""The EXIF orientation of a picture: how a camera was held, and so how its picture is shown."""

import struct
from collections.abc import Callable

import numpy as np

ORIENTATION_TAG = 0x0112
UPRIGHT = 1
SWAPPING = frozenset({5, 6, 7, 8})
"""Orientations under which height and width change places."""

_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_INTEGERS = {1: "B", 3: "H", 4: "I"}
"""Types of a tag that is a whole number."""

_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, 3),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


def orientation_of(exif: bytes | None) -> int:
    """Return the orientation that EXIF data holds, 1 to 8; 1 where it holds none.

    Args:
        exif: with or without the `Exif` before it.
    """
    # Read here and not by Pillow, which warns of damage, looks in other places as well, and would
    # read all tags of every photograph.
    tiff = (exif or b"").removeprefix(b"Exif\0\0")
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (offset,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, offset)
        for place in range(offset + 2, min(offset + 2 + 12 * count, len(tiff) - 11), 12):
            tag, kind, length = struct.unpack_from(f"{order}HHI", tiff, place)
            if tag == ORIENTATION_TAG and kind in _INTEGERS and length == 1:
                (value,) = struct.unpack_from(order + _INTEGERS[kind], tiff, place + 8)
                return valid_orientation(value)
    except struct.error:
        pass
    return UPRIGHT


def valid_orientation(value: object) -> int:
    """Return the value of a tag if it is an orientation, else 1."""
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def turned(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turn or mirror `image` [h, w, ...] as an orientation, 1 to 8, says."""
    turn = _TURNS.get(orientation)
    return image if turn is None else np.ascontiguousarray(turn(image))
