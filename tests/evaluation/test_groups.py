import pytest

from attention_ocr.evaluation.evaluate import Prediction
from attention_ocr.evaluation.groups import (
    CLASSES,
    by_class,
    by_height,
    by_length,
    by_source,
    text_class,
)


def prediction(label: str, text: str, **values: object) -> Prediction:
    entry = Prediction(f"a/{label}.png", label, text, 0.5, shrunk=False, readable=True)
    return entry._replace(**values)


PREDICTIONS = [
    prediction("longer", "longer", height=40, width=90),
    prediction("12", "72", height=10, width=30),
    prediction("34", "34", height=300, width=500, key="b/34.png"),
    prediction("gone", "", readable=False),
]


def test_scores_by_length_are_counts_of_their_examples():
    short, medium = by_length(PREDICTIONS)
    assert (short.name, short.num_examples, short.exact_match) == ("0 to 4", 3, 1 / 3)
    assert short.cer == 5 / 8
    assert short.interval[0] < 1 / 3 < short.interval[1]
    assert (medium.name, medium.num_examples, medium.exact_match) == ("5 to 8", 1, 1.0)


def test_scores_by_height_leave_out_unreadable_images():
    assert [(group.name, group.num_examples) for group in by_height(PREDICTIONS)] == [
        ("0 to 12 px", 1),
        ("33 to 48 px", 1),
        ("161 or more px", 1),
    ]


def test_sources_are_those_of_a_mixture_or_folders():
    assert [group.name for group in by_source(PREDICTIONS)] == ["a", "b"]
    named = [entry._replace(source="words.tsv") for entry in PREDICTIONS]
    assert [group.name for group in by_source(named)] == ["words.tsv"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "empty"),
        ("٣٤", "digits"),
        ("exit", "lower case"),
        ("EXIT", "upper case"),
        ("Exit", "capitalised"),
        ("McDonald", "mixed case"),
        ("東京", "letters without case"),
        ("हिन्दी", "letters without case"),
        ("B52", "letters and digits"),
        ("don't", "with punctuation"),
        ("12.50", "with punctuation"),
        ("New York", "several words"),
    ],
)
def test_every_text_has_a_class(text, name):
    assert text_class(text) == name
    assert name in CLASSES


def test_scores_by_class_come_in_the_order_of_the_classes():
    names = [group.name for group in by_class(PREDICTIONS)]
    assert names == ["digits", "lower case"]
