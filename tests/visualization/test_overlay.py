import numpy as np
import pytest

from attention_ocr.visualization.overlay import (
    attention_maps,
    attention_strip,
    caption,
    overlay,
    scale_to_height,
)

IMAGE = np.random.default_rng(0).integers(0, 256, (16, 40, 3), np.uint8)


def one_cell(row: int, column: int, shape: tuple[int, int] = (2, 12)) -> np.ndarray:
    attention = np.zeros((1, *shape), np.float32)
    attention[0, row, column] = 1.0
    return attention


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 3), (0, 9)])
def test_a_map_is_brightest_where_the_network_looked(row, column):
    # Content of 16 x 40 pixels in 16 x 48: cells of 8 x 4 pixels.
    maps = attention_maps(one_cell(row, column), (1.0, 40 / 48), (16, 40))
    assert maps.shape == (1, 16, 40)
    assert maps.dtype == np.float32
    assert maps.max() == pytest.approx(1.0)
    assert maps.min() >= 0.0
    brightest = np.unravel_index(maps[0].argmax(), (16, 40))
    assert brightest[0] // 8 == row
    assert brightest[1] // 4 == column


def test_the_padding_is_cut_off():
    # All the weight on the last column, which is padding, is not to be seen.
    maps = attention_maps(one_cell(0, 11), (1.0, 0.5), (16, 24))
    assert maps.shape == (1, 16, 24)
    assert maps.max() == 0.0


def test_an_image_of_another_size_than_the_input_gets_a_map_of_its_own_size():
    maps = attention_maps(one_cell(1, 3), (0.5, 40 / 48), (60, 400))
    assert maps.shape == (1, 60, 400)
    # The content is the upper half of the grid: the second row lies below it.
    upper = attention_maps(one_cell(0, 3), (0.5, 40 / 48), (60, 400))
    assert upper[0, :, 120:160].mean() > 0.5
    assert 120 <= upper[0].max(axis=0).argmax() < 160


def test_no_character_has_no_map():
    assert attention_maps(np.zeros((0, 2, 12)), (1.0, 1.0), (16, 40)).shape == (0, 16, 40)


def test_an_overlay_is_lighter_where_the_network_looked():
    heat = np.zeros((16, 40), np.float32)
    heat[:, 20:] = 1.0
    image = np.full((16, 40, 3), 200, np.uint8)
    laid = overlay(image, heat)
    assert laid.dtype == np.uint8
    assert laid.shape == image.shape
    assert laid[:, 20:].mean() > laid[:, :20].mean() + 40
    # Ink differs from paper in the dark and in the light.
    image[:, ::2] = 0
    laid = overlay(image, heat).astype(int)
    assert np.all(np.abs(laid[:, 1::2] - laid[:, ::2]).max(axis=2) > 50)


@pytest.mark.parametrize(
    ("size", "expected"), [((16, 40), (32, 80)), ((64, 40), (32, 20)), ((10, 100), (20, 200))]
)
def test_an_image_is_scaled_to_a_height_or_to_the_largest_width(size, expected):
    image = np.zeros((*size, 3), np.uint8)
    assert scale_to_height(image, 32, 200).shape == (*expected, 3)


@pytest.mark.parametrize("text", ["a", "a line that is far wider than the image below it"])
def test_a_caption_stands_above_the_image(text):
    captioned = caption(IMAGE, text)
    height, width = captioned.shape[:2]
    np.testing.assert_array_equal(captioned[height - 16 :, :40], IMAGE)
    assert width >= 40
    assert captioned[: height - 16].min() < 128
    np.testing.assert_array_equal(captioned[height - 16 :, 40:], 255)


def test_a_strip_has_a_row_for_each_character():
    heights = [
        attention_strip(IMAGE, text, np.ones((6, 2, 12)), (1.0, 40 / 48)).shape[0]
        for text in ("", "a", "ab", "abc")
    ]
    rows = np.diff(heights)
    assert rows[0] == rows[1] == rows[2] >= 16


@pytest.mark.parametrize("text", ["", "ab", "é東ش \u0301", "\ufffd\u2028"])
def test_a_strip_is_drawn_for_any_text(text):
    attention = np.ones((6, 2, 12)) / 24
    strip = attention_strip(IMAGE, text, attention, (1.0, 40 / 48))
    assert strip.dtype == np.uint8
    assert strip.shape[2] == 3
    rows, columns = np.nonzero((strip[:-15, :-39] == IMAGE[0, 0]).all(axis=2))
    places = [strip[r : r + 16, c : c + 40] for r, c in zip(rows, columns, strict=True)]
    assert any(np.array_equal(place, IMAGE) for place in places)
