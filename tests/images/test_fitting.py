"""What is prepared without TensorFlow equals what the graph prepares."""

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from attention_ocr.images.decode import decode_array
from attention_ocr.images.fitting import fit_array, resize_weights
from attention_ocr.images.graph_fitting import decode_image, fit_image
from attention_ocr.settings.image import WIDTH_MULTIPLE, ImageConfig
from tests.image_files import BROKEN, LOSSLESS, NOISE, encode

GRAY = ImageConfig(image_height=32, max_image_width=128)
SIZES = [(7, 11), (32, 37), (32, 128), (70, 20), (9, 200), (61, 300), (1, 1), (1, 900), (900, 1)]
SIZES += [(48, 80), (33, 33), (31, 31), (300, 470)]


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return an image with edges, uint8 [height, width, 3]."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.GaussianBlur(noise, (3, 3), 0.8).reshape(height, width, 3)


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_files_decode_to_the_pixels_of_the_graph(name):
    encoded, expected = LOSSLESS[name]
    np.testing.assert_array_equal(decode_array(encoded), expected)
    np.testing.assert_array_equal(decode_array(encoded), decode_image(tf.constant(encoded)))


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("size", [(64, 64), (41, 67), (33, 130)])
def test_a_jpeg_decodes_to_the_pixels_of_the_graph(quality, subsampling, size):
    encoded = encode(smooth(*size), "JPEG", quality=quality, subsampling=subsampling)
    np.testing.assert_array_equal(decode_array(encoded), decode_image(tf.constant(encoded)))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_gray_and_printers_jpegs_decode_to_the_pixels_of_the_graph(mode):
    encoded = encode(Image.fromarray(smooth(41, 67)).convert(mode), "JPEG", progressive=True)
    np.testing.assert_array_equal(decode_array(encoded), decode_image(tf.constant(encoded)))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_none(name):
    assert decode_array(BROKEN[name]) is None


def test_a_file_of_another_format_is_none():
    assert decode_array(encode(NOISE[..., :3], "PPM")) is None


def test_a_file_that_claims_a_huge_image_is_refused():
    png = bytearray(encode(NOISE[..., :3], "PNG"))
    png[16:24] = b"\x00\x01\x00\x00" * 2
    assert decode_array(bytes(png)) is None


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "settings",
    [
        GRAY,
        ImageConfig(image_height=48, max_image_width=160, image_channels=3),
        ImageConfig(image_height=32, max_image_width=64, num_views=3),
        ImageConfig(max_image_width=160, narrow_stretch=1.7),
    ],
    ids=["gray", "colour", "views", "narrow"],
)
def test_an_input_is_that_of_the_graph(size, settings):
    image = smooth(*size, seed=size[1])
    expected, expected_size, _ = fit_image(tf.constant(image), settings)
    fitted, fitted_size = fit_array(image, settings)
    assert fitted.dtype == np.float32
    assert fitted_size.tolist() == expected_size.numpy().tolist()
    np.testing.assert_allclose(fitted, expected, atol=2e-5)


@pytest.mark.parametrize("image", [None, np.zeros((0, 0, 3), np.uint8)])
def test_a_missing_image_gives_a_blank_input(image):
    expected, expected_size, _ = fit_image(tf.zeros((0, 0, 3), tf.uint8), GRAY)
    fitted, fitted_size = fit_array(image, GRAY)
    np.testing.assert_allclose(fitted, expected, atol=1e-6)
    assert fitted_size.tolist() == expected_size.numpy().tolist()


def test_weights_are_those_worked_out_by_hand():
    def matrix(size, new_size):
        places, weights = resize_weights(size, new_size)
        dense = np.zeros((new_size, size))
        np.put_along_axis(dense, places, weights, axis=1)
        return dense

    # Two pixels become four: three quarters of the nearer, a quarter of the other.
    expected = [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    np.testing.assert_allclose(matrix(2, 4), expected, atol=1e-6)
    # Four become two: a triangle over four, of 0.25, 0.75, 0.75 and 0.25, cut off at the border.
    expected = [[3 / 7, 3 / 7, 1 / 7, 0], [0, 1 / 7, 3 / 7, 3 / 7]]
    np.testing.assert_allclose(matrix(4, 2), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "new_size"), [(1, 1), (1, 7), (9, 1), (5, 13), (64, 31), (300, 2)]
)
def test_weights_are_shares_of_pixels_and_alike_from_both_ends(size, new_size):
    places, weights = resize_weights(size, new_size)
    assert ((places >= 0) & (places < size)).all()
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)
    dense = np.zeros((new_size, size))
    np.put_along_axis(dense, places, weights, axis=1)
    np.testing.assert_allclose(dense, dense[::-1, ::-1], atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_an_even_image_stays_even_and_only_its_padding_is_zero(size):
    fitted, (height, width) = fit_array(np.full((*size, 3), 200, np.uint8), GRAY)
    np.testing.assert_allclose(fitted[:height, :width], 200 / 127.5 - 1, atol=1e-4)
    assert not fitted[height:].any()
    assert not fitted[:, width:].any()
    assert width <= GRAY.max_image_width
    assert fitted.shape[1] - width < WIDTH_MULTIPLE
    # Proportions are kept as far as whole pixels allow.
    if min(height, width) > 8:
        assert width / height == pytest.approx(size[1] / size[0], rel=0.1)


def test_a_fitted_image_is_fitted_already():
    once, (height, width) = fit_array(smooth(48, 80), GRAY)
    pixels = np.round((once[:height, :width] + 1) * 127.5).astype(np.uint8).repeat(3, axis=2)
    again, size = fit_array(pixels, GRAY)
    assert size.tolist() == [height, width]
    np.testing.assert_allclose(again, once, atol=1 / 127)
