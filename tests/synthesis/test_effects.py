import math

import cv2
import numpy as np
import pytest

from attention_ocr.synthesis import effects
from attention_ocr.synthesis.colors import Palette, draw_palette
from attention_ocr.synthesis.effects import Strokes

SHAPE = (23, 71)
PALETTE = Palette(text=(20.0, 20.0, 20.0), ground=(220.0, 220.0, 220.0), gap=45, saturation=0)
RNG = np.random.default_rng


def draw_image(seed=0):
    return RNG(seed).integers(0, 256, (*SHAPE, 3), np.uint8)


def bars():
    """Return dark bars of three pixels, three apart, on light ground."""
    image = np.full((*SHAPE, 3), 220, np.uint8)
    for left in range(6, 64, 6):
        image[4:19, left : left + 3] = 20
    return image


EFFECTS = {
    "paint": lambda image: effects.paint(image, image[..., 0], (9.0, 99.0, 199.0)),
    "paint_layer": lambda image: effects.paint(image, image[..., 0], 255 - image),
    "blur": lambda image: effects.blur(image, 0.8),
    "blur_by_motion": lambda image: effects.blur_by_motion(image, 4.0, 0.7),
    "lower_resolution": lambda image: effects.lower_resolution(image, 0.5),
    "add_noise": lambda image: effects.add_noise(RNG(1), image, 9.0, True, True),
    "compress": lambda image: effects.compress(image, 40),
    "develop": lambda image: effects.develop(image, 0.8, 12.0, 1.3),
    "shade": lambda image: effects.shade(RNG(1), image, 0.4),
    "photograph": lambda image: effects.photograph(
        RNG(1), image, 1.0, 20.0, Strokes(3.0, 0.9), PALETTE
    ),
}


@pytest.mark.parametrize("name", EFFECTS)
@pytest.mark.parametrize("shape", [(23, 71), (9, 1), (1, 9), (3, 1100), (300, 5)])
def test_every_effect_keeps_shape_and_type_and_its_argument(name, shape):
    image = RNG(2).integers(0, 256, (*shape, 3), np.uint8)
    before = image.copy()
    result = EFFECTS[name](image)
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_does_something_and_the_same_each_time(name):
    first, second = EFFECTS[name](bars()), EFFECTS[name](bars())
    np.testing.assert_array_equal(first, second)
    assert (first != bars()).any()


def test_paint_covers_as_the_mask_says():
    image = np.full((1, 3, 3), 200, np.uint8)
    mask = np.array([[0, 51, 255]], np.uint8)
    painted = effects.paint(image, mask, (100.0, 0.0, 250.0))
    assert painted[0].tolist() == [[200, 200, 200], [180, 160, 210], [100, 0, 250]]


def test_ink_is_thickened_all_round():
    mask = np.zeros((9, 11), np.uint8)
    mask[4, 5] = 200
    thick = effects.thicken(mask, 2)
    assert thick[4, 3:8].tolist() == [200] * 5
    assert thick[2:7, 5].tolist() == [200] * 5
    assert thick[:, :3].max() == thick[:2].max() == 0


def test_a_shadow_is_moved_and_faint():
    mask = np.zeros((9, 11), np.uint8)
    mask[4, 5] = 200
    shadow = effects.cast_shadow(mask, 3, -2, 0.0, 0.5)
    assert shadow[2, 8] == 100
    assert shadow.sum() == 100
    soft = effects.cast_shadow(mask, 3, -2, 1.0, 0.5)
    assert 0 < soft[2, 8] < 30


@pytest.mark.parametrize("deviation", [0.3, 0.8, 2.0])
def test_blur_spreads_a_point_by_its_deviation(deviation):
    image = np.zeros((31, 31, 3), np.uint8)
    image[15, 15] = 255
    spread = effects.blur(image, deviation)[..., 0].astype(float)
    distance = (np.arange(31) - 15) ** 2
    variance = (spread.sum(axis=0) * distance).sum() / spread.sum()
    assert variance == pytest.approx(deviation**2, rel=0.35, abs=0.1)


@pytest.mark.parametrize("angle", [0.0, math.pi / 2, 0.6])
def test_motion_spreads_along_its_direction_only(angle):
    image = np.zeros((31, 31, 3), np.uint8)
    image[15, 15] = 255
    spread = effects.blur_by_motion(image, 9.0, angle)[..., 0].astype(float)
    rows, columns = np.indices(spread.shape) - 15
    along = columns * math.cos(angle) + rows * math.sin(angle)
    across = rows * math.cos(angle) - columns * math.sin(angle)
    assert (spread * along**2).sum() / spread.sum() > 4
    assert (spread * across**2).sum() / spread.sum() < 0.6


def test_motion_of_one_pixel_is_none():
    same = effects.blur_by_motion(draw_image(), 1.0, 0.5)
    np.testing.assert_array_equal(same, draw_image())


