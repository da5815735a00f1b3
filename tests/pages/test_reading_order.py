import numpy as np
import pytest

from attention_ocr.pages.reading_order import blocks, reading_order, rows, upright_boxes


def test_columns_follow_each_other_below_a_heading_and_above_a_foot():
    heading, foot = (0, 0, 400, 20), (0, 200, 400, 220)
    left = [(0, top, 180, top + 20) for top in (40, 70, 100)]
    right = [(220, top, 400, top + 20) for top in (45, 75, 105, 135)]
    expected = np.array([heading, *left, *right, foot], float)
    shuffled = np.random.default_rng(3).permutation(len(expected))
    order = reading_order(expected[shuffled])
    np.testing.assert_array_equal(shuffled[order], np.arange(len(expected)))


def test_a_heading_between_columns_ends_both_above_it():
    above = [(0, 0, 180, 20), (0, 30, 180, 50), (220, 0, 400, 20), (220, 30, 400, 50)]
    below = [(0, 120, 180, 140), (220, 120, 400, 140)]
    boxes = np.array([*above, (0, 80, 400, 100), *below], float)
    assert reading_order(boxes) == list(range(7))


def test_parts_of_a_line_are_joined_and_columns_are_not():
    boxes = np.array(
        [(0, 0, 100, 20), (110, 2, 200, 22), (260, 0, 400, 20), (0, 30, 90, 50)], float
    )
    assert sorted(rows(boxes)) == [[0, 1], [2], [3]]


def test_a_large_initial_is_no_part_of_the_line_beside_it():
    boxes = np.array([(0, 0, 50, 60), (55, 0, 300, 20)], float)
    assert sorted(rows(boxes)) == [[0], [1]]


def test_boxes_are_level_whatever_the_direction_of_the_text():
    quads = np.array([[[0, 0], [90, 0], [90, 20], [0, 20]], [[0, 30], [90, 30], [90, 50], [0, 50]]])
    for angle in (0.0, 0.1, np.pi / 2, np.pi, -np.pi / 2):
        cosine, sine = np.cos(angle), np.sin(angle)
        turned = quads @ np.array([[cosine, sine], [-sine, cosine]])
        boxes = upright_boxes(turned)
        boxes -= boxes[0, [0, 1, 0, 1]]
        np.testing.assert_allclose(boxes[1], [0, 30, 90, 50], atol=1e-6)


def test_blocks_end_at_wide_gaps_and_at_columns():
    boxes = np.array([(0, 0, 99, 20), (0, 25, 90, 45), (0, 100, 99, 120), (200, 0, 300, 20)], float)
    assert blocks(boxes, [0, 1, 2, 3]) == [0, 0, 1, 2]


def test_a_page_without_lines_or_with_one_has_an_order():
    nothing, one = np.zeros((0, 4)), np.array([(5, 5, 90, 20)], float)
    assert (reading_order(nothing), rows(nothing), blocks(nothing, [])) == ([], [], [])
    assert (reading_order(one), rows(one), blocks(one, [0])) == ([0], [[0]], [0])
    assert upright_boxes(np.zeros((0, 4, 2))).shape == (0, 4)


@pytest.mark.parametrize("num_columns", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_columns_are_read_one_after_the_other_in_whatever_order_lines_are_found(num_columns, seed):
    boxes = np.array(
        [
            (300 * column, 30 * line, 300 * column + 250, 30 * line + 20)
            for column in range(num_columns)
            for line in range(5)
        ],
        float,
    )
    shuffled = np.random.default_rng(seed).permutation(len(boxes))
    order = reading_order(boxes[shuffled])
    assert shuffled[order].tolist() == list(range(len(boxes)))
    expected = np.repeat(np.arange(num_columns), 5).tolist()
    assert blocks(boxes[shuffled], order) == expected


@pytest.mark.parametrize("seed", range(10))
def test_every_line_is_read_once_however_the_boxes_overlap(seed):
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 500, (40, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0, 200, (40, 2))], axis=1)
    order = reading_order(boxes)
    assert sorted(order) == list(range(40))
    assert sorted(index for row in rows(boxes) for index in row) == list(range(40))
    numbers = blocks(boxes, order)
    assert numbers[0] == 0
    assert all(0 <= step <= 1 for step in np.diff(numbers))


def test_the_order_does_not_depend_on_the_place_or_the_size_of_the_page():
    random = np.random.default_rng(1)
    corners = random.uniform(0, 400, (20, 2))
    boxes = np.concatenate([corners, corners + random.uniform(10, 90, (20, 2))], axis=1)
    order = reading_order(boxes)
    assert reading_order(boxes + 1000.0) == order
    assert reading_order(boxes * 4.0) == order


def test_boxes_on_top_of_each_other_are_all_kept():
    same = np.array([(0, 0, 90, 20)] * 3, float)
    assert sorted(reading_order(same)) == [0, 1, 2]
    assert len(rows(same)) == 3
