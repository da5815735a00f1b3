import re

import numpy as np
import pytest

from attention_ocr.synthesis.codes import (
    PART_NUMBERS,
    PLATES,
    TAGS,
    fill_pattern,
    fitting_patterns,
)
from attention_ocr.synthesis.settings import CHARACTER_SETS, SynthesisConfig
from attention_ocr.synthesis.texts import TextSampler


def draw(num_texts=400, **settings):
    sampler = TextSampler(SynthesisConfig(**settings))
    rng = np.random.default_rng(3)
    return [sampler.draw(rng) for _ in range(num_texts)]


def test_a_pattern_is_filled_with_letters_digits_and_its_own_marks():
    rng = np.random.default_rng(0)
    text = fill_pattern(rng, "-AA9.99:A", "XYZ", "123", "-.:")
    assert re.fullmatch(r"-[XYZ]{2}[123]\.[123]{2}:[XYZ]", text)
    either = {fill_pattern(rng, "#", "X", "1", "") for _ in range(50)}
    assert either == {"X", "1"}


def test_characters_that_are_not_allowed_are_left_out_of_a_pattern():
    rng = np.random.default_rng(0)
    assert fill_pattern(rng, "SN-9 9", "X", "7", "S") == "S77"


def test_patterns_are_chosen_by_the_length_of_their_texts():
    patterns = ("A", "A-9", "AA 99", "AAA999")
    assert fitting_patterns(patterns, 3, 4) == ("A-9", "AA 99")
    assert fitting_patterns(patterns, 7, 9) == ()


@pytest.mark.parametrize("library", [PLATES, TAGS, PART_NUMBERS])
def test_patterns_are_all_different_and_printable(library):
    assert len(set(library)) == len(library)
    assert set("".join(library)) <= set(CHARACTER_SETS["printable"]) | {" "}


def test_plates_have_no_marks_but_dashes_and_are_in_capitals_mostly():
    texts = draw(kinds=("plates",))
    assert set("".join(texts)) <= set(CHARACTER_SETS["letters"] + CHARACTER_SETS["digits"] + "-")
    assert sum(text == text.upper() for text in texts) > 0.9 * len(texts)


def test_tags_have_the_marks_of_switchboards():
    texts = draw(kinds=("tags",))
    assert any(re.fullmatch(r"-[A-Z]\d\d\.\d:[A-Z]", text) for text in texts)
    assert any(re.fullmatch(r"[A-Z]\d:\d\d", text) for text in texts)


def test_codes_come_without_marks_where_those_are_not_allowed():
    texts = draw(kinds=("codes",), characters=CHARACTER_SETS["upper"] + CHARACTER_SETS["digits"])
    assert all(re.fullmatch(r"[A-Z\d]+", text) for text in texts)
    texts = draw(kinds=("codes",), characters="abc")
    assert all(re.fullmatch(r"[abc]+", text) for text in texts)


def test_meters_have_leading_zeros_and_decimals():
    texts = draw(kinds=("meters",))
    assert sum(text.startswith("0") for text in texts) > 0.25 * len(texts)
    assert sum("." in text or "," in text for text in texts) > 0.1 * len(texts)
    assert not any(text.startswith((".", ",", ":")) for text in texts)
    assert all(text.isdigit() for text in draw(kinds=("meters",), characters="0123456789"))


def test_captchas_have_four_to_eight_characters_within_the_limits():
    assert {len(text) for text in draw(kinds=("captchas",))} == {4, 5, 6, 7, 8}
    assert {len(text) for text in draw(kinds=("captchas",), max_length=5)} == {4, 5}
    assert {len(text) for text in draw(kinds=("captchas",), max_length=2)} == {1, 2}
    plain = [text for text in draw(kinds=("captchas",)) if not set(text) & set("0Oo1lI")]
    assert len(plain) > 250
