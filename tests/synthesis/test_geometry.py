import dataclasses
import math

import numpy as np
import pytest

from attention_ocr.synthesis.geometry import (
    View,
    bend_mask,
    draw_view,
    place_corners,
    ripple_mask,
    view_mask,
)
from attention_ocr.synthesis.looks import LOOKS

MASK = np.full((24, 130), 255, np.uint8)


def border(mask):
    return np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])


def test_looking_straight_changes_nothing():
    rng = np.random.default_rng(0)
    mask = rng.integers(1, 256, (9, 17), np.uint8)
    view = view_mask(mask, View())
    rows, columns = np.nonzero(view)
    inner = view[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    # One pixel of softness: the mask comes to lie half a pixel off.
    assert inner.shape == pytest.approx(mask.shape, abs=1)
    assert int(view.sum()) == pytest.approx(int(mask.sum()), rel=0.01)


def test_a_quarter_turn_swaps_the_sides():
    corners = place_corners(View(rotation=math.pi / 2), (10, 30))
    (left, top), right_end, opposite, _ = corners
    assert (right_end[0] - left, right_end[1] - top) == pytest.approx((0, 30), abs=1e-6)
    assert (opposite[0] - right_end[0], opposite[1] - right_end[1]) == pytest.approx((-10, 0))


def test_stretch_and_scale_multiply_the_sides():
    corners = place_corners(View(stretch=1.5, scale=2.0), (10, 30))
    assert corners[2][0] - corners[0][0] == pytest.approx(90)
    assert corners[2][1] - corners[0][1] == pytest.approx(20)


def test_shear_leans_the_top_to_the_right():
    corners = place_corners(View(shear=0.5), (10, 30))
    assert corners[0][0] - corners[3][0] == pytest.approx(5)


@pytest.mark.parametrize("seed", range(40))
def test_no_ink_is_cut_off_at_any_view(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(3, 140, 2).tolist())
    view = draw_view(rng, 1.0, shape, 1000)
    seen = view_mask(np.full(shape, 255, np.uint8), view)
    assert border(seen).max() == 0
    corners = np.array(place_corners(view, shape))
    # The area of a polygon from its corners (shoelace).
    x, y = corners.T
    area = 0.5 * abs(x @ np.roll(y, 1) - y @ np.roll(x, 1))
    assert seen.sum() / 255 == pytest.approx(area, rel=0.02, abs=4)


def test_views_grow_with_difficulty():
    def reach(difficulty):
        rng = np.random.default_rng(1)
        views = [draw_view(rng, difficulty, (24, 60), 1000) for _ in range(50)]
        return np.mean([abs(view.rotation) + abs(view.shear) for view in views])

    assert 0 == reach(0.0) < reach(0.4) < reach(1.0)


def test_signs_are_rotated_further():
    def steepest(look):
        rng = np.random.default_rng(1)
        views = [draw_view(rng, 1.0, (24, 30), 1000, LOOKS[look]) for _ in range(200)]
        return max(abs(view.rotation) for view in views)

    assert steepest("any") <= 0.3 < 0.4 < steepest("signs") <= 0.5 < 0.7 < steepest("irregular")


def test_irregular_words_have_a_stronger_perspective():
    def reach(look):
        rng = np.random.default_rng(1)
        views = [draw_view(rng, 1.0, (24, 60), 1000, LOOKS[look]) for _ in range(50)]
        return max(abs(shift) for view in views for shift in view.corners) / 24

    assert reach("signs") <= 0.13 < 0.2 < reach("irregular") <= 0.25


def test_no_perspective_is_so_strong_that_letters_vanish():
    rng = np.random.default_rng(3)
    view = View(0.3, 0.1, 0.9, 0.6, (-14.0, 12.0, -14.0, -7.0, -5.0, 12.0, 11.0, -14.0))
    left = np.zeros((64, 134), np.uint8)
    left[20:50, 5:20] = 255
    assert view_mask(left, view).max() < 255
    for _ in range(3000):
        view = draw_view(rng, 1.0, left.shape, 48, LOOKS["irregular"])
        assert view_mask(left, view).max() == 255


def test_rotated_lines_are_scaled_down_to_a_limit():
    rng = np.random.default_rng(2)
    views = [draw_view(rng, 1.0, (40, 200), 30) for _ in range(50)]
    assert all(0.6 <= view.scale < 0.8 for view in views)
    assert min(view.scale for view in views) == 0.6


@pytest.mark.parametrize("angle", [-2.5, -1.2, -0.3, 0.3, 0.8, 1.2, 2.5])
@pytest.mark.parametrize("shape", [(24, 130), (30, 12), (5, 300)])
def test_no_ink_is_cut_off_on_an_arc(angle, shape):
    bent = bend_mask(np.full(shape, 255, np.uint8), angle)
    assert border(bent).max() == 0
    # What the outside of the arc gains, the inside loses.
    assert bent.sum() / 255 == pytest.approx(shape[0] * shape[1], rel=0.08)


def test_an_arc_rises_in_the_middle_or_sinks():
    rising, sinking = bend_mask(MASK, 1.0), bend_mask(MASK, -1.0)
    assert rising.shape[0] > MASK.shape[0] + 8
    middle = rising.shape[1] // 2
    assert np.nonzero(rising[:, middle])[0][0] < 5
    assert np.nonzero(rising[:, 12])[0][0] > 8
    assert np.nonzero(sinking[:, middle])[0][-1] > sinking.shape[0] - 6
    assert np.nonzero(sinking[:, 12])[0][0] < 8


def test_an_arc_does_not_mirror():
    mask = MASK.copy()
    mask[:12, 65:] = 0
    for angle in (0.8, -0.8):
        bent = bend_mask(mask, angle)
        half = bent.shape[1] // 2
        assert bent[:, :half].sum() > 1.6 * bent[:, half:].sum()


def test_a_flat_arc_is_the_line_itself():
    assert bend_mask(MASK, 0.01) is MASK


def test_a_rippled_mask_keeps_its_ink_and_moves_it_a_little():
    mask = np.zeros((20, 60), np.uint8)
    mask[4:16, 5:55] = 255
    for seed in range(10):
        rippled = ripple_mask(np.random.default_rng(seed), mask, 3.0)
        assert rippled.shape == (28, 68)
        assert not rippled[0].any()
        assert not rippled[:, 0].any()
        assert int(rippled.sum()) == pytest.approx(int(mask.sum()), rel=0.3)
        assert np.abs(rippled[4:-4, 4:-4].astype(int) - mask).max() == 255


def test_masks_of_one_view_move_together():
    rng = np.random.default_rng(0)
    mask = (255 * (rng.random((16, 40)) > 0.5)).astype(np.uint8)
    pair = np.stack([mask, mask], axis=2)
    view = draw_view(rng, 1.0, mask.shape, 64)
    for shape in (
        lambda one: view_mask(one, view),
        lambda one: bend_mask(one, -0.9),
        lambda one: ripple_mask(np.random.default_rng(1), one, 2.0),
    ):
        both = shape(pair)
        np.testing.assert_array_equal(both[..., 0], both[..., 1])
        # OpenCV rounds one channel and several in other ways.
        assert np.abs(both[..., 0].astype(int) - shape(mask)).max() <= 8


def test_some_lines_of_a_look_are_rotated_far():
    look = dataclasses.replace(LOOKS["scenes"], rotated=1.0)
    turns = [
        abs(draw_view(np.random.default_rng(seed), 1.0, (20, 40), 99, look).rotation)
        for seed in range(60)
    ]
    assert 0.7 < max(turns) <= math.pi / 3
