import numpy as np
import pytest

from attention_ocr.pages.directions import directions_of, page_turn


def quad(left, top, width, height):
    right, bottom = left + width, top + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


WIDE, TALL, SQUARE = quad(0, 0, 90, 10), quad(0, 0, 10, 80), quad(0, 0, 20, 20)


def firsts(directions):
    """Return the corner before which the text of each direction begins."""
    return [tuple(direction[0]) for direction in directions]


def test_a_page_of_wide_lines_is_upright_or_upside_down():
    quads, turns = page_turn([TALL, WIDE, SQUARE, WIDE], 3)
    assert turns == [0, 2]
    assert len(quads) == 2
    assert all(chosen is WIDE for chosen in quads)


def test_a_page_of_tall_lines_is_rotated_by_a_quarter():
    quads, turns = page_turn([TALL, TALL, WIDE], 9)
    assert turns == [1, 3]
    assert all(chosen is TALL for chosen in quads)


def test_the_longest_lines_tell_the_direction():
    lines = [quad(0, 0, width, 10) for width in (30, 90, 50, 70)]
    quads, _ = page_turn(lines, 2)
    assert [chosen is lines[index] for chosen, index in zip(quads, (1, 3), strict=True)] == [
        True,
        True,
    ]


def test_a_page_of_short_words_is_told_by_them():
    assert page_turn([SQUARE, SQUARE], 1)[1] == [0, 2]
    assert len(page_turn([SQUARE, SQUARE], 1)[0]) == 1
    assert page_turn([], 4) == ([], [0, 2])


@pytest.mark.parametrize(
    ("line", "turn", "corners"),
    [
        (WIDE, 0, [(0, 0), (90, 10)]),
        (WIDE, 2, [(90, 10), (0, 0)]),
        # Across the text of its page, but far too long to be read in that direction.
        (WIDE, 1, [(0, 0), (90, 10)]),
        (TALL, 1, [(0, 80), (10, 0)]),
        (TALL, 3, [(10, 0), (0, 80)]),
        (TALL, 0, [(0, 80), (10, 0)]),
        (SQUARE, 0, [(0, 0), (20, 20), (0, 20), (20, 0)]),
        (SQUARE, 3, [(20, 0), (0, 20), (0, 0), (20, 20)]),
    ],
)
def test_a_line_is_read_in_the_directions_that_its_shape_allows(line, turn, corners):
    assert sorted(firsts(directions_of(line, turn))) == sorted(corners)


@pytest.mark.parametrize("turn", range(4))
def test_a_direction_keeps_the_corners_in_order(turn):
    for direction in directions_of(SQUARE, turn):
        start = int(np.flatnonzero((direction[0] == SQUARE).all(axis=1))[0])
        np.testing.assert_array_equal(direction, np.roll(SQUARE, -start, axis=0))
