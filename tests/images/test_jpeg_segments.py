"""Segments of JPEG files, built by hand and written by Pillow."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from attention_ocr.images.formats import MAX_BLOCKS
from attention_ocr.images.jpeg_segments import MAX_JPEG_SCANS, JPEGSegments, walk_jpeg
from attention_ocr.images.orientation import ORIENTATION_TAG

START, END = b"\xff\xd8", b"\xff\xd9"


def segment(marker, content=b""):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def frame(width=7, height=5, colours=3, depth=8, marker=0xC0):
    return segment(marker, struct.pack(">BHHB", depth, height, width, colours) + b"\0" * 9)


def exif(orientation):
    tag = struct.pack("<HHIHH", ORIENTATION_TAG, 3, 1, orientation, 0)
    return b"II*\0" + struct.pack("<IH", 8, 1) + tag + b"\0" * 4


SCAN = segment(0xDA, b"\0" * 6) + b"entropy\xff\0coded\xff\xd0data"


def walk(*parts):
    return walk_jpeg(START + b"".join(parts))


def test_a_plain_file_has_a_size_a_scan_and_is_upright():
    assert walk(segment(0xE0, b"JFIF"), frame(), SCAN, END) == JPEGSegments((7, 5), 1, 1)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_files_of_pillow_have_their_size(mode, options):
    buffer = io.BytesIO()
    Image.effect_noise((40, 24), 50).convert(mode).save(buffer, "JPEG", **options)
    found = walk_jpeg(buffer.getvalue())
    assert found.size == (40, 24)
    assert (found.scans > 1) == bool(options) or mode == "L"
    assert (found.plain_orientation is None) == (mode == "CMYK")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_that_of_the_exif_data(orientation):
    app1 = segment(0xE1, b"Exif\0\0" + exif(orientation))
    assert walk(app1, frame(), SCAN, END).plain_orientation == orientation


def test_exif_data_may_be_in_several_segments():
    data = exif(6)
    parts = [segment(0xE1, b"Exif\0\0" + part) for part in (data[:13], data[13:])]
    assert walk(*parts, frame(), SCAN, END).plain_orientation == 6


def test_other_data_in_the_segment_of_exif_do_not_count():
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + exif(6))
    assert walk(xmp, frame(), SCAN, END).plain_orientation == 1


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((frame(), SCAN), id="cut short"),
        pytest.param((frame(colours=4), SCAN, END), id="four colours"),
        pytest.param((frame(depth=12), SCAN, END), id="twelve bits"),
        pytest.param((frame(marker=0xC9), SCAN, END), id="arithmetic coding"),
        pytest.param((frame(height=0), SCAN, END), id="no height"),
        pytest.param((frame(), frame(), SCAN, END), id="two frames"),
        pytest.param((SCAN, END), id="no frame"),
        pytest.param((b"junk", frame(), SCAN, END), id="bytes between segments"),
        pytest.param((b"\xff\x01", frame(), SCAN, END), id="a marker without length"),
        pytest.param((frame(65535, 65535), SCAN, END), id="too many pixels"),
    ],
)
def test_anything_unusual_is_not_plain(parts):
    assert walk(*parts).plain_orientation is None


def test_without_a_scan_a_file_is_not_plain():
    assert walk(frame(), END) == JPEGSegments((7, 5), 0, None)


def test_the_first_size_counts():
    assert walk(frame(7, 5), frame(9, 9), SCAN, END).size == (7, 5)


@pytest.mark.parametrize("marker", [0xC4, 0xC8, 0xCC])
def test_tables_are_no_frames(marker):
    assert walk(segment(marker, b"\0" * 20), SCAN, END).size is None


def test_a_size_in_a_thumbnail_is_skipped_with_its_segment():
    thumbnail = segment(0xE1, b"Exif\0\0" + START + frame(160, 120) + SCAN + END)
    assert walk(thumbnail, frame(), SCAN, END).size == (7, 5)


def test_restarts_and_stuffed_bytes_belong_to_the_scan():
    data = segment(0xDA, b"\0" * 6) + b"".join(
        b"\xff" + bytes([marker]) + b"ab" for marker in (0x00, *range(0xD0, 0xD8))
    )
    assert walk(frame(), data, END).scans == 1


@pytest.mark.parametrize("fill", [1, 2, 100])
def test_fill_bytes_stand_before_a_marker(fill):
    assert walk(b"\xff" * fill + frame(), SCAN, END).size == (7, 5)


def test_scans_are_counted_up_to_one_more_than_the_limit():
    assert walk(frame(), SCAN * MAX_JPEG_SCANS, END).scans == MAX_JPEG_SCANS
    assert walk(frame(), SCAN * (3 * MAX_JPEG_SCANS), END).scans == MAX_JPEG_SCANS + 1


def test_more_segments_than_any_valid_file_has_are_refused():
    with pytest.raises(ValueError, match=f"image of over {MAX_BLOCKS} segments"):
        walk(segment(0xFE) * (MAX_BLOCKS + 1))


def test_a_file_that_ends_in_the_size_is_an_error():
    with pytest.raises(struct.error):
        walk(frame()[:6])


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_end_without_a_plain_image(seed):
    rng = np.random.default_rng(seed)
    content = bytes(rng.choice([0x00, 0xFF, 0xC0, 0xD8, 0xDA, 0x05], 300).astype(np.uint8))
    try:
        found = walk_jpeg(START + content)
    except struct.error:
        return
    assert found.plain_orientation is None
