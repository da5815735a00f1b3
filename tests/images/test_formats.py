"""Formats by their first bytes, and the reduction of large images."""

import io

import pytest
from PIL import Image, features

from attention_ocr.images.formats import (
    FORMAT_NAMES,
    FORMATS,
    IMAGE_SUFFIXES,
    LONG_SIDE,
    MANY_PIXELS,
    MAX_REDUCTION,
    PDF_START_BYTES,
    SHORT_SIDE,
    file_format,
    is_pdf,
    reduction,
)


@pytest.mark.parametrize("name", FORMATS)
def test_files_of_pillow_are_recognised(name):
    if name == "AVIF" and not features.check("avif"):
        pytest.skip("Pillow was built without AVIF")
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, name)
    assert file_format(buffer.getvalue()) == name


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"II+\0", "TIFF"),
        (b"GIF87a", "GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP"),
        (b"RIFF\x10\0\0\0WAVEfmt ", None),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0avis", "AVIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1", None),
        # The brand is beyond the end of the box.
        (b"\0\0\0\x10ftypmif1\0\0\0\0avif", None),
        (b"", None),
        (b"\x89PN", None),
        (b"\xff\xd8", None),
        (b"%PDF-1.7", None),
        (b"no image", None),
    ],
)
def test_a_format_is_recognised_by_its_signature(start, name):
    assert file_format(start) == name


def test_suffixes_are_lower_case_and_of_one_format():
    assert len(set(IMAGE_SUFFIXES)) == len(IMAGE_SUFFIXES)
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in IMAGE_SUFFIXES)
    assert FORMAT_NAMES == "PNG, JPEG, BMP, GIF, WebP, TIFF or AVIF"


@pytest.mark.parametrize(("place", "found"), [(0, True), (PDF_START_BYTES - 5, True),
                                             (PDF_START_BYTES - 4, False)])  # fmt: skip
def test_a_pdf_may_have_bytes_before_its_mark(place, found):
    assert is_pdf(b"\n" * place + b"%PDF-1.4") is found


@pytest.mark.parametrize(
    ("width", "height", "factor"),
    [
        (1, 1, 1),
        (512, 512, 1),
        (1024, 1023, 1),
        (1024, 1024, 2),
        (2048, 2048, 4),
        (4096, 4096, 8),
        (10_000, 10_000, 8),
        # Wide strips keep their height, unless they stay long enough.
        (8191, 128, 1),
        (8000, 100, 1),
        (8192, 127, 1),
        (8192, 128, 2),
        (32_768, 512, 8),
    ],
)
def test_large_images_are_reduced_as_far_as_enough_remains(width, height, factor):
    assert reduction(width, height) == reduction(height, width) == factor


@pytest.mark.parametrize("width", [600, 1500, 4000, 9000, 40_000])
@pytest.mark.parametrize("height", [40, 90, 200, 700, 3000])
def test_what_remains_is_large_enough_and_no_larger_factor_would_do(width, height):
    def is_enough(factor):
        short, long = min(width, height) / factor, max(width, height) / factor
        return short * long >= MANY_PIXELS and (short >= SHORT_SIDE or long >= LONG_SIDE)

    factor = reduction(width, height)
    assert factor in (1, 2, 4, 8)
    assert factor == 1 or is_enough(factor)
    assert factor == MAX_REDUCTION or not is_enough(2 * factor)
