import numpy as np
import pytest

from benchmarks.page_images import photograph, render_page
from benchmarks.pages import score, word_f1

WORDS = ["some", "words", "of", "different", "lengths"]


def test_words_are_counted_in_any_order_and_characters_in_theirs():
    assert word_f1("a b c", "c b x") == (2, 3, 3)
    found = score(["one two", "“three”"], ["two one", '"three"'])
    assert found["word_f1"] == pytest.approx(100.0)
    assert found["cer"] == pytest.approx(100 * 6 / 14)


def test_a_page_is_the_same_for_the_same_seed_and_holds_its_lines_as_ink():
    page, same, other = render_page(2, WORDS), render_page(2, WORDS), render_page(3, WORDS)
    np.testing.assert_array_equal(page.image, same.image)
    assert page.lines == same.lines != other.lines
    assert len(page.lines) > 60
    left, right = np.split((page.image < 128).any(axis=2), 2, axis=1)
    assert left.any(axis=1).sum() > 500
    assert right.any(axis=1).sum() > 500


def test_a_photograph_is_warped_and_darker():
    page = render_page(0, WORDS).image
    photo = photograph(page, 0)
    assert photo.shape == (int(1754 * 1.15), int(1240 * 1.15), 3)
    assert photo.mean() < page.mean()
    np.testing.assert_array_equal(photo, photograph(page, 0))
