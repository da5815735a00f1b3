"""The integer tags of TIFF data, in TIFF files and in the EXIF data of other files."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
_BIG_TIFF = 43
BITS_PER_SAMPLE = 258
_INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
"""Integer types of a tag."""


class IntegerTag(NamedTuple):
    """A tag of the first directory.

    Attributes:
        tag: Its number.
        kind: Its type, 1, 3, 4 or 16.
        num_values: Number of values.
        value: The first value.
    """

    tag: int
    kind: int
    num_values: int
    value: int


def integer_tags(tiff: bytes) -> Iterator[IntegerTag]:
    """Yield the integer tags of the first directory, in their order.

    Args:
        tiff: TIFF or BigTIFF data; anything else has no tags.

    Raises:
        struct.error: If the data are cut short.
    """
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return
    is_big = struct.unpack_from(f"{order}H", tiff, 2)[0] == _BIG_TIFF
    offset_layout, offset_place = ("Q", 8) if is_big else ("I", 4)
    count_layout, count_bytes = ("Q", 8) if is_big else ("H", 2)
    entry_layout, entry_bytes = ("HHQ", 20) if is_big else ("HHI", 12)
    (offset,) = struct.unpack_from(order + offset_layout, tiff, offset_place)
    (num_tags,) = struct.unpack_from(order + count_layout, tiff, offset)
    start = offset + count_bytes
    for place in range(start, min(start + num_tags * entry_bytes, len(tiff)), entry_bytes):
        tag, kind, num_values = struct.unpack_from(order + entry_layout, tiff, place)
        if kind in _INTEGERS:
            value_place = place + struct.calcsize(order + entry_layout)
            size = struct.calcsize(order + _INTEGERS[kind])
            if tag == BITS_PER_SAMPLE and num_values * size > struct.calcsize(
                order + offset_layout
            ):
                # The values of several channels do not fit here and are stored elsewhere.
                (value_place,) = struct.unpack_from(order + offset_layout, tiff, value_place)
            (value,) = struct.unpack_from(order + _INTEGERS[kind], tiff, value_place)
            yield IntegerTag(tag, kind, num_values, value)
