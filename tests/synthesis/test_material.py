"""Random choices, and the material that texts are drawn from."""

from collections import Counter

import numpy as np
import pytest

from attention_ocr.synthesis import chance
from attention_ocr.synthesis.kinds import (
    draw_address,
    draw_date,
    draw_item,
    draw_mixed,
    draw_number,
    draw_phrase,
    draw_price,
    draw_punctuated,
    draw_random,
    draw_time,
    draw_word,
)
from attention_ocr.synthesis.material import Material, draw_string

PARTS = ("a", "of", "the", "word", "words")


def material(**values):
    defaults = {
        "min_length": 3,
        "max_length": 12,
        "characters": "abcdefABC0123456789$.,:/-",
        "letters": "abcdefABC",
        "digits": "0123456789",
        "whole_words": ("word", "words"),
        "parts": PARTS,
        "num_parts": (0, 1, 2, 3, 4, 5),
    }
    return Material(**defaults | values)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_integers_are_below_the_end_and_all_occur(rng):
    drawn = Counter(chance.below(rng, 5) for _ in range(2_000))
    assert set(drawn) == {0, 1, 2, 3, 4}
    assert min(drawn.values()) > 300


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.0, 2.5), (4.0, 4.0)])
def test_numbers_are_between_their_limits(rng, low, high):
    drawn = [chance.between(rng, low, high) for _ in range(500)]
    assert low <= min(drawn) <= max(drawn) <= high
    assert np.mean(drawn) == pytest.approx((low + high) / 2, abs=0.3)


@pytest.mark.parametrize("probability", [0.0, 0.25, 1.0])
def test_events_happen_with_their_probability(rng, probability):
    share = np.mean([chance.happens(rng, probability) for _ in range(4_000)])
    assert share == pytest.approx(probability, abs=0.03)


def test_items_are_picked_evenly(rng):
    drawn = Counter(chance.pick(rng, "xyz") for _ in range(3_000))
    assert set(drawn) == set("xyz")
    assert min(drawn.values()) > 900


def test_capitals_and_small_letters_fall_back_on_all_letters():
    both = material()
    assert (both.capitals, both.small_letters) == ("ABC", "abcdef")
    small = material(letters="abc")
    assert (small.capitals, small.small_letters) == ("abc", "abc")
    # Scripts without case.
    kana = material(letters="あい")
    assert (kana.capitals, kana.small_letters) == ("あい", "あい")


@pytest.mark.parametrize("longest", range(-1, 8))
def test_a_part_is_at_most_as_long_as_asked(rng, longest):
    drawn = {material().pick_part(rng, longest) for _ in range(200)}
    expected = {part for part in PARTS if len(part) <= longest}
    assert drawn == (expected or {None})


def test_short_texts_are_more_frequent_than_long_ones(rng):
    lengths = Counter(material().draw_length(rng) for _ in range(5_000))
    assert set(lengths) == set(range(3, 13))
    assert lengths[3] > 5 * lengths[12]
    assert material(min_length=4, max_length=4).draw_length(rng) == 4


@pytest.mark.parametrize("length", [0, 1, 9])
def test_a_string_has_its_length_and_characters(rng, length):
    drawn = draw_string(rng, "xy", length)
    assert len(drawn) == length
    assert set(drawn) <= {"x", "y"}


@pytest.mark.parametrize(
    ("draw", "pattern"),
    [
        (draw_number, r"\d{3,12}"),
        (draw_price, r"\$?(\d{1,3}(,\d{3})*|\d+)(\.\d\d)?"),
        (draw_date, r"\d{4}([/.-])\d\d\1\d\d|\d\d?([/.-])\d\d?\2(\d\d|\d{4})"),
        (draw_time, r"([01]\d|2[0-3])[:.][0-5]\d|(1[0-2]|[1-9])[:.][0-5]\d(am|pm)"),
        (draw_item, r"((a|of|the|words?|\d+( [xX])?) )*\d+[.,]\d\d( \d+[.,]\d\d)?"),
        (draw_address, r"(www\.)?[a-z]+(@[a-z]+)?(\.com|\.org|\.net|\.co\.uk|\.de)"),
        (draw_phrase, r"[a-z]+( [a-z]+)+"),
        (draw_word, r"words?"),
    ],
)
def test_texts_have_the_format_of_their_kind(rng, draw, pattern):
    import re

    drawn = [text for text in (draw(rng, material()) for _ in range(500)) if text is not None]
    assert len(set(drawn)) > 1
    wrong = [text for text in drawn if not re.fullmatch(pattern, text)]
    assert wrong == []


def test_mixed_codes_have_both_letters_and_digits_in_runs_or_shuffled(rng):
    drawn = [draw_mixed(rng, material()) for _ in range(300)]
    assert all(any(c.isdigit() for c in text) and any(c.isalpha() for c in text) for text in drawn)
    in_runs = [text for text in drawn if text.lstrip("abcdefABC").isdigit()]
    assert 100 < len(in_runs) < 250


@pytest.mark.parametrize("variant", ["'s", "-", '"', "("])
def test_punctuation_of_every_kind_occurs(rng, variant):
    drawn = [draw_punctuated(rng, material()) for _ in range(400)]
    assert any(variant in text for text in drawn)


@pytest.mark.parametrize(
    ("draw", "missing"),
    [
        (draw_number, {"digits": ""}),
        (draw_mixed, {"digits": ""}),
        (draw_mixed, {"letters": ""}),
        (draw_date, {"characters": "0123"}),
        (draw_time, {"characters": "0123"}),
        (draw_word, {"whole_words": ()}),
        (draw_random, {"characters": ""}),
        (draw_phrase, {"parts": (), "num_parts": (0,)}),
        (draw_punctuated, {"parts": (), "num_parts": (0,)}),
        (draw_address, {"parts": (), "num_parts": (0,)}),
    ],
)
def test_what_the_material_does_not_allow_is_none(rng, draw, missing):
    assert {draw(rng, material(**missing)) for _ in range(20)} == {None}


def test_a_currency_is_an_allowed_one(rng):
    drawn = [draw_price(rng, material(characters="0123456789€£")) for _ in range(300)]
    assert {text[0] for text in drawn if not text[0].isdigit()} == {"€", "£"}
    plain = [draw_price(rng, material(characters="0123456789")) for _ in range(100)]
    assert all(text[0].isdigit() for text in plain)
