"""Emblems beside codes: they keep off the characters and are none themselves."""

import numpy as np
import pytest

from attention_ocr.synthesis.emblems import add_emblem, draw_emblem, widest_gap
from tests.synthesis.test_layout import layouts

# Three letters, a gap, two letters.
CODE = np.zeros((20, 66), np.uint8)
for left in (0, 10, 20, 46, 56):
    CODE[:, left : left + 8] = 255
WIDEST = 37


@pytest.mark.parametrize("height", [5, 12, 40])
def test_an_emblem_is_filled_and_has_details(height):
    emblems = [draw_emblem(np.random.default_rng(seed), height) for seed in range(60)]
    assert all(emblem.shape[0] == height for emblem in emblems)
    assert all(emblem.max() > 128 for emblem in emblems)
    assert len({emblem.tobytes() for emblem in emblems}) > 55
    covered = [np.mean(emblem > 128) for emblem in emblems]
    # A letter of a bold face covers a third to a half of its box.
    assert np.median(covered) > 0.3


def test_a_large_emblem_has_holes_in_its_shape():
    with_holes = 0
    for seed in range(40):
        rows = draw_emblem(np.random.default_rng(seed), 60) > 128
        starts = np.diff(rows.astype(int), axis=1, prepend=0) == 1
        with_holes += starts.sum(axis=1).max() > 1
    assert with_holes > 25


def test_the_code_stays_as_it_is_beside_its_emblem():
    places = set()
    for seed in range(60):
        parted, beside = add_emblem(np.random.default_rng(seed), CODE, 20)
        assert parted.shape == beside.shape
        code, emblem = parted.any(axis=0), beside.any(axis=0)
        assert not (code & emblem).any()
        columns = parted[:, code]
        top = (parted.shape[0] - 20) // 2
        np.testing.assert_array_equal(columns[top : top + 20], CODE[:, CODE.any(axis=0)])
        assert columns.sum() == CODE.sum()
        first = np.flatnonzero(emblem)[0]
        places.add(int(code[:first].sum()))
    # Left, in the gap, right.
    assert places == {0, 24, 40}


@pytest.mark.parametrize(
    ("ink", "middle"),
    [(CODE, WIDEST), (CODE[:, 30:], 25), (CODE[:, :8], 0), (np.zeros((4, 9), np.uint8), 0)],
)
def test_the_widest_gap_is_between_letters(ink, middle):
    assert widest_gap(ink) == middle


def test_plates_have_emblems(plain_face):
    still = {"captioned": 0.0, "steepest": 0.0, "tilt": 0.0}
    for layout in layouts(plain_face, "plates", emblems=1.0, **still):
        assert layout.captions.any()
        assert not ((layout.captions > 128) & (layout.ink > 128)).any()
    assert not any(
        layout.captions.any() for layout in layouts(plain_face, "plates", emblems=0.0, **still)
    )
    some = [layout.captions.any() for layout in layouts(plain_face, "plates", count=60, **still)]
    assert 8 <= sum(some) <= 32
