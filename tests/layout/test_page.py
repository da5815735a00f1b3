"""Pages, their blocks, and outlines around baselines."""

import math

import numpy as np
import pytest

from attention_ocr.layout import outline, page
from attention_ocr.layout.outline import outline_of
from attention_ocr.layout.page import Line, Page, bounding_box, box_polygon, corners_of

BOX = box_polygon(10, 20, 50, 40)


def line_at(y: float, block: int = 0, left: float = 0.0, right: float = 100.0) -> Line:
    return Line((), "text", block=block, baseline=((left, y), (right, y)))


def test_blocks_keep_the_order_of_their_first_lines():
    lines = [Line(BOX, text, block=block) for text, block in zip("abcd", (2, 0, 2, 1), strict=True)]
    blocks = Page(100, 100, tuple(lines)).blocks
    assert {number: [line.text for line in block] for number, block in blocks.items()} == {
        2: ["a", "c"],
        0: ["b"],
        1: ["d"],
    }
    assert list(blocks) == [2, 0, 1]
    assert Page(100, 100).blocks == {}


def test_the_corners_of_lines_are_those_of_all_outlines():
    lines = [Line(BOX), Line(box_polygon(5, 60, 20, 70)), Line(())]
    corners = corners_of(lines)
    assert len(corners) == 8
    assert bounding_box(corners) == (5, 20, 50, 70)
    assert corners_of([]) == ()


@pytest.mark.parametrize("sides", [(1, 2, 9, 4), (-3.5, 0.0, 0.0, 2.25)])
def test_a_box_and_its_corners_are_each_other(sides):
    assert bounding_box(box_polygon(*sides)) == sides


def test_an_outline_is_kept_where_there_is_one():
    line = Line(BOX, baseline=((0.0, 0.0), (9.0, 0.0)))
    assert outline_of(line, Page(100, 100, (line,))) is line.polygon


def test_an_outline_with_two_points_is_none():
    line = Line(BOX[:2], baseline=((0.0, 50.0), (9.0, 50.0)))
    assert len(outline_of(line, Page(100, 100, (line,)))) == 4


def test_the_only_line_of_a_page_has_the_usual_height():
    line = line_at(500.0)
    left, top, right, bottom = bounding_box(outline_of(line, Page(800, 1000, (line,))))
    height = outline.DEFAULT_DISTANCE * 1000
    assert (left, right) == (0.0, 100.0)
    assert (top, bottom) == pytest.approx(
        (500.0 - outline.ABOVE * height, 500.0 + outline.BELOW * height)
    )


def test_the_median_distance_decides_and_columns_side_by_side_do_not_count():
    # Two columns at the same heights, and a heading far above them.
    tops = (40.0, 200.0, 230.0, 260.0)
    lines = [line_at(top) for top in tops] + [line_at(top, 1, 200.0, 300.0) for top in tops[1:]]
    found = Page(400, 400, tuple(lines))
    _, top, _, bottom = bounding_box(outline_of(lines[1], found))
    assert bottom - top == pytest.approx(30.0)


@pytest.mark.parametrize("degrees", [0, 37, 90, 180, -120])
def test_an_outline_turns_with_its_baseline(degrees):
    angle = math.radians(degrees)
    along = np.array([math.cos(angle), math.sin(angle)])
    ends = np.array([300.0, 300.0]) + np.outer([0.0, 50.0], along)
    line = Line((), baseline=tuple(map(tuple, ends.tolist())))
    corners = np.array(outline_of(line, Page(600, 1000, (line,))))
    np.testing.assert_allclose(corners[1] - corners[0], 50.0 * along, atol=1e-9)
    # The first corner is above the first character, for a reader of the line.
    up = np.array([along[1], -along[0]])
    height = outline.DEFAULT_DISTANCE * 1000
    np.testing.assert_allclose(corners[0] - ends[0], outline.ABOVE * height * up, atol=1e-9)
    np.testing.assert_allclose(corners[3] - ends[0], -outline.BELOW * height * up, atol=1e-9)


def test_a_baseline_of_one_point_gives_a_line_without_area():
    line = Line((), baseline=((5.0, 5.0), (5.0, 5.0)))
    left, top, right, bottom = bounding_box(outline_of(line, Page(100, 100, (line,))))
    assert (left, top, right, bottom) == (5.0, 5.0, 5.0, 5.0)


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({"width": 1}, "height"),
        ({"width": 1, "height": 2, "colour": "red"}, "colour"),
        ({"width": 1, "height": 2, "lines": [{"polygon": [], "words": [{"polygon": []}]}]}, "text"),
    ],
)
def test_a_record_with_other_fields_is_refused(record, error):
    with pytest.raises(TypeError, match=error):
        page.Page.from_record(record)