def test_lower_resolution_loses_detail_and_keeps_brightness():
    image = draw_image()
    coarse = effects.lower_resolution(image, 0.4)
    assert coarse.std() < 0.6 * image.std()
    assert coarse.mean() == pytest.approx(image.mean(), abs=3)
    np.testing.assert_array_equal(effects.lower_resolution(image, 1.0), image)


@pytest.mark.parametrize("colored", [False, True])
@pytest.mark.parametrize("coarse", [False, True])
def test_noise_has_the_requested_deviation(colored, coarse):
    gray = np.full((200, 400, 3), 128, np.uint8)
    noise = effects.add_noise(RNG(3), gray, 12.0, colored, coarse).astype(float) - 128
    assert noise.std() == pytest.approx(12, rel=0.1)
    assert noise.mean() == pytest.approx(0, abs=1)
    assert (noise[..., 0] != noise[..., 1]).any() == colored
    neighbours = np.corrcoef(noise[:, :-1, 0].ravel(), noise[:, 1:, 0].ravel())[0, 1]
    assert (neighbours > 0.5) == coarse


def test_compression_loses_more_at_lower_quality():
    image = bars()
    losses = [
        np.abs(effects.compress(image, quality).astype(int) - image).mean()
        for quality in (95, 60, 20)
    ]
    assert losses == sorted(losses)
    assert losses[0] < 5 < losses[2]


def test_compression_keeps_the_order_of_colours():
    image = np.empty((16, 16, 3), np.uint8)
    image[:] = (200, 90, 30)
    assert effects.compress(image, 90)[8, 8].tolist() == pytest.approx([200, 90, 30], abs=6)


def test_development_follows_its_curve():
    image = np.array([[[0, 127, 255]]], np.uint8)
    assert effects.develop(image)[0, 0].tolist() == [0, 127, 255]
    assert effects.develop(image, brightness=20)[0, 0].tolist() == [20, 147, 255]
    assert effects.develop(image, contrast=0.5)[0, 0].tolist() == [64, 127, 191]
    assert effects.develop(image, gamma=2.0)[0, 0].tolist() == [0, 63, 255]


def test_shade_darkens_to_the_limit_given():
    white = np.full((40, 60, 3), 255, np.uint8)
    for seed in range(20):
        shaded = effects.shade(RNG(seed), white, 0.6)
        assert shaded.min() >= int(0.6 * 255) - 1
        assert shaded.max() > shaded.min()


@pytest.mark.parametrize(("width", "length"), [(2, 60), (5, 60), (9, 40)])
def test_strokes_are_measured_in_pixels(width, length):
    mask = np.zeros((70, 80), np.uint8)
    mask[5 : 5 + length, 10 : 10 + width] = 255
    strokes = effects.measure_strokes(mask)
    # Straight along the axes, an edge counts for less than on average over directions.
    assert strokes.width == pytest.approx(width, rel=0.3)
    assert strokes.strength == pytest.approx(1)


def test_strokes_thinner_than_a_pixel_are_weak():
    mask = np.zeros((30, 40), np.uint8)
    cv2.line(mask, (5, 5), (30, 20), 90, 1)
    assert effects.measure_strokes(mask).strength == pytest.approx(90 / 255)


def test_nothing_is_done_to_an_easy_image():
    image = draw_image()
    result = effects.photograph(RNG(0), image, 0.0, 20.0, Strokes(3.0, 1.0), PALETTE)
    np.testing.assert_array_equal(result, image)


@pytest.mark.parametrize("difficulty", [0.3, 1.0])
def test_bars_stay_visible_after_any_camera_effect(difficulty):
    strokes = Strokes(3.0, 1.0)
    contrasts = []
    for seed in range(200):
        palette = draw_palette(RNG(seed), difficulty)
        image = np.empty((*SHAPE, 3), np.uint8)
        image[:] = palette.ground
        image[bars() == 20] = np.broadcast_to(palette.text, image.shape)[bars() == 20]
        result = effects.photograph(RNG(seed), image, difficulty, 15.0, strokes, palette)
        rows = result[5:18].astype(float).mean(axis=(0, 2))
        # Against both neighbours, so that uneven light does not count.
        steps = [
            rows[left + 1] - (rows[left - 2] + rows[left + 4]) / 2 for left in range(12, 58, 6)
        ]
        contrasts.append(abs(np.mean(steps)))
    assert min(contrasts) > 10
    assert np.median(contrasts) > 35


def test_a_mask_that_has_lost_its_ink_ends_no_rendering():
    strokes = effects.measure_strokes(np.zeros((24, 60), np.uint8))
    for seed in range(60):
        image = np.full((24, 60, 3), 120, np.uint8)
        result = effects.photograph(RNG(seed), image, 1.0, 15.0, strokes, PALETTE)
        assert result.shape == image.shape
