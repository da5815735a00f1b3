import numpy as np
import pytest

from attention_ocr.inference.work_directory import BUNDLED_WEIGHTS, load_trained_model
from benchmarks.saliency import draw_word, localisation, shares_inside


def test_a_drawn_word_says_where_its_characters_stand():
    drawn = draw_word("HI.")
    width = drawn.image.shape[1]
    dark = np.flatnonzero(drawn.image[:, :, 0].min(axis=0) < 100) / width
    assert drawn.columns.shape == (3, 2)
    np.testing.assert_array_equal(drawn.columns[1:, 0], drawn.columns[:-1, 1])
    for left, right in drawn.columns:
        assert ((left <= dark) & (dark < right)).any()
    assert ((drawn.columns[0, 0] <= dark) & (dark < drawn.columns[-1, 1])).all()


def test_the_share_inside_is_that_of_the_characters_columns():
    maps = np.zeros((3, 2, 10))
    maps[0, 0, 1] = 3.0
    maps[0, 1, 7] = 1.0
    maps[1] = 1.0
    columns = np.array([[0.0, 0.25], [0.25, 0.75], [0.75, 1.0]])
    # The image fills eight of ten columns; the rest is padding.
    np.testing.assert_allclose(shares_inside(maps, columns, 8), [0.75, 0.4, 0.0])


@pytest.mark.slow
@pytest.mark.parametrize("head", ["attention", "ctc"])
def test_feedback_points_at_a_character_better_than_the_gradient_does(head):
    model = load_trained_model(BUNDLED_WEIGHTS)
    words = ["EXIT", "Market"]
    gradient, feedback = (
        localisation(model, method, head, words).mean() for method in ("gradient", "feedback")
    )
    chance = np.concatenate([np.diff(draw_word(word).columns) for word in words]).mean()
    assert feedback > 1.2 * gradient > 1.2 * chance
