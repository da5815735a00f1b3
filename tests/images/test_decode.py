"""What `decode` does beyond the formats of `tests/images/test_conformance.py`."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from attention_ocr.images.decode import (
    UnreadableImageError,
    decode,
    decode_with_size,
    over_contrast,
)
from attention_ocr.images.formats import (
    MANY_PIXELS,
    STATUS_UNREADABLE,
    STATUS_UNSUPPORTED,
    reduction,
)
from attention_ocr.images.graph_decode import over_contrast as over_contrast_in_graph
from attention_ocr.images.graph_fitting import decode_or_blank
from attention_ocr.images.image import LazyImage, normalize_file
from attention_ocr.images.orientation import orientation_of
from tests.image_files import NOISE, encode


def huge(file_format: str, layout: str, place: int) -> bytes:
    content = bytearray(encode(NOISE[..., :3], file_format))
    struct.pack_into(layout, content, place, 20_000, 30_000)
    return bytes(content)


def rgba(*pixels: tuple[int, int, int, int]) -> np.ndarray:
    return np.array([pixels], np.uint8)


@pytest.mark.parametrize(
    ("pixels", "shown"),
    [
        # White on nothing lies on black, black on nothing on white.
        (rgba((255, 255, 255, 255), (9, 9, 9, 0)), [255, 0]),
        (rgba((0, 0, 0, 255), (255, 255, 255, 0)), [0, 255]),
        # What is hardly there hardly counts.
        (rgba((200, 200, 200, 255), (0, 0, 0, 20)), [200, 0]),
        (rgba((100, 100, 100, 255), (255, 255, 255, 51)), [100, 255]),
        # Between the two, white is what is usual.
        (rgba((150, 150, 150, 255), (0, 0, 0, 0)), [150, 255]),
        (rgba((160, 160, 160, 255), (0, 0, 0, 0)), [160, 0]),
        # Half of it shows through.
        (rgba((0, 0, 0, 255), (0, 0, 0, 128)), [0, 127]),
        (rgba((7, 7, 7, 0), (8, 8, 8, 0)), [255, 255]),
    ],
)
def test_a_backdrop_contrasts_with_what_is_seen(pixels, shown):
    assert over_contrast(pixels)[0, :, 0].tolist() == shown
    in_graph = over_contrast_in_graph(tf.constant(pixels))
    np.testing.assert_array_equal(in_graph, over_contrast(pixels))


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", STATUS_UNREADABLE),
        (b"%PDF-1.4", STATUS_UNSUPPORTED),
        (encode(NOISE[..., :3], "PPM"), STATUS_UNSUPPORTED),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", STATUS_UNSUPPORTED),
        (huge("PNG", ">II", 16), "image of 20000x30000 pixels, the limit is 33554432"),
        (huge("BMP", "<II", 18), "image of 20000x30000 pixels, the limit is 33554432"),
        (huge("GIF", "<HH", 6), "image of 20000x30000 pixels, the limit is 33554432"),
        *((encode(NOISE[..., :3], name)[:-30], STATUS_UNREADABLE) for name in ("PNG", "TIFF")),
        *((encode(NOISE[..., :3], name)[:90], STATUS_UNREADABLE) for name in ("WEBP", "AVIF")),
    ],
)
def test_what_cannot_be_decoded_says_why(content, status):
    for function in (decode, lambda file: normalize_file(LazyImage(file))):
        with pytest.raises(UnreadableImageError) as caught:
            function(content)
        assert str(caught.value) == status


@pytest.mark.parametrize("mode", ["I", "F"])
def test_a_tiff_of_32_bits_is_another_kind(mode):
    content = encode(Image.fromarray(NOISE[..., 0]).convert(mode), "TIFF")
    with pytest.raises(UnreadableImageError, match="of up to 16 bits a channel"):
        decode(content)


def test_a_tiff_whose_white_is_zero_is_inverted():
    gray = NOISE[..., 0].astype(np.uint16) * 257
    content = encode(Image.fromarray(65535 - gray), "TIFF", tiffinfo={262: 0})
    np.testing.assert_array_equal(decode(content)[..., 0], NOISE[..., 0])


@pytest.mark.parametrize(
    "exif",
    [
        *(b"", b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0",
        # An orientation of 9, and one that is text.
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0\0\0\0\0",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x04\0\0\0abc\0\0\0\0\0",
    ],
)
def test_exif_without_an_orientation_turns_nothing(exif):
    assert orientation_of(exif) == 1
    file = encode(NOISE[..., :3], "JPEG", exif=exif) if exif else encode(NOISE[..., :3], "JPEG")
    np.testing.assert_array_equal(decode_or_blank(tf.constant(file)), decode(file))
    assert decode(file).shape == NOISE[..., :3].shape


def test_an_orientation_may_stand_in_either_order_of_bytes():
    little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    for tiff in (little, big):
        file = encode(NOISE[..., :3], "JPEG", exif=b"Exif\0\0" + tiff)
        assert decode(file).shape == (11, 7, 3)
        np.testing.assert_array_equal(decode_or_blank(tf.constant(file)), decode(file))


def smooth(width: int, height: int, mode: str = "RGB") -> Image.Image:
    return Image.fromarray(NOISE).convert(mode).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(
    ("file_format", "mode"),
    [
        *(("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "1")),
        *(("GIF", "P"), ("BMP", "RGB"), ("WEBP", "RGB")),
    ],
)
def test_a_large_image_is_reduced_alike_in_python_and_in_the_graph(file_format, mode):
    file = encode(smooth(1203, 1001, mode), file_format)
    decoded = decode_with_size(file)
    assert (decoded.height, decoded.width) == (1001, 1203)
    assert decoded.pixels.shape in ((500, 601, 3), (501, 602, 3))
    in_graph = decode_or_blank(tf.constant(file)).numpy()
    assert in_graph.shape == decoded.pixels.shape
    # Python takes the mean of what is transparent before it lays it over a backdrop.
    difference = np.abs(in_graph.astype(int) - decoded.pixels)
    assert difference.max() <= (3 if mode == "RGBA" else 1)
    np.testing.assert_array_equal(LazyImage(file).pixels, decoded.pixels)


@pytest.mark.parametrize(
    "size", [(255, 65535), (65535, 255), (4096, 4096), (1, 2**24), (2**13, 2**12), (3, 2**23)]
)
def test_no_image_within_the_limits_has_many_pixels(size):
    width, height = (side // reduction(*size) for side in size)
    assert width * height <= 16 * MANY_PIXELS
    assert reduction(width, height) == 1 or max(width, height) > 2**20
    # A word of which is left what the network takes of it.
    assert reduction(640, 400) == reduction(3000, 100) == 1


def test_an_image_in_exif_is_not_the_image():
    exif = Image.Exif()
    exif[0x0112] = 3
    buffer = io.BytesIO()
    Image.fromarray(NOISE[..., :3]).save(buffer, "JPEG", exif=exif)
    thumbnail = Image.Exif()
    thumbnail[0x9286] = buffer.getvalue()
    file = encode(smooth(30, 20), "JPEG", exif=thumbnail)
    np.testing.assert_array_equal(decode(file), np.asarray(Image.open(io.BytesIO(file))))
    np.testing.assert_array_equal(decode_or_blank(tf.constant(file)), decode(file))
