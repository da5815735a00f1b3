from collections.abc import Callable, Sequence

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from attention_ocr.images import graph_decode
from attention_ocr.images.graph_fitting import (
    decode_image,
    decode_or_blank,
    fit_image,
    fitted_size,
    unpad_image,
)
from attention_ocr.settings.image import WIDTH_MULTIPLE, ImageConfig
from tests import tiny_model
from tests.image_files import BROKEN, HEIGHT, LOSSLESS, TWO_COLOURS, WIDTH, colour, encode

GRAY = ImageConfig(image_height=32, max_image_width=128, image_channels=1)
COLOUR = ImageConfig(image_height=32, max_image_width=128, image_channels=3)


def in_tf_data(operation: Callable, elements: Sequence) -> list:
    return list(tf.data.Dataset.from_tensor_slices(list(elements)).map(operation))


@pytest.mark.parametrize("name", LOSSLESS)
def test_a_lossless_file_decodes_to_its_colours(name):
    encoded, expected = LOSSLESS[name]
    decoded = decode_image(tf.constant(encoded))
    assert decoded.dtype == tf.uint8
    np.testing.assert_array_equal(decoded, expected)


@pytest.mark.parametrize("decode", [decode_image, decode_or_blank])
def test_lossless_files_decode_to_their_colours_in_a_pipeline(decode):
    decoded = in_tf_data(decode, [encoded for encoded, _ in LOSSLESS.values()])
    for image, name in zip(decoded, LOSSLESS, strict=True):
        assert image.dtype == tf.uint8
        np.testing.assert_array_equal(image, LOSSLESS[name][1], err_msg=name)


@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGB", {}), ("RGB", {"progressive": True}), ("L", {}), ("CMYK", {})],
)
def test_a_jpeg_decodes_nearly_to_its_colours(mode, options):
    image = Image.fromarray(TWO_COLOURS).resize((40, 24), Image.Resampling.NEAREST).convert(mode)
    encoded = encode(image, "JPEG", quality=95, subsampling=0, **options)
    for decoded in (decode_image(tf.constant(encoded)), *in_tf_data(decode_image, [encoded])):
        np.testing.assert_allclose(decoded, colour(image), atol=8)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_an_error(name):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_image(tf.constant(BROKEN[name]))


def test_a_broken_file_is_blank_and_leaves_its_neighbours_alone():
    whole = LOSSLESS["PNG"][0]
    files = [file for broken in BROKEN.values() for file in (broken, whole)]
    sizes = [tuple(image.shape) for image in in_tf_data(decode_or_blank, files)]
    assert sizes == [(0, 0, 3), (HEIGHT, WIDTH, 3)] * len(BROKEN)
    assert decode_or_blank(tf.constant(whole[:60])).shape == (0, 0, 3)
    assert decode_or_blank(tf.constant(whole)).shape == (HEIGHT, WIDTH, 3)


FITTED = {
    # Size: fitted size, whether it is shrunk to the width of 128.
    (32, 100): ((32, 100), False),
    (16, 50): ((32, 100), False),
    (64, 100): ((32, 50), False),
    (48, 100): ((32, 67), False),
    (32, 128): ((32, 128), False),
    (32, 129): ((32, 128), True),
    (32, 256): ((16, 128), True),
    (10, 100): ((13, 128), True),
    (1, 1): ((32, 32), False),
    (1, 4000): ((1, 128), True),
    (4000, 1): ((32, 1), False),
}


def test_an_image_is_scaled_to_the_height_or_shrunk_to_the_width():
    eager = [fitted_size(tf.constant(size), GRAY) for size in FITTED]
    in_graph = in_tf_data(lambda size: fitted_size(size, GRAY), FITTED)
    for results in (eager, in_graph):
        assert [(tuple(fitted.numpy()), bool(shrunk)) for fitted, shrunk in results] == list(
            FITTED.values()
        )


NARROW = ImageConfig(max_image_width=128, narrow_stretch=2.0)
WIDENED = {
    # Twice as wide up to a square, by nothing from 4:1 on, linearly between; never too wide.
    (32, 32): ((32, 64), False),
    (64, 32): ((32, 32), False),
    (32, 80): ((32, 120), False),
    (20, 40): ((32, 107), False),
    (32, 96): ((32, 128), False),
    (32, 120): ((32, 128), False),
    (32, 128): ((32, 128), False),
    (32, 256): ((16, 128), True),
}


