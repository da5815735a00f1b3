import numpy as np
import pytest

from attention_ocr.synthesis.displays import (
    DOT_CHARACTERS,
    SEGMENT_CHARACTERS,
    SEGMENTS,
    draw_dots,
    draw_segments,
    draw_wheels,
    spread_dots,
)
from attention_ocr.synthesis.settings import CHARACTER_SETS
from attention_ocr.synthesis.typesetting import Typesetter


def segments(text, seed=0, height=40):
    return draw_segments(np.random.default_rng(seed), text, height)


def test_every_digit_has_its_own_segments():
    shown = [SEGMENTS[digit] for digit in "0123456789"]
    assert len({frozenset(names) for names in shown}) == 10
    lit = {segments(digit)[0].tobytes() for digit in "0123456789"}
    assert len(lit) == 10


def test_lit_and_unlit_segments_are_those_of_an_eight():
    for digit in "0123456789":
        lit, unlit = segments(digit)
        eight, none = segments("8")
        assert lit.shape == unlit.shape == eight.shape
        assert not none.any()
        both = np.maximum(lit, unlit).astype(int)
        # Where two segments meet, softened edges differ a little.
        assert np.abs(both - eight).mean() < 4
        assert not ((lit > 128) & (unlit > 128)).any()


def test_a_point_takes_less_room_than_a_digit():
    with_point, without = segments("12.3")[0], segments("123")[0]
    assert without.shape[1] <= with_point.shape[1] < segments("1203")[0].shape[1]
    assert with_point.sum() > without.sum()


@pytest.mark.parametrize("seed", range(4))
def test_all_that_segments_and_dots_can_show_is_drawn(seed):
    for text in ("".join(sorted(SEGMENT_CHARACTERS)), ".5", "-12:45", "1,"):
        lit, unlit = segments(text, seed)
        assert lit.shape == unlit.shape
        assert lit.any()
    for character in sorted(DOT_CHARACTERS):
        lit, unlit = draw_dots(np.random.default_rng(seed), character, 21)
        assert lit.shape == unlit.shape
        assert lit.any()


def test_dots_show_letters_and_digits_each_unlike_the_others():
    characters = CHARACTER_SETS["letters"] + CHARACTER_SETS["digits"]
    assert set(characters) <= DOT_CHARACTERS
    drawn = {
        draw_dots(np.random.default_rng(0), character, 35)[0].tobytes() for character in characters
    }
    assert len(drawn) == len(characters)


def test_dots_are_apart_and_as_bright_as_their_pixels():
    lamps = np.array([[255, 0], [0, 255]], np.uint8)
    lit, unlit = spread_dots(np.random.default_rng(0), lamps, 8)
    assert lit.shape == (16, 16)
    assert lit[:8, :8].max() > 200
    assert not lit[:8, 8:].any()
    assert int(lit.sum()) == pytest.approx(int(unlit.sum()), rel=0.02)
    assert not ((lit > 0) & (unlit > 0)).any()


@pytest.mark.parametrize("text", ["00412", "12.5", "-7", "A1"])
def test_wheels_show_each_digit_in_its_window(plain_face, text):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        digits, others, windows = draw_wheels(rng, Typesetter(), plain_face, 30, text, 21)
        assert digits.shape == others.shape == windows.shape
        assert not (others[windows == 0]).any()
        # Columns without a window part one wheel from the next.
        columns = np.concatenate([[0], (windows.max(axis=0) > 0).astype(int)])
        assert (np.diff(columns) > 0).sum() == sum(map(str.isalnum, text))


def test_marks_between_wheels_are_where_they_are_in_a_line(plain_face):
    for mark, place in (("-", 0.5), (".", 0.75), (":", 0.6)):
        rng = np.random.default_rng(1)
        digits, _, windows = draw_wheels(rng, Typesetter(), plain_face, 30, f"8{mark}8", 21)
        rows = np.nonzero((digits * (windows == 0)).max(axis=1))[0]
        assert rows.mean() / windows.shape[0] == pytest.approx(place, abs=0.17)


def test_a_wheel_between_two_digits_shows_the_nearer_one_best(plain_face):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        digits, others, _ = draw_wheels(rng, Typesetter(), plain_face, 30, "8", 21)
        assert digits.sum() > others.sum()
