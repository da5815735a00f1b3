import dataclasses

import pytest

from attention_ocr.synthesis.settings import SynthesisConfig, parse_options


def test_defaults_are_valid_and_frozen():
    config = SynthesisConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 3
    assert config.kinds == ("words", "numbers", "mixed")
    assert " " not in config.characters


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kinds", ()),
        ("kinds", ("words", "poems")),
        ("min_length", 0),
        ("max_length", 0),
        ("case", "camel"),
        ("part", "test"),
        ("difficulty", -0.1),
        ("difficulty", 1.5),
        ("difficulty", float("nan")),
        ("height", 4),
        ("fonts", ""),
        ("seed", -1),
        ("textless", 1.5),
        ("look", "velvet"),
        ("look", "signs+velvet"),
        ("characters", ""),
        ("characters", " "),
        ("characters", "ab\t"),
        ("characters", "ab\u2028"),
        ("characters", "e\u0301"),
    ],
)
def test_a_value_outside_its_range_is_named(field, value):
    with pytest.raises(ValueError, match=f"Expected .*Received: .*{field}"):
        SynthesisConfig(**{field: value})


def test_both_lengths_are_named_when_they_cross():
    with pytest.raises(ValueError, match="min_length=9, max_length=5"):
        SynthesisConfig(min_length=9, max_length=5)


def test_options_are_read_by_the_type_of_their_field():
    config = parse_options(
        {
            "kinds": "words+numbers+words",
            "max_length": "8",
            "difficulty": "0.25",
            "part": "eval",
            "fonts": "some folder/*.ttf",
            "words_file": "my words.txt",
        }
    )
    assert config == SynthesisConfig(
        kinds=("words", "numbers", "words"),
        max_length=8,
        difficulty=0.25,
        part="eval",
        fonts="some folder/*.ttf",
        words_file="my words.txt",
    )


def test_no_options_give_the_defaults():
    assert parse_options({}) == SynthesisConfig()


@pytest.mark.parametrize(
    ("value", "characters"),
    [
        ("digits", "0123456789"),
        ("digits+abc", "0123456789abc"),
        ("xyzzy", "xyz"),
        ("äß€", "äß€"),
        ("ab++", "ab+"),
        ("+", "+"),
        ("ab+space", "ab "),
    ],
)
def test_characters_are_named_sets_or_themselves(value, characters):
    assert parse_options({"characters": value}).characters == characters


def test_an_unknown_option_is_refused_by_name():
    with pytest.raises(ValueError, match="among kinds, .*Received: lenght"):
        parse_options({"lenght": "3"})


@pytest.mark.parametrize(
    ("name", "value", "expectation"),
    [
        ("max_length", "eight", "a whole number for max_length. Received: max_length=eight"),
        ("seed", "1.5", "a whole number for seed. Received: seed=1.5"),
        ("difficulty", "hard", "a number for difficulty. Received: difficulty=hard"),
        ("kinds", "", "Received: kinds=''"),
    ],
)
def test_a_value_that_cannot_be_read_is_named(name, value, expectation):
    with pytest.raises(ValueError, match=expectation):
        parse_options({name: value})
