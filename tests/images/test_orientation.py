"""EXIF orientations, against Pillow, which transposes by its own rules."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from attention_ocr.images.orientation import (
    ORIENTATION_TAG,
    SWAPPING,
    UPRIGHT,
    apply_orientation,
    orientation_of,
    valid_orientation,
)

IMAGE = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)


def exif(entries, order="<", offset=8):
    """Return EXIF data of one directory with the entries (tag, kind, count, value)."""
    data = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, offset)
    data += b"\0" * (offset - 8) + struct.pack(f"{order}H", len(entries))
    for tag, kind, count, value in entries:
        data += struct.pack(f"{order}HHI", tag, kind, count)
        code = {1: "B3x", 3: "H2x", 4: "I"}.get(kind, "I")
        data += struct.pack(f"{order}{code}", value)
    return data + struct.pack(f"{order}I", 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_transposed_like_by_pillow(orientation):
    image = Image.fromarray(IMAGE)
    image.getexif()[ORIENTATION_TAG] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    found = apply_orientation(IMAGE, orientation)
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous
    assert (found.shape[:2] == (5, 3)) == (orientation in SWAPPING)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_gray_images_are_transposed_as_well(orientation):
    gray = apply_orientation(IMAGE[..., 0], orientation)
    np.testing.assert_array_equal(gray, apply_orientation(IMAGE, orientation)[..., 0])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_no_orientation_is_another_one(orientation):
    others = [apply_orientation(IMAGE, other) for other in range(1, 9) if other != orientation]
    found = apply_orientation(IMAGE, orientation)
    assert not any(np.array_equal(found, other) for other in others)


def test_an_upright_image_is_not_copied():
    assert apply_orientation(IMAGE, UPRIGHT) is IMAGE
    assert apply_orientation(IMAGE, 9) is IMAGE


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [1, 3, 4])
@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_the_tag_is_found_in_either_byte_order(order, kind, orientation):
    data = exif([(0x010F, 4, 1, 7), (ORIENTATION_TAG, kind, 1, orientation)], order)
    assert orientation_of(data) == orientation
    assert orientation_of(b"Exif\0\0" + data) == orientation


def test_the_directory_may_stand_anywhere():
    assert orientation_of(exif([(ORIENTATION_TAG, 3, 1, 3)], offset=40)) == 3


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_a_value_out_of_range_is_upright(value):
    assert orientation_of(exif([(ORIENTATION_TAG, 3, 1, value)])) == UPRIGHT


@pytest.mark.parametrize("entry", [(ORIENTATION_TAG, 2, 1, 6), (ORIENTATION_TAG, 3, 2, 6)])
def test_a_tag_of_another_type_or_number_is_not_the_orientation(entry):
    assert orientation_of(exif([entry])) == UPRIGHT


@pytest.mark.parametrize("length", range(len(exif([(ORIENTATION_TAG, 3, 1, 6)])) - 4))
def test_data_cut_anywhere_are_upright(length):
    whole = exif([(ORIENTATION_TAG, 3, 1, 6)])
    # The value of a short ends two bytes before its entry.
    assert orientation_of(whole[:length]) in (UPRIGHT, 6)
    if length < 20:
        assert orientation_of(whole[:length]) == UPRIGHT


@pytest.mark.parametrize(
    "data", [None, b"", b"Exif\0\0", b"II", b"no exif data at all", b"\xff" * 99]
)
def test_other_data_are_upright(data):
    assert orientation_of(data) == UPRIGHT


@pytest.mark.parametrize(
    ("value", "expected"), [(1, 1), (8, 8), (0, 1), (-3, 1), (6.0, 1), ("6", 1), (None, 1)]
)
def test_only_whole_numbers_from_1_to_8_are_orientations(value, expected):
    assert valid_orientation(value) == expected
