import dataclasses

import numpy as np
import pytest

from attention_ocr.synthesis.contact_sheet import draw_contact_sheet
from attention_ocr.synthesis.displays import draw_wheels
from attention_ocr.synthesis.layout import lay_out
from attention_ocr.synthesis.lettering import Scatter, scatter_letters
from attention_ocr.synthesis.looks import LOOKS
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from attention_ocr.synthesis.typeface_choice import FaceChooser
from attention_ocr.synthesis.typefaces import inspect_file
from attention_ocr.synthesis.typesetting import Typesetter
from attention_ocr.text.bidi import drawn_characters

pytest.importorskip("bidi")
pytest.importorskip("arabic_reshaper")

BAR = [(200, 0, 300, 700)]
FOOT, ARM, TOP = (
    [*BAR, (300, *rows)] for rows in ((0, 550, 100), (300, 550, 400), (600, 550, 700))
)
BEH, DAD = "بض"
INITIAL_BEH, FINAL_DAD, LONE_BEH, LONE_DAD = "\ufe91", "\ufebe", "\ufe8f", "\ufebd"


@pytest.fixture
def font(make_font):
    """Return a font whose `I`, `L`, `T` have the shapes of alef, bet and gimel."""
    shapes = {"I": BAR, "L": FOOT, "T": TOP}
    hebrew = dict(zip("אבג", shapes.values(), strict=True))
    return make_font("Hebrew", {**shapes, **hebrew, "(": ARM, ")": [*ARM, (50, 0, 150, 100)]})


@pytest.fixture
def face(font):
    return inspect_file(font)[0]


@pytest.mark.parametrize(
    ("text", "left_to_right"),
    [("אבג", "TLI"), ("אב IT", "IT LI"), ("(אב", "LI)"), ("IL אב", "IL LI")],
)
def test_a_line_is_set_in_the_order_of_the_page(face, text, left_to_right):
    for spacing, lifts in ((0.0, ()), (3.0, ()), (0.0, (0.0, 4.0, 2.0, 1.0, 3.0))):
        ink, baseline = Typesetter().set_text(face, 30, text, spacing, lifts)
        expected = Typesetter().set_text(face, 30, left_to_right, spacing, lifts)
        np.testing.assert_array_equal(ink, expected[0])
        assert baseline == expected[1]


def test_letters_set_singly_are_in_the_order_of_the_page(face):
    def scatter(text):
        rng = np.random.default_rng(0)
        return scatter_letters(rng, Typesetter(), face, 30, text, Scatter(0.2, 0.3, 0.1, (0, 0.1)))

    np.testing.assert_array_equal(scatter("אבג"), scatter("TLI"))
    wheels = [
        np.stack(draw_wheels(np.random.default_rng(0), Typesetter(), face, 30, text, 21))
        for text in ("אבג", "TLI")
    ]
    np.testing.assert_array_equal(*wheels)


def test_stacked_letters_are_read_downwards(face):
    look = dataclasses.replace(LOOKS["stacked"], stacked=1.0)

    def stack(text):
        rng = np.random.default_rng(0)
        return lay_out(rng, Typesetter(), face, 30, text, (), 0.0, 32, look).ink

    np.testing.assert_array_equal(stack("אבג"), stack("ILT"))


def test_an_image_shows_the_word_from_the_right_and_its_label_is_logical(font, tmp_path):
    examples = []
    for word in ("אבג", "TLI"):
        words = tmp_path / "words.txt"
        words.write_text(word, encoding="utf-8")
        config = SynthesisConfig(
            kinds=("words",),
            words_file=str(words),
            characters=word,
            case="keep",
            difficulty=0.0,
            fonts=str(font),
        )
        examples.append(Renderer(config).render(0))
    assert [text for _, text in examples] == ["אבג", "TLI"]
    np.testing.assert_array_equal(examples[0][0], examples[1][0])


def test_arabic_is_set_in_its_joined_forms(make_font):
    glyphs = {"I": BAR, "L": FOOT, BEH: ARM, DAD: TOP, INITIAL_BEH: BAR, FINAL_DAD: FOOT}
    (face,) = inspect_file(make_font("Arabic", glyphs))
    ink, _ = Typesetter().set_text(face, 30, BEH + DAD)
    np.testing.assert_array_equal(ink, Typesetter().set_text(face, 30, "LI")[0])


def test_a_face_is_chosen_by_the_forms_that_are_drawn(make_font):
    letters = {"I": BAR, "L": FOOT, BEH: ARM, DAD: TOP}
    (plain,) = inspect_file(make_font("Plain", letters))
    forms = {LONE_BEH: ARM, INITIAL_BEH: BAR, FINAL_DAD: FOOT, LONE_DAD: TOP}
    (joined,) = inspect_file(make_font("Joined", letters | forms))
    chooser = FaceChooser([plain, joined], BEH + DAD, 0.0, 32, 0)
    assert chooser.shows(joined, drawn_characters(BEH + DAD))
    assert not chooser.shows(plain, drawn_characters(BEH + DAD))
    rng = np.random.default_rng(0)
    assert {chooser.choose(rng, index, BEH + DAD)[0] for index in range(20)} == {joined}


def test_the_mirrored_bracket_counts_as_a_character_of_the_texts(face):
    chooser = FaceChooser([face], "אב(", 0.0, 32, 0)
    assert chooser.choose(np.random.default_rng(0), 0, "(אב") is not None


def test_captions_of_contact_sheets_are_in_the_order_of_the_page(face):
    image = np.zeros((9, 9, 3), np.uint8)
    hebrew, latin = (draw_contact_sheet([(image, text)], [face]) for text in ("אבג", "TLI"))
    np.testing.assert_array_equal(hebrew, latin)
