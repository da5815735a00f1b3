"""Measures of image files, as `attention-ocr inspect` lists them."""

import errno
import io

import numpy as np
import pytest
from PIL import Image

from attention_ocr.data.image_sizes import cannot_be_opened, measure_file, unreadable


def encoded(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


RAMP = Image.fromarray(np.tile(np.linspace(255, 0, 90, dtype=np.uint8), (30, 1)))


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"])
def test_files_of_every_format_have_their_size_and_nearly_one_hash(file_format):
    found = measure_file(encoded(RAMP.convert("RGB"), file_format))
    assert (found.height, found.width, found.reason) == (30, 90, "")
    # Bits are set where the brightness falls to the right, which it does all over a ramp.
    assert np.unpackbits(found.look.view(np.uint8)).sum() > 120


def test_the_size_is_that_of_an_image_viewer():
    upright = Image.Exif()
    upright[0x0112] = 6
    found = measure_file(encoded(RAMP.convert("RGB"), "JPEG", exif=upright))
    assert (found.height, found.width) == (90, 30)


def test_an_image_without_contrast_has_no_hash():
    assert not measure_file(encoded(Image.new("RGB", (40, 20), "red"))).look.any()


def test_one_pixel_is_an_image():
    found = measure_file(encoded(Image.new("RGB", (1, 1))))
    assert (found.height, found.width, found.reason) == (1, 1, "")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"no image at all", "."),
        (encoded(RAMP)[:60], "."),
        (encoded(RAMP, "JPEG")[:100], "."),
    ],
)
def test_a_file_that_cannot_be_decoded_says_why(content, reason):
    found = measure_file(content)
    assert (found.height, found.width) == (0, 0)
    assert not found.look.any()
    assert found.reason == reason or (reason == "." and len(found.reason) > 5)


def test_a_file_that_cannot_be_opened_says_why():
    assert cannot_be_opened(PermissionError(errno.EACCES, "Permission denied", "a.png")) == (
        "cannot be opened: Permission denied"
    )
    assert cannot_be_opened(OSError("connection reset")) == "cannot be opened: connection reset"
    assert unreadable("no such file").reason == "no such file"
