"""OpenCV's decoding beside Pillow's, of whole files and of damaged ones."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from attention_ocr.images import decode
from attention_ocr.images.decode import UnreadableImageError, decode_array
from attention_ocr.images.fast_decode import decode_fast, is_decoded_fast
from attention_ocr.images.headers import read_header

NOISE = np.random.default_rng(0).integers(0, 256, (30, 70, 4), np.uint8)
SMOOTH = Image.fromarray(cv2.GaussianBlur(NOISE[..., :3], (5, 5), 1.0))


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=file_format, **options)
    return buffer.getvalue()


def decode_plain(encoded: bytes) -> np.ndarray | None:
    header = read_header(encoded)
    plain = header is not None and is_decoded_fast(header)
    return decode_fast(encoded, header) if plain else None


def by_pillow(encoded: bytes) -> np.ndarray:
    return decode._decode_by_pillow(encoded, read_header(encoded)).pixels


PLAIN = {
    "baseline": encode(SMOOTH, "JPEG"),
    "progressive": encode(SMOOTH, "JPEG", progressive=True, comment=b"\xff\xd8 no marker \xff\xd9"),
    "gray jpeg": encode(SMOOTH.convert("L"), "JPEG", quality=40),
    "png": encode(SMOOTH, "PNG"),
    "gray png": encode(SMOOTH.convert("L"), "PNG"),
}
OTHERS = {
    "printers' jpeg": encode(SMOOTH.convert("CMYK"), "JPEG"),
    "alpha": encode(Image.fromarray(NOISE), "PNG"),
    "palette": encode(SMOOTH.quantize(16), "PNG"),
    "sixteen bits": encode(Image.fromarray(NOISE[..., 0].astype(np.uint16) * 256), "PNG"),
    "transparent colour": encode(SMOOTH, "PNG", transparency=(1, 2, 3)),
    "one bit": encode(SMOOTH.convert("1"), "PNG"),
    "gif": encode(SMOOTH, "GIF"),
    "bmp": encode(SMOOTH, "BMP"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_file_has_the_pixels_that_pillow_gives(name):
    image = decode_plain(PLAIN[name])
    assert image is not None
    np.testing.assert_array_equal(image, by_pillow(PLAIN[name]))


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_file_is_left_to_pillow(name):
    assert decode_plain(OTHERS[name]) is None
    assert decode_array(OTHERS[name]).shape == (30, 70, 3)


@pytest.mark.parametrize("name", PLAIN)
def test_a_file_that_was_cut_is_refused(name):
    for length in range(0, len(PLAIN[name]), 31):
        assert decode_plain(PLAIN[name][:length]) is None
        assert decode_array(PLAIN[name][:length]) is None


@pytest.mark.parametrize("name", ["png", "gray png"])
def test_a_changed_byte_of_a_png_is_noticed(name):
    for place in range(8, len(PLAIN[name]), 97):
        changed = bytearray(PLAIN[name])
        changed[place] ^= 0x10
        assert decode_plain(bytes(changed)) is None


@pytest.mark.parametrize("name", ["baseline", "gray jpeg"])
def test_what_is_damaged_inside_is_decoded_as_by_pillow(name):
    random = np.random.default_rng(1)
    scan = PLAIN[name].index(b"\xff\xda") + 16
    for place in random.integers(scan, len(PLAIN[name]) - 2, 40):
        changed = bytearray(PLAIN[name])
        changed[place] ^= 1 << random.integers(8)
        plain = decode_plain(bytes(changed))
        try:
            expected = by_pillow(bytes(changed))
        except UnreadableImageError:
            continue
        if plain is not None:
            np.testing.assert_array_equal(plain, expected)


def test_a_file_that_claims_a_huge_image_is_not_decoded():
    huge = PLAIN["baseline"]
    place = huge.index(b"\xff\xc0") + 5
    assert decode_plain(huge[:place] + b"\xff\xff\xff\xff" + huge[place + 4 :]) is None


def test_a_photograph_with_an_orientation_is_plain():
    exif = Image.Exif()
    exif[0x0112] = 6
    header = read_header(encode(SMOOTH, "JPEG", exif=exif))
    assert header.is_plain
    assert (header.width, header.height, header.orientation) == (70, 30, 6)
    assert not read_header(encode(SMOOTH, "PNG", exif=exif)).is_plain
