import numpy as np
import pytest

from attention_ocr.synthesis.lines import cut_out, set_line
from attention_ocr.synthesis.typesetting import Typesetter


def line_of(face, text, seed=0, difficulty=0.0, other_text=None):
    rng = np.random.default_rng(seed)
    return set_line(rng, Typesetter(), face, 30, text, other_text, difficulty, 32)


def ink_beyond(line):
    left, top, width, height = line.box
    inside = line.ink[max(0, top) : top + height, max(0, left) : left + width]
    return int(line.ink.sum()) - int(inside.sum())


def test_cutting_out_pads_beyond_the_mask():
    mask = np.arange(1, 13, dtype=np.uint8).reshape(3, 4)
    assert cut_out(mask, (1, 1, 2, 1), (0, 0, 0, 0)).tolist() == [[6, 7]]
    assert cut_out(mask, (1, 1, 2, 1), (1, 0, 1, 1)).tolist() == [[5, 6, 7, 8], [9, 10, 11, 12]]
    assert cut_out(mask, (0, 2, 1, 1), (2, 1, 0, 1)).tolist() == [[0, 0, 5], [0, 0, 9], [0, 0, 0]]


@pytest.mark.parametrize("text", ["Apply", "jest", "s", ".", "-", "_", "SOS", "Åg", "Qy,"])
@pytest.mark.parametrize("difficulty", [0.0, 0.5, 1.0])
def test_the_box_holds_all_ink(plain_face, text, difficulty):
    for seed in range(12):
        line = line_of(plain_face, text, seed, difficulty)
        assert ink_beyond(line) == 0
        assert line.ink.max() > 60


@pytest.mark.parametrize(("small", "large"), [("s", "S"), (".", "'"), ("-", "_"), ("xo", "XO")])
def test_characters_that_differ_only_in_size_or_position_show_the_height_of_the_line(
    plain_face, small, large
):
    lines = [line_of(plain_face, text) for text in (small, large)]
    assert lines[0].box[3] == pytest.approx(lines[1].box[3], abs=8)
    places = [np.nonzero(line.ink.max(axis=1))[0] for line in lines]
    assert abs(places[0].mean() - places[1].mean()) > 2


def test_an_easy_line_is_drawn_by_the_face_alone(plain_face):
    ink, _ = Typesetter().set_text(plain_face, 30, "Plain")
    np.testing.assert_array_equal(line_of(plain_face, "Plain").ink, ink)


@pytest.mark.parametrize("seed", range(16))
def test_other_text_keeps_away_from_the_line(plain_face, seed):
    line = line_of(plain_face, "House", seed, 0.8, other_text="MgyHQ")
    assert line.surroundings is not None
    assert line.surroundings.shape == line.ink.shape
    assert line.surroundings.sum() > 0
    assert not ((line.ink > 0) & (line.surroundings > 0)).any()


def test_other_text_comes_on_all_four_sides(plain_face):
    sides = set()
    for seed in range(40):
        line = line_of(plain_face, "House", seed, 0.1, other_text="MgyHQ")
        left, top, width, height = line.box
        rows, columns = np.nonzero(line.surroundings)
        sides |= {
            name
            for name, holds in {
                "above": rows.max() < top,
                "below": rows.min() >= top + height,
                "before": columns.max() < left,
                "after": columns.min() >= left + width,
            }.items()
            if holds
        }
    assert sides == {"above", "below", "before", "after"}


def test_spaced_and_bent_lines_occur(plain_face):
    widths = {line_of(plain_face, "House", seed, 0.01).box[2] for seed in range(20)}
    assert max(widths) - min(widths) <= 3
    widths = {line_of(plain_face, "House", seed, 1.0).box[2] for seed in range(60)}
    assert max(widths) > 1.5 * min(widths)
