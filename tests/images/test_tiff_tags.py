"""Integer tags of TIFF data in both byte orders, of both kinds, whole and cut."""

import io
import struct

import pytest
from PIL import Image

from attention_ocr.images.tiff_tags import BITS_PER_SAMPLE, IntegerTag, integer_tags

CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}


def tiff(entries, order="<", big=False, elsewhere=b""):
    """Return TIFF data of one directory; entries are (tag, type, count, value)."""
    start = b"II" if order == "<" else b"MM"
    if big:
        data = start + struct.pack(f"{order}HHHQ", 43, 8, 0, 16)
        data += struct.pack(f"{order}Q", len(entries))
        layout, value_bytes = "HHQ", 8
    else:
        data = start + struct.pack(f"{order}HI", 42, 8) + struct.pack(f"{order}H", len(entries))
        layout, value_bytes = "HHI", 4
    for tag, kind, count, value in entries:
        content = struct.pack(order + CODES.get(kind, "I" if not big else "Q"), value)
        data += struct.pack(order + layout, tag, kind, count) + content.ljust(value_bytes, b"\0")
    return data + elsewhere


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_tags_come_in_their_order_with_type_number_and_value(order, big):
    entries = [(256, 3, 1, 640), (257, 4, 1, 480), (259, 1, 1, 7)]
    if big:
        entries.append((273, 16, 1, 2**40))
    assert list(integer_tags(tiff(entries, order, big))) == [IntegerTag(*row) for row in entries]


@pytest.mark.parametrize("kind", [2, 5, 7, 9, 11, 12])
def test_other_types_are_skipped(kind):
    data = tiff([(270, kind, 4, 99), (256, 3, 1, 5)])
    assert [tag.tag for tag in integer_tags(data)] == [256]


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_bits_of_three_channels_stand_elsewhere(order):
    place = 8 + 2 + 12
    channels = struct.pack(f"{order}3H", 16, 16, 16)
    data = tiff([(BITS_PER_SAMPLE, 4, 3, place)], order, elsewhere=channels)
    # The entry holds the place of shorts.
    data = data[:12] + struct.pack(f"{order}H", 3) + data[14:]
    assert list(integer_tags(data)) == [IntegerTag(BITS_PER_SAMPLE, 3, 3, 16)]


def test_two_channels_fit_into_the_entry():
    data = tiff([(BITS_PER_SAMPLE, 3, 2, 8)])
    assert list(integer_tags(data)) == [IntegerTag(BITS_PER_SAMPLE, 3, 2, 8)]


@pytest.mark.parametrize("data", [b"", b"II", b"II*", b"MM*\0rest of a file", b"\x89PNG\r\n"])
def test_other_data_have_no_tags(data):
    assert list(integer_tags(data)) == []


@pytest.mark.parametrize("big", [False, True])
def test_data_cut_anywhere_are_an_error_or_have_fewer_tags(big):
    entries = [(256, 3, 1, 640), (257, 3, 1, 480)]
    whole = tiff(entries, big=big)
    for length in range(4, len(whole)):
        try:
            found = list(integer_tags(whole[:length]))
        except struct.error:
            continue
        assert found == [IntegerTag(*row) for row in entries][: len(found)]


def test_a_directory_beyond_the_end_is_an_error():
    data = tiff([])
    data = data[:4] + struct.pack("<I", 10**6) + data[8:]
    with pytest.raises(struct.error):
        list(integer_tags(data))


def test_a_number_of_tags_beyond_the_end_ends_with_the_data():
    data = tiff([(256, 3, 1, 5)])
    data = data[:8] + struct.pack("<H", 65535) + data[10:]
    assert list(integer_tags(data)) == [IntegerTag(256, 3, 1, 5)]


@pytest.mark.parametrize("mode", ["L", "RGB", "I;16"])
def test_files_of_pillow_have_their_size_and_depth(mode):
    buffer = io.BytesIO()
    Image.new(mode, (17, 9)).save(buffer, "TIFF")
    tags = {tag.tag: tag.value for tag in integer_tags(buffer.getvalue())}
    assert (tags[256], tags[257]) == (17, 9)
    assert tags[BITS_PER_SAMPLE] == (16 if mode == "I;16" else 8)
