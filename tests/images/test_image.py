"""An image of a file or of pixels: what is read of it, and how often."""

import numpy as np
import pytest
from PIL import Image

from attention_ocr.images import image as image_module
from attention_ocr.images.decode import decode
from attention_ocr.images.formats import STATUS_UNREADABLE
from attention_ocr.images.headers import ImageLimits
from attention_ocr.images.image import LazyImage, raw_pixels
from tests.image_files import NOISE, encode

RGB = np.ascontiguousarray(NOISE[..., :3])
LARGE = np.asarray(Image.fromarray(NOISE).resize((1203, 1001), Image.Resampling.BICUBIC))


@pytest.fixture
def calls(monkeypatch):
    """Names of the functions that parse or decode a file, as they are called."""
    found = []

    def count(name):
        function = getattr(image_module, name)

        def counting(*args):
            found.append(name)
            return function(*args)

        monkeypatch.setattr(image_module, name, counting)

    count("read_header")
    count("decode_with_size")
    return found


def test_a_file_is_parsed_and_decoded_once_for_all_who_ask(calls):
    image = LazyImage(encode(RGB, "PNG"))
    assert calls == []
    image.refuse_beyond(ImageLimits())
    assert calls == ["read_header"]
    for _ in range(3):
        np.testing.assert_array_equal(image.pixels, RGB)
        assert (image.error, image.header.width) == (None, RGB.shape[1])
    assert calls == ["read_header", "decode_with_size"]


def test_a_file_that_is_damaged_is_tried_once(calls):
    image = LazyImage(encode(RGB, "PNG")[:-30])
    for _ in range(3):
        assert (image.pixels, image.error) == (None, STATUS_UNREADABLE)
    assert calls.count("decode_with_size") == 1


def test_what_is_beyond_the_limits_is_not_decoded(calls):
    image = LazyImage(encode(RGB, "PNG"))
    image.refuse_beyond(ImageLimits(max_image_pixels=1))
    height, width = RGB.shape[:2]
    assert image.error == f"image of {width}x{height} pixels, the limit is 1"
    assert image.pixels is None
    assert "decode_with_size" not in calls


def test_an_error_that_is_known_stays():
    assert LazyImage(b"no image", "cannot be opened").error == "cannot be opened"


@pytest.mark.parametrize("array", [NOISE, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("kind", ["gray", "one channel", "RGB", "RGBA", "opaque", "view"])
def test_an_array_has_the_pixels_of_its_lossless_file(array, kind):
    array = {
        "gray": array[..., 0],
        "one channel": array[..., :1],
        "RGB": array[..., :3],
        "RGBA": array,
        "opaque": np.dstack([array[..., :3], np.full(array.shape[:2], 255, np.uint8)]),
        "view": np.rot90(array[..., :3])[::-1],
    }[kind]
    written = array[..., 0] if kind == "one channel" else array
    expected = decode(encode(np.ascontiguousarray(written), "PNG"))
    np.testing.assert_array_equal(LazyImage.from_array(array).pixels, expected)


def test_raw_pixels_are_those_of_each_image_and_none_of_a_broken_one():
    pixels, sizes = raw_pixels(
        [LazyImage.from_array(RGB), LazyImage(b""), LazyImage.from_array(RGB[1:])]
    )
    assert list(pixels) == [RGB.tobytes(), b"", RGB[1:].tobytes()]
    height, width = RGB.shape[:2]
    assert sizes.tolist() == [[height, width], [0, 0], [height - 1, width]]
    assert [part.shape for part in raw_pixels([])] == [(0,), (0, 2)]