def test_narrow_images_are_widened_as_far_as_there_is_room():
    eager = [fitted_size(tf.constant(size), NARROW) for size in WIDENED]
    in_graph = in_tf_data(lambda size: fitted_size(size, NARROW), WIDENED)
    for results in (eager, in_graph):
        assert [(tuple(fitted.numpy()), bool(shrunk)) for fitted, shrunk in results] == list(
            WIDENED.values()
        )


def test_a_stretch_changes_the_width_alone_and_not_of_what_is_shrunk():
    sizes = {(32, 40): (32, 60), (64, 40): (32, 30), (32, 100): (32, 128), (32, 256): (16, 128)}
    stretched = [fitted_size(tf.constant(size), GRAY, 1.5)[0] for size in sizes]
    assert [tuple(size.numpy()) for size in stretched] == list(sizes.values())
    narrowed, _ = fitted_size(tf.constant((32, 40)), GRAY, tf.constant(0.5))
    assert tuple(narrowed.numpy()) == (32, 20)


@pytest.mark.parametrize("size", [(17, 40), (90, 211), (32, 500), (300, 20)])
def test_the_proportions_are_kept_to_the_pixel(size):
    (height, width), _ = fitted_size(tf.constant(size), GRAY)
    proportion = size[1] / size[0]
    assert float(width) == pytest.approx(float(height) * proportion, abs=0.5 + 0.5 * proportion)


@pytest.mark.parametrize("settings", [GRAY, COLOUR])
def test_padding_is_zero_and_nothing_else(settings):
    sizes = [(HEIGHT, WIDTH), (32, 37), (70, 20), (9, 200), (1, 1), (1, 4000), (4000, 1)]

    def fit_black(size: tf.Tensor) -> tuple:
        # Black is -1: no pixel of the content can be taken for padding.
        return fit_image(tf.zeros((size[0], size[1], 3), tf.uint8), settings)

    eager = [fit_black(tf.constant(size)) for size in sizes]
    for image, image_size, _ in [*eager, *in_tf_data(fit_black, sizes)]:
        height, width = image_size.numpy()
        assert image.dtype == tf.float32
        assert image.shape[0] == settings.image_height
        assert image.shape[1] % WIDTH_MULTIPLE == 0
        assert image.shape[1] - width < WIDTH_MULTIPLE
        assert image.shape[2] == settings.image_channels
        np.testing.assert_array_equal(image[:height, :width], -1.0)
        np.testing.assert_array_equal(image[height:], 0.0)
        np.testing.assert_array_equal(image[:, width:], 0.0)


def test_the_static_shape_says_what_is_known():
    dataset = tf.data.Dataset.from_tensors(tf.zeros((5, 6, 3), tf.uint8))
    image, image_size, shrunk = dataset.map(lambda image: fit_image(image, COLOUR)).element_spec
    assert image.shape.as_list() == [32, None, 3]
    assert image_size.shape.as_list() == [2]
    assert shrunk.shape.as_list() == []


def test_an_image_of_the_right_height_keeps_its_pixels():
    pixels = np.random.default_rng(1).integers(0, 256, (32, 48, 3), np.uint8)
    image, image_size, shrunk = fit_image(tf.constant(pixels), COLOUR)
    np.testing.assert_allclose(image, pixels / 127.5 - 1.0, atol=1e-6)
    assert tuple(image_size.numpy()) == (32, 48)
    assert not shrunk


def test_gray_is_the_luma_of_colour():
    pixels = np.zeros((32, 16, 3), np.uint8)
    pixels[:, 0], pixels[:, 1], pixels[:, 2] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    image, _, _ = fit_image(tf.constant(pixels), GRAY)
    np.testing.assert_allclose((image[0, :4, 0] + 1.0) / 2.0, [0.299, 0.587, 0.114, 0], atol=1e-6)


def test_a_gray_image_becomes_three_equal_channels():
    pixels = np.random.default_rng(2).integers(0, 256, (32, 20, 1), np.uint8)
    image, _, _ = fit_image(tf.constant(pixels), COLOUR)
    for channel in range(3):
        np.testing.assert_allclose(image[:, :20, channel], pixels[..., 0] / 127.5 - 1, atol=1e-6)


def test_a_float_image_is_fitted_like_its_pixels():
    pixels = np.random.default_rng(3).integers(0, 256, (20, 31, 3), np.uint8)
    of_bytes, _, _ = fit_image(tf.constant(pixels), GRAY)
    of_floats, _, _ = fit_image(tf.constant(pixels, tf.float32), GRAY)
    np.testing.assert_array_equal(of_bytes, of_floats)


