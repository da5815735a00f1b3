import doctest

import pytest

from attention_ocr.data import label_checks
from attention_ocr.data.label_checks import LOOK_ALIKE, describe, label_problems, look_alikes


def test_the_examples_in_the_docstrings_are_true():
    results = doctest.testmod(label_checks)
    assert (results.failed, results.attempted) == (0, 3)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", []),
        ("two words, 3!", []),
        ("café Ωμέγα Привет", []),
        ("می‌خواهم", []),
        (" a", ["outer_space"]),
        ("a\t", ["outer_space", "invisible"]),
        ("a  b", ["double_space"]),
        ("  a", ["outer_space"]),
        ("cafe\u0301", ["normal_form"]),
        ("a\u00a0b", ["invisible"]),
        ("a\u00adb", ["invisible"]),
        ("pаris", ["mixed_scripts"]),
        ("2μ", []),
    ],
)
def test_the_problems_of_a_label_are_named(text, problems):
    assert label_problems(text) == problems


def test_the_rarer_of_two_that_look_alike_is_told():
    found = look_alikes({"x": 5, "х": 7, "А": 2, "A": 2, "ﬁ": 1, "３": 1, "3": 4, "'": 9, "`": 1})
    assert [(entry.character, entry.like) for entry in found] == [
        ("x", "х"),
        ("А", "A"),
        ("３", "3"),
    ]


def test_the_groups_hold_different_characters():
    for group in LOOK_ALIKE:
        assert len(group) == len(set(group)) > 1, group


def test_a_character_without_a_name_or_a_shape_is_described_by_its_code_point():
    assert describe("\u00ad") == r"'\xad' U+00AD SOFT HYPHEN"
    assert describe("\x00") == r"'\x00' U+0000 without a name"
