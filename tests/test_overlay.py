import numpy as np
import pytest

from attention_ocr.glyphs import draw_line
from attention_ocr.overlay import (
    attention_maps,
    attention_strip,
    caption,
    overlay,
    scale_to_height,
)


def looking_at(*cells: tuple[int, int], rows: int = 2, columns: int = 8) -> np.ndarray:
    """Return attention of one character for each cell."""
    attention = np.zeros((len(cells), rows, columns), np.float32)
    for index, (row, column) in enumerate(cells):
        attention[index, row, column] = 1.0
    return attention


def test_a_map_is_brightest_where_the_cell_lies():
    maps = attention_maps(looking_at((0, 1), (1, 6)), (1.0, 1.0), (32, 128))
    assert maps.shape == (2, 32, 128)
    np.testing.assert_allclose(maps.max(axis=(1, 2)), 1.0)
    assert maps.min() >= 0.0
    # A cell covers 16 by 16 pixels.
    for heat, (top, left) in zip(maps, [(0, 16), (16, 96)], strict=True):
        assert heat[top + 8, left + 8] > 0.8
        assert heat[31 - top - 8, 127 - left - 8] < 0.1


def test_the_padding_is_cut_off_before_the_map_is_stretched():
    # The picture fills half of the width: cell 3 of 8 lies at the right end of it.
    (heat,) = attention_maps(looking_at((0, 3), rows=1), (1.0, 0.5), (10, 40))
    assert heat.shape == (10, 40)
    assert heat[5, 35] > 0.8
    assert heat[:, :20].max() < 0.1


def test_attention_on_the_padding_alone_leaves_the_picture_dark():
    (heat,) = attention_maps(looking_at((0, 7), rows=1), (1.0, 0.5), (10, 40))
    assert np.isfinite(heat).all()


def test_no_character_has_no_map():
    assert attention_maps(np.zeros((0, 1, 8)), (1.0, 1.0), (10, 40)).shape == (0, 10, 40)


@pytest.mark.parametrize("ground", [0, 120, 255])
def test_the_overlay_lights_what_was_looked_at_on_any_ground(ground):
    image = np.full((4, 6, 3), ground, np.uint8)
    heat = np.zeros((4, 6), np.float32)
    heat[:, 3:] = 1.0
    result = overlay(image, heat)
    assert result.dtype == np.uint8
    assert result.shape == image.shape
    dark, bright = result[:, :3].mean(), result[:, 3:].mean()
    assert bright > dark + 25
    red, _, blue = result[0, 5].astype(int)
    assert red > blue


def test_ink_stays_legible_in_the_light():
    image = np.full((4, 6, 3), 255, np.uint8)
    image[1] = 0
    result = overlay(image, np.ones((4, 6), np.float32)).astype(int)
    assert (result[0] - result[1]).sum(axis=-1).min() > 300


@pytest.mark.parametrize(
    ("shape", "scaled"),
    [
        ((16, 40), (64, 160)),
        ((128, 300), (64, 150)),
        ((64, 90), (64, 90)),
        ((10, 1000), (5, 500)),
        ((1, 4000), (1, 500)),
        ((4000, 1), (64, 1)),
    ],
)
def test_a_picture_is_scaled_to_its_height_unless_it_gets_too_wide(shape, scaled):
    image = np.zeros((*shape, 3), np.uint8)
    assert scale_to_height(image, 64, max_width=500).shape == (*scaled, 3)


def test_a_caption_stands_above_the_picture():
    image = np.full((40, 30, 3), 7, np.uint8)
    result = caption(image, "a word that is wider")
    np.testing.assert_array_equal(result[-40:, :30], image)
    assert (result[-40:, 30:] == 255).all()
    assert (result[:-40] < 128).any()


def test_a_strip_has_a_row_for_each_character():
    image = np.full((30, 80, 3), 200, np.uint8)
    attention = looking_at((0, 0), (1, 3), (0, 7), (0, 0))
    heights = [attention_strip(image, "abc"[:n], attention, (1.0, 1.0)).shape[0] for n in range(4)]
    assert len(set(np.diff(heights))) == 1
    assert heights[1] - heights[0] >= 30
    assert heights[0] > 30


def test_a_strip_shows_the_picture_then_each_character_beside_where_it_was_read():
    image = np.full((60, 96, 3), 255, np.uint8)
    strip = attention_strip(image, "xy", looking_at((0, 0), (1, 7)), (1.0, 1.0))
    # Light has no blue: the rows of "x" and "y" are lit at the left and at the right.
    blue = strip[..., 0].astype(int) - strip[..., 2]
    lit_rows = np.flatnonzero((blue > 100).any(axis=1))
    upper = blue[lit_rows[0] : lit_rows[0] + 20]
    lower = blue[lit_rows[-1] - 20 : lit_rows[-1]]
    assert (upper > 100).any(axis=0).argmax() < (lower > 100).any(axis=0).argmax() - 60


def test_nothing_read_is_said():
    image = np.full((30, 80, 3), 200, np.uint8)
    strip = attention_strip(image, "", np.zeros((0, 1, 8)), (1.0, 1.0))
    title = draw_line("(nothing)", 11)
    assert strip.shape[1] >= title.shape[1]
    assert (strip[: title.shape[0]] < 128).any()
