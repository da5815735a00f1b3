import numpy as np
import pytest

from attention_ocr.synthesis.lettering import (
    Scatter,
    draw_at,
    join_inks,
    scatter_letters,
    stack_letters,
    turn_letter,
)
from attention_ocr.synthesis.typesetting import Typesetter


def scattered(face, text, scatter, seed=0):
    return scatter_letters(np.random.default_rng(seed), Typesetter(), face, 30, text, scatter)


def bar(height, width):
    return np.full((height, width), 255, np.uint8)


def test_scattered_letters_keep_their_ink(plain_face):
    letters = [Typesetter().set_text(plain_face, 30, character)[0] for character in "HAN"]
    ink = scattered(plain_face, "HAN", Scatter(0.0, 0.0, 0.0, (0.1, 0.1)))
    assert int(ink.sum()) == pytest.approx(sum(int(letter.sum()) for letter in letters), rel=0.05)
    assert ink.shape[0] <= 30


def test_scattered_letters_differ_in_height_and_rotation(plain_face):
    even = scattered(plain_face, "HHHHHH", Scatter(0.0, 0.0, 0.0, (0.1, 0.1)), seed=1)
    uneven = scattered(plain_face, "HHHHHH", Scatter(0.2, 0.3, 0.3, (0.1, 0.1)), seed=1)
    assert uneven.shape[0] > even.shape[0] + 3


def test_a_rotated_letter_is_whole():
    ink = np.pad(bar(20, 4), 0)
    turned = turn_letter(ink, np.pi / 2, 1.0)
    assert turned.shape == pytest.approx((4, 20), abs=2)
    assert int(turned.sum()) == pytest.approx(int(ink.sum()), rel=0.15)
    assert int(turn_letter(ink, 0.5, 2.0).sum()) == pytest.approx(4 * int(ink.sum()), rel=0.15)


def test_inks_are_joined_wherever_they_lie():
    joined = join_inks([(-2, 0, bar(1, 1)), (3, -1, bar(2, 2))])
    assert joined.shape == (2, 7)
    assert (joined > 0).tolist() == [
        [False, False, False, False, False, True, True],
        [True, False, False, False, False, True, True],
    ]
    assert join_inks([]).size == 0


def test_stacked_letters_stand_below_each_other():
    stacked = stack_letters([bar(3, 1), bar(2, 5)], gap=1)
    assert stacked.shape == (6, 5)
    assert (stacked[:, 2] > 0).tolist() == [True, True, True, False, True, True]
    assert not stacked[:3, 0].any()


@pytest.mark.parametrize(("x", "y", "area"), [(0, 0, 4), (-1, -1, 1), (4, 3, 1), (9, 0, 0)])
def test_a_mask_is_cut_off_where_the_canvas_ends(x, y, area):
    canvas = np.zeros((4, 5), np.uint8)
    draw_at(canvas, bar(2, 2), x, y)
    assert (canvas > 0).sum() == area
