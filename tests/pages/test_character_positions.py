import dataclasses

import numpy as np
import pytest

from attention_ocr.inference.engines.interface import Reading
from attention_ocr.pages.character_positions import character_centres, word_spans

NUM_COLUMNS = 10


def reading(text, columns, extent=1.0, **more):
    """A reading of which each character was read in one column of two rows."""
    attention = np.zeros((len(columns), 2, NUM_COLUMNS), np.float32)
    for index, column in enumerate(columns):
        attention[index, :, column] = 0.5
    confidences = tuple(0.5 + 0.1 * index for index in range(len(text)))
    return Reading(text, 0.5, confidences, attention, (1.0, extent), **more)


def test_a_character_is_where_the_attention_was():
    np.testing.assert_allclose(
        character_centres(reading("abc", [1, 4, 8]), 5.0), [0.15, 0.45, 0.85]
    )


def test_padding_beside_the_line_does_not_count():
    centres = character_centres(reading("ab", [0, 3], extent=0.5), 5.0)
    np.testing.assert_allclose(centres, [0.1, 0.7])


def test_the_margin_of_a_second_look_is_taken_off():
    # A tenth of the height at each side of a line twice as wide as high.
    centres = character_centres(reading("ab", [0, 9], margin=0.1), 2.0)
    np.testing.assert_allclose(centres, [0.05 * 1.1 - 0.05, 0.95 * 1.1 - 0.05], atol=1e-6)


def test_characters_never_run_backwards_or_out_of_the_line():
    centres = character_centres(reading("abc", [6, 2, 9], extent=0.6), 5.0)
    assert (np.diff(centres) >= 0).all()
    assert centres[0] == centres[1]
    assert centres[-1] == 1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"quarter_turns": 1},
        {"slant": 5.0},
        {"shear": 5.0},
        {"arc": -60.0},
        {"attention": np.ones((1, 2, NUM_COLUMNS), np.float32)},
        {"attention": np.zeros((2, 2, NUM_COLUMNS), np.float32)},
        {"attention": np.zeros((2, 2, 0), np.float32)},
    ],
)
def test_without_an_attention_along_the_line_characters_are_evenly_spread(changes):
    changed = dataclasses.replace(reading("ab", [7, 8]), **changes)
    np.testing.assert_allclose(character_centres(changed, 5.0), [0.25, 0.75])


def test_an_empty_text_has_no_places():
    assert character_centres(reading("", []), 5.0).shape == (0,)
    assert word_spans(reading("", []), 5.0) == []


def test_words_meet_where_their_space_was_read_and_have_their_own_confidence():
    first, second = word_spans(reading("ab c", [0, 2, 4, 8]), 5.0)
    assert first == ("ab", pytest.approx(0.5 * 0.6), 0.0, pytest.approx(0.45))
    assert second == ("c", pytest.approx(0.8), pytest.approx(0.45), 1.0)


def test_several_spaces_make_no_empty_words():
    spans = word_spans(reading(" a  b ", [0, 1, 3, 4, 6, 9]), 5.0)
    assert [text for text, *_ in spans] == ["a", "b"]
    assert [(left, right) for *_, left, right in spans] == [
        (pytest.approx(0.05), pytest.approx(0.35)),
        (pytest.approx(0.45), pytest.approx(0.95)),
    ]
