import pickle
import string

import numpy as np
import pytest

from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typesetting import Typesetter, draw_ink, open_font


@pytest.fixture
def font(plain_face):
    return open_font(plain_face, 28)


def test_a_text_is_cut_out_along_its_ink(font):
    ink, baseline = draw_ink(font, "Rag")
    assert ink.dtype == np.uint8
    assert all(side.max() > 0 for side in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))
    # The g hangs below the line.
    assert 0.6 * ink.shape[0] < baseline < ink.shape[0]


def test_a_text_without_ink_gives_an_empty_mask(font):
    assert draw_ink(font, "  ")[0].shape == (0, 0)


def test_the_baseline_of_marks_is_outside_their_ink(font):
    hanging, baseline_of_quote = draw_ink(font, "'")
    standing, baseline_of_comma = draw_ink(font, ",")
    assert baseline_of_quote > hanging.shape[0]
    assert 0 < baseline_of_comma < standing.shape[0]


def test_different_characters_give_different_ink(font):
    alike = [{"I", "l", "|"}]
    inks = {}
    for character in string.ascii_letters + string.digits + string.punctuation:
        ink, baseline = draw_ink(font, character)
        inks.setdefault((ink.shape, ink.tobytes(), baseline), set()).add(character)
    assert all(len(same) == 1 or same in alike for same in inks.values())


@pytest.mark.parametrize("text", ["W" * 60, "@" * 40, "—" * 30, "j", "Åg", "ffi" * 30])
def test_wide_and_tall_texts_are_not_cut_off(font, text):
    ink, _ = draw_ink(font, text)
    left, top, right, _ = font.getbbox(text, anchor="ls")
    assert ink.shape[1] == pytest.approx(right - left, abs=5)
    assert ink.shape[0] <= 2 * 28 + abs(top)


def test_spacing_widens_a_text_by_the_gaps_between_its_characters(font):
    narrow, _ = draw_ink(font, "HHHHH", spacing=0.001)
    wide, _ = draw_ink(font, "HHHHH", spacing=6)
    assert wide.shape[0] == narrow.shape[0]
    assert wide.shape[1] - narrow.shape[1] == pytest.approx(4 * 6, abs=1)
    assert wide.sum() == pytest.approx(narrow.sum(), rel=0.02)


def test_spaces_keep_their_width_when_spaced(font):
    single, _ = draw_ink(font, "H H", spacing=2)
    double, _ = draw_ink(font, "H  H", spacing=2)
    assert double.shape[1] - single.shape[1] == pytest.approx(font.getlength(" ") + 2, abs=1)


def test_lifted_characters_rise(font):
    level, _ = draw_ink(font, "HH")
    raised, _ = draw_ink(font, "HH", lifts=(0.0, 5.0))
    assert raised.shape[0] == level.shape[0] + 5


def test_a_typesetter_draws_the_same_as_a_fresh_font(faces):
    typesetter = Typesetter()
    for round_number in range(2):
        for face in faces:
            for size in (9, 17 + round_number):
                ink, baseline = typesetter.set_text(face, size, "T7")
                expected, expected_baseline = draw_ink(open_font(face, size), "T7")
                np.testing.assert_array_equal(ink, expected)
                assert baseline == expected_baseline


def test_a_typesetter_keeps_few_fonts_open(faces):
    typesetter = Typesetter()
    for size in range(8, 16):
        for face in faces:
            typesetter.set_text(face, size, "i")
    assert len(typesetter._fonts) == 256 < 8 * len(faces)


def test_a_typesetter_pickles(plain_face):
    typesetter = Typesetter()
    before, _ = typesetter.set_text(plain_face, 20, "same")
    after, _ = pickle.loads(pickle.dumps(typesetter)).set_text(plain_face, 20, "same")
    np.testing.assert_array_equal(before, after)


def test_letters_that_stand_far_apart_are_all_there(make_font):
    bar = [(100, 0, 200, 700)]
    path = make_font("Sparse", {"I": bar, "H": bar}, advances={"I": 2000})
    font = open_font(Face(str(path)), 30)
    for count in range(1, 13):
        ink, _ = draw_ink(font, "I" * count)
        columns = np.concatenate([[0], (ink.max(axis=0) > 0).astype(int)])
        assert (np.diff(columns) > 0).sum() == count
