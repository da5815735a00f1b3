import numpy as np
import pytest

from attention_ocr.synthesis.colors import (
    color_of_luma,
    draw_natural_palette,
    draw_palette,
    luma,
    minimum_contrast,
)

DIFFICULTIES = (0.0, 0.3, 1.0)


def test_luma_weighs_green_most():
    assert luma((255, 255, 255)) == pytest.approx(255)
    assert luma((10, 20, 30)) == pytest.approx(0.299 * 10 + 0.587 * 20 + 0.114 * 30)


@pytest.mark.parametrize("saturation", [0.0, 0.5, 1.0])
def test_a_colour_has_the_requested_luma(saturation):
    rng = np.random.default_rng(3)
    for brightness in np.linspace(0, 255, 40):
        color = color_of_luma(rng, brightness, saturation)
        assert luma(color) == pytest.approx(brightness, abs=1e-6)
        assert all(-1e-6 <= channel <= 255 + 1e-6 for channel in color)
        if saturation == 0:
            assert max(color) - min(color) < 1e-6


def test_the_least_contrast_falls_with_difficulty():
    contrasts = [minimum_contrast(difficulty) for difficulty in DIFFICULTIES]
    assert contrasts == sorted(contrasts, reverse=True)
    assert contrasts[0] > 150
    assert contrasts[-1] > 40


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("strength", [0.3, 0.7, 1.0])
def test_every_background_colour_keeps_the_minimum_contrast(difficulty, strength):
    rng = np.random.default_rng(5)
    least = min(250.0, minimum_contrast(difficulty) / strength)
    for _ in range(200):
        palette = draw_palette(rng, difficulty, strength)
        text = luma(palette.text)
        assert palette.contrast >= least - 1e-6
        is_light = text > luma(palette.ground)
        for spread in (0.0, 0.6, 1.0):
            ground = luma(palette.draw_ground(rng, spread))
            assert (text - ground if is_light else ground - text) >= least - 1e-6
            fill = luma(palette.draw_text_color(rng, spread)) - luma(palette.ground)
            assert (fill if is_light else -fill) >= palette.contrast - 1e-6


def test_easy_texts_are_dark_and_gray_on_light():
    rng = np.random.default_rng(7)
    for _ in range(200):
        palette = draw_palette(rng, 0.0)
        assert luma(palette.text) < 60 < 160 < luma(palette.ground)
        assert max(palette.text) - min(palette.text) < 1e-6


def test_hard_texts_are_as_often_light_on_dark_and_coloured():
    rng = np.random.default_rng(9)
    palettes = [draw_palette(rng, 1.0) for _ in range(500)]
    light = sum(luma(palette.text) > luma(palette.ground) for palette in palettes)
    assert 200 < light < 300
    assert sum(max(palette.ground) - min(palette.ground) > 60 for palette in palettes) > 100


def test_natural_colours_are_of_medium_contrast_and_mostly_light_on_dark():
    rng = np.random.default_rng(11)
    palettes = [draw_natural_palette(rng) for _ in range(500)]
    # Quartiles of training words of Street View Text and ICDAR 2015 before blur: 50 to 110.
    low, high = np.percentile([palette.contrast for palette in palettes], (25, 75))
    assert 45 < low < 75 < high < 130
    assert 280 < sum(luma(palette.text) > luma(palette.ground) for palette in palettes) < 370
    for palette in palettes:
        ground = palette.draw_ground(rng, 1.0)
        assert abs(luma(palette.text) - luma(ground)) >= palette.gap - 1e-6


def test_natural_colours_of_hairlines_keep_more_contrast():
    rng = np.random.default_rng(12)
    assert min(draw_natural_palette(rng, strength=0.3).contrast for _ in range(200)) > 93
