import numpy as np
import pytest

from attention_ocr.synthesis.backgrounds import (
    colorize,
    draw_background,
    draw_panel,
    draw_scene,
    draw_slope,
    draw_texture,
)
from attention_ocr.synthesis.colors import draw_palette, luma

PATTERNS = (draw_slope, draw_texture, draw_scene, draw_panel)
LUMA = np.array([0.299, 0.587, 0.114])


def test_colours_shade_between_their_stops():
    pattern = np.array([[0, 51, 255]], np.uint8)
    image = colorize(pattern, [(0, 100, 200), (250, 100, 50)])
    assert image.tolist() == [[[0, 100, 200], [50, 100, 170], [250, 100, 50]]]
    stops = [(0.0, 0.0, 0.0), (200.0, 0.0, 0.0), (0.0, 0.0, 90.0)]
    middle = colorize(np.array([[0, 127, 255]], np.uint8), stops)
    assert middle[0, 1].tolist() == pytest.approx([200, 0, 0], abs=2)
    assert middle[0, 2].tolist() == [0, 0, 90]


@pytest.mark.parametrize("draw_pattern", PATTERNS)
@pytest.mark.parametrize("shape", [(32, 150), (1, 1), (7, 900), (600, 40)])
def test_patterns_fill_any_shape(draw_pattern, shape):
    pattern = draw_pattern(np.random.default_rng(3), shape)
    assert pattern.shape == shape
    assert pattern.dtype == np.uint8


@pytest.mark.parametrize("draw_pattern", PATTERNS)
def test_patterns_depend_only_on_the_generator(draw_pattern):
    first, again, other = (
        draw_pattern(np.random.default_rng(seed), (32, 150)) for seed in (4, 4, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_texture_is_no_plain_area():
    rng = np.random.default_rng(3)
    deviations = [draw_texture(rng, (40, 200)).std() for _ in range(20)]
    assert min(deviations) > 3
    assert np.mean(deviations) > 20


def test_an_easy_background_is_one_colour():
    rng = np.random.default_rng(3)
    palette = draw_palette(rng, 0.0)
    image = draw_background(rng, 0.0, (12, 34), palette)
    assert image.shape == (12, 34, 3)
    assert (image == image[0, 0]).all()
    assert image[0, 0] @ LUMA == pytest.approx(luma(palette.ground), abs=1)


def test_every_pixel_of_a_hard_background_keeps_the_least_contrast():
    rng = np.random.default_rng(5)
    varied = 0
    for _ in range(150):
        palette = draw_palette(rng, 1.0)
        image = draw_background(rng, 1.0, (20, 90), palette)
        difference = np.abs(image @ LUMA - luma(palette.text))
        # Two for rounding to bytes, twice.
        assert difference.min() >= palette.gap - 2
        varied += image.std() > 5
    assert varied > 50
