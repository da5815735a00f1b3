import numpy as np
import pytest

from attention_ocr.layout.page import Line, Page, Word, box_polygon
from attention_ocr.visualization.page_overlay import MAX_SIDE, draw_page

BOX = box_polygon(20.0, 10.0, 120.0, 40.0)
WHITE = np.full((60, 150, 3), 255, np.uint8)


def drawn(pixels, *lines):
    overlay = draw_page(pixels, Page(pixels.shape[1], pixels.shape[0], lines))
    width = overlay.shape[1] // 2
    return overlay[:, :width], overlay[:, width:]


def color_at(image, x, y):
    return tuple(map(int, image[y, x]))


def test_the_page_stands_beside_its_text():
    pixels = np.random.default_rng(0).integers(0, 256, (60, 150, 3)).astype(np.uint8)
    left, right = drawn(pixels)
    np.testing.assert_array_equal(left, pixels)
    assert (right == 255).all()


@pytest.mark.parametrize(("confidence", "strongest"), [(0.0, 0), (1.0, 1)])
def test_an_outline_is_red_or_green_by_its_confidence(confidence, strongest):
    before = WHITE.copy()
    for image in drawn(WHITE, Line(BOX, "word", confidence)):
        edge = color_at(image, 70, 10)
        assert np.argmax(edge) == strongest
        assert edge == color_at(image, 20, 25)
        assert color_at(image, 5, 5) == (255, 255, 255)
    np.testing.assert_array_equal(WHITE, before)


def test_words_have_their_own_outlines():
    halves = box_polygon(20.0, 10.0, 60.0, 40.0), box_polygon(80.0, 10.0, 120.0, 40.0)
    words = tuple(Word("w", half, 1.0) for half in halves)
    left, _ = drawn(WHITE, Line(BOX, "w w", 1.0, words))
    assert color_at(left, 60, 25) != (255, 255, 255)
    assert color_at(left, 70, 10) == (255, 255, 255)


def test_the_text_fills_its_box_on_the_right_alone():
    left, right = drawn(WHITE, Line(BOX, "word", 1.0))
    inside = np.s_[12:39, 22:119]
    assert (left[inside] == 255).all()
    assert (right[inside] < 128).any()
    outside = right.copy()
    outside[9:42, 19:122] = 255
    assert (outside == 255).all()


@pytest.mark.parametrize(
    "polygon",
    [
        box_polygon(20.0, 10.0, 22.0, 40.0),
        box_polygon(200.0, 10.0, 300.0, 40.0),
        box_polygon(-50.0, -50.0, -10.0, -10.0),
    ],
)
def test_a_box_without_room_or_outside_of_the_page_has_no_text(polygon):
    with_text = drawn(WHITE, Line(polygon, "word", 1.0))
    without = drawn(WHITE, Line(polygon, "", 1.0))
    np.testing.assert_array_equal(with_text, without)


def test_a_text_at_the_edge_is_drawn_as_far_as_the_page_goes():
    _, right = drawn(WHITE, Line(box_polygon(100.0, 30.0, 190.0, 80.0), "word", 1.0))
    assert (right[32:, 102:] < 128).any()


def test_a_large_page_is_shrunk_with_its_outlines():
    pixels = np.full((100, 2 * MAX_SIDE, 3), 255, np.uint8)
    polygon = box_polygon(2000.0, 20.0, 3000.0, 80.0)
    left, right = drawn(pixels, Line(polygon, "word", 1.0))
    assert left.shape == right.shape == (50, MAX_SIDE, 3)
    assert color_at(left, 1250, 10) != (255, 255, 255)
    assert color_at(left, 1250, 20) == (255, 255, 255)
