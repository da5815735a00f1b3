import numpy as np
import pytest

from attention_ocr.inference.second_looks.baseline import STEEPEST, find_baselines
from attention_ocr.inference.second_looks.deskew import arc_of
from benchmarks.distortions import bend, recede, turn


@pytest.fixture(scope="module")
def word():
    """Letters as thick strokes of one height, 40 by 200, with a margin."""
    image = np.full((56, 220, 3), 240, np.uint8)
    for left in range(10, 210, 25):
        image[8:48, left : left + 7] = 20
        image[8:15, left : left + 18] = 20
        image[41:48, left : left + 18] = 20
    return image


def test_a_level_word_is_tried_along_no_slope_first(word):
    slants, sag = find_baselines(word)
    assert all(abs(slant) >= 8 for slant in slants)
    assert len(slants) <= 2
    assert sag == 0.0


@pytest.mark.parametrize("degrees", [-30, -15, 15, 30])
def test_the_slope_of_a_rotated_word_is_found(word, degrees):
    slants, _ = find_baselines(turn(word, degrees))
    assert slants[0] == pytest.approx(-degrees, abs=4)


@pytest.mark.parametrize("slope", [-20, 20])
def test_the_slope_of_a_word_seen_from_the_side_is_found(word, slope):
    slants, _ = find_baselines(recede(word, slope, 0.7, 1.0))
    assert slants[0] == pytest.approx(slope, abs=4)


@pytest.mark.parametrize("degrees", [-140, -70, 70, 140])
def test_the_arc_of_a_bent_word_is_found(word, degrees):
    bent = bend(word, degrees)
    arc = arc_of(find_baselines(bent).sag, bent.shape[:2])
    assert arc == pytest.approx(degrees, abs=20)


def test_an_image_without_edges_has_no_baseline():
    assert find_baselines(np.full((30, 90, 3), 7, np.uint8)) == ((), 0.0)


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (90, 1), (400, 30)])
def test_any_size_will_do(size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    slants, sag = find_baselines(image)
    assert all(8 <= abs(slant) <= STEEPEST for slant in slants)
    assert -0.7 <= sag <= 0.7