def test_thin_strokes_survive_shrinking():
    # One black line in eight: without antialiasing most of them fall between the samples.
    pixels = np.full((256, 256, 3), 255, np.uint8)
    pixels[:, ::8] = 0
    image, _, _ = fit_image(tf.constant(pixels), GRAY)
    np.testing.assert_allclose(image[8:24, 4:28], 1.0 - 2.0 / 8.0, atol=0.05)


def test_enlarging_stays_within_the_range_of_the_pixels():
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[::2] = 255
    image, _, _ = fit_image(tf.constant(pixels), GRAY)
    assert float(tf.reduce_max(image)) <= 1.0
    assert float(tf.reduce_min(image)) >= -1.0


@pytest.mark.parametrize("settings", [GRAY, COLOUR])
def test_an_image_without_pixels_becomes_a_blank_one(settings):
    nothing = tf.zeros((1, 0, 0, 3), tf.uint8)
    in_graph = tf.data.Dataset.from_tensor_slices(nothing).map(
        lambda image: fit_image(image, settings)
    )
    for image, image_size, shrunk in (fit_image(nothing[0], settings), *in_graph):
        assert tuple(image_size.numpy()) == (32, 32)
        np.testing.assert_allclose(image, 0.0, atol=0.01)
        assert not shrunk


@pytest.mark.parametrize("width", [60, 63])
def test_views_are_cut_from_left_to_right_and_stand_one_below_the_other(width):
    settings = ImageConfig(image_height=16, max_image_width=32, num_views=4)
    pixels = np.zeros((16, width, 1), np.uint8)
    for view in range(4):
        pixels[:, 15 * view : 15 * view + 15] = 50 * view + np.arange(15)[None, :, None]
    image, image_size, shrunk = fit_image(tf.constant(pixels), settings)
    assert image.shape == (64, 16, 1)
    assert image_size.numpy().tolist() == [16, 15]
    assert not shrunk
    for view in range(4):
        expected = (50 * view + np.arange(15)) / 127.5 - 1.0
        rows = image[16 * view : 16 * view + 16, :, 0]
        np.testing.assert_allclose(rows[:, :15], np.tile(expected, (16, 1)), atol=1e-6)
        np.testing.assert_array_equal(rows[:, 15:], 0.0)
    np.testing.assert_array_equal(unpad_image(image.numpy(), image_size.numpy(), 4), pixels[:, :60])


def test_views_that_are_too_wide_are_shrunk_alike():
    settings = ImageConfig(image_height=32, max_image_width=32, num_views=2)
    dataset = tf.data.Dataset.from_tensors(tf.fill((20, 160, 3), tf.constant(255, tf.uint8)))
    image, image_size, shrunk = next(iter(dataset.map(lambda image: fit_image(image, settings))))
    assert image_size.numpy().tolist() == [8, 32]
    assert shrunk
    expected = np.zeros((2, 32, 32, 1))
    expected[:, :8] = 1.0
    np.testing.assert_allclose(image, expected.reshape(64, 32, 1), atol=1e-6)


def test_an_image_narrower_than_its_views_is_blank():
    settings = ImageConfig(image_height=16, max_image_width=32, num_views=4)
    image, image_size, _ = fit_image(tf.fill((8, 3, 3), tf.constant(255, tf.uint8)), settings)
    assert image_size.numpy().tolist() == [16, 16]
    np.testing.assert_allclose(image, np.full((64, 16, 1), 128 / 127.5 - 1.0), atol=1e-6)


@pytest.mark.parametrize("in_graph", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        *(("PNG", {}), ("JPEG", {}), ("BMP", {}), ("GIF", {}), ("WEBP", {})),
        *(("WEBP", {"lossless": True}), ("WEBP", {"exif": b"Exif\0\0"})),
    ],
)
def test_an_image_that_announces_too_many_pixels_is_not_decoded(
    file_format, options, in_graph, monkeypatch
):
    image = np.zeros((20, 30, 3), np.uint8)
    content = tf.constant(tiny_model.encoded(image, file_format, **options))
    for limit, size in ((600, (20, 30, 3)), (599, (0, 0, 3))):
        monkeypatch.setattr(graph_decode, "MAX_PIXELS", limit)
        decode = tf.function(decode_or_blank) if in_graph else decode_or_blank
        assert decode(content).shape == size
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_image(content)
