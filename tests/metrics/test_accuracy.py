import dataclasses
import doctest
import json
import math
import unicodedata

import numpy as np
import pytest

from attention_ocr.metrics import accuracy, published
from attention_ocr.metrics.accuracy import (
    accuracy_by_length,
    alphanumeric_match,
    cer,
    compute_metrics,
    edit_distance,
    exact_match,
    ned,
    wer,
    wilson_interval,
)
from attention_ocr.metrics.published import (
    aocr_soft_accuracy,
    google_character_accuracy,
    google_sequence_accuracy,
)

PUBLISHED = (google_character_accuracy, google_sequence_accuracy, aocr_soft_accuracy)
E_ACUTE = "\u00e9"
E_AND_ACUTE = "e\u0301"
# No code point holds this letter and its mark together.
Q_AND_DOT = "q\u0323"


@pytest.mark.parametrize(
    ("label", "prediction", "distance", "exact", "alphanumeric"),
    [
        ("", "", 0, True, True),
        ("", "a", 1, False, False),
        ("abc", "", 3, False, False),
        ("abc", "abc", 0, True, True),
        ("abc", "abcd", 1, False, False),
        ("abc", "ab", 1, False, False),
        ("abc", "acb", 2, False, False),
        ("Abc", "aBC", 3, False, True),
        ("Don't", "dont", 2, False, True),
        ("a b", "ab", 1, False, True),
        ("ab ", "ab", 1, False, True),
        ("...", "!", 3, False, True),
        ("...", "a", 3, False, False),
        ("caf" + E_ACUTE, "caf" + E_AND_ACUTE, 0, True, True),
        ("caf" + E_ACUTE, "CAFE\u0301", 4, False, True),
        ("caf" + E_ACUTE, "cafe", 1, False, False),
        (Q_AND_DOT, "q", 1, False, True),
        ("Straße", "STRASSE", 6, False, True),
        ("٣٤", "٣٤", 0, True, True),
        ("٣٤", "34", 2, False, False),
        ("東京", "東亰", 1, False, False),
        ("\u01f0", "J\u030c", 2, False, True),
    ],
)
def test_pairs_compare_as_worked_out_by_hand(label, prediction, distance, exact, alphanumeric):
    assert edit_distance(label, prediction) == distance
    assert exact_match(label, prediction) is exact
    assert alphanumeric_match(label, prediction) is alphanumeric


def test_comparing_is_symmetric_in_unicode_form():
    text = "Ångström déjà-vu"
    decomposed = unicodedata.normalize("NFD", text)
    assert text != decomposed
    assert exact_match(decomposed, text)
    assert exact_match(text, decomposed)
    assert compute_metrics([text], [decomposed]) == compute_metrics([decomposed], [text])


@pytest.mark.parametrize(
    ("labels", "predictions", "expected"),
    [
        ([], [], 0.0),
        ([""], [""], 0.0),
        ([""], ["ab"], 1.0),
        (["ab"], [""], 1.0),
        (["a"], ["abcd"], 3.0),
        # Two edits over eight characters, not the mean of 1/2 and 1/6.
        (["ab", "abcdef"], ["ax", "abcdex"], 2 / 8),
        ([E_ACUTE], [E_AND_ACUTE], 0.0),
        ([Q_AND_DOT], ["q"], 1 / 2),
    ],
)
def test_cer_counts_characters_over_the_whole_set(labels, predictions, expected):
    assert cer(labels, predictions) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("labels", "predictions", "expected"),
    [
        ([], [], 0.0),
        (["", "  "], ["", ""], 0.0),
        ([""], ["word"], 1.0),
        (["one two three"], ["one  two\tthree "], 0.0),
        (["one two three"], ["one three"], 1 / 3),
        (["one two three", "four"], ["one too three", "five"], 2 / 4),
        (["one"], ["o n e"], 3.0),
    ],
)
def test_wer_counts_words_over_the_whole_set(labels, predictions, expected):
    assert wer(labels, predictions) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("labels", "predictions", "expected"),
    [
        ([], [], 0.0),
        ([""], [""], 1.0),
        ([""], ["ab"], 0.0),
        (["ab"], [""], 0.0),
        (["abcd"], ["abc"], 3 / 4),
        (["abc"], ["abcd"], 3 / 4),
        # The mean of 1/2 and 5/6, not two edits over eight characters.
        (["ab", "abcdef"], ["ax", "abcdex"], (1 / 2 + 5 / 6) / 2),
    ],
)
def test_ned_averages_similarity_over_texts(labels, predictions, expected):
    assert ned(labels, predictions) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (1, 2, 0.0945, 0.9055),
        (81, 263, 0.2553, 0.3662),
        (950, 1000, 0.9347, 0.9619),
    ],
)
def test_wilson_interval_equals_published_values(successes, total, low, high):
    assert wilson_interval(successes, total) == pytest.approx((low, high), abs=1e-4)


def test_wilson_interval_solves_the_equation_it_is_derived_from():
    successes, total, z = 7, 31, 1.2
    share = successes / total
    for bound in wilson_interval(successes, total, z):
        assert abs(bound - share) == pytest.approx(z * math.sqrt(bound * (1 - bound) / total))


@pytest.mark.parametrize(("successes", "total"), [(-1, 3), (4, 3), (0, -1)])
def test_wilson_interval_refuses_impossible_counts(successes, total):
    with pytest.raises(ValueError, match=f"Received: successes={successes}, total={total}"):
        wilson_interval(successes, total)


@pytest.mark.parametrize(
    ("label", "prediction", "character", "sequence", "soft"),
    [
        ("four", "four", 1.0, 1.0, 1.0),
        # Too long is right to one, wrong to the other.
        ("four", "fours", 1.0, 1.0, 3 / 4),
        ("four", "four and much more", 1.0, 1.0, 0.0),
        ("four", "fou", 3 / 4, 0.0, 3 / 4),
        # Nothing is aligned: one missing character makes all later ones wrong.
        ("four", "our", 0.0, 0.0, 3 / 4),
        ("four", "", 0.0, 0.0, 0.0),
        ("four", "FOUR", 0.0, 0.0, 0.0),
        # Not a number there, and any text is right.
        ("", "", 1.0, 1.0, 1.0),
        ("", "x", 1.0, 1.0, 0.0),
        ("caf" + E_ACUTE, "caf" + E_AND_ACUTE, 1.0, 1.0, 1.0),
    ],
)
def test_published_metrics_are_as_lenient_as_their_originals(
    label, prediction, character, sequence, soft
):
    values = [metric([label], [prediction]) for metric in PUBLISHED]
    assert values == [character, sequence, soft]
    result = compute_metrics([label, "right"], [prediction, "right"])
    assert result.google_character_accuracy == (character + 1) / 2
    assert result.google_sequence_accuracy == (sequence + 1) / 2
    assert result.aocr_soft_accuracy == (soft + 1) / 2


def test_googles_metrics_are_those_of_padded_arrays():
    rng = np.random.default_rng(1)
    texts = ["".join(rng.choice(list("ab"), size=rng.integers(1, 6))) for _ in range(400)]
    labels, predictions = texts[:200], texts[200:]
    targets, read = (
        np.array([[ord(character) for character in text.ljust(9, "\0")] for text in side])
        for side in (labels, predictions)
    )
    weights = targets != 0
    per_example = ((read == targets) * weights).sum(1) / weights.sum(1)
    assert google_character_accuracy(labels, predictions) == pytest.approx(per_example.mean())
    overwritten = np.where(weights, read, 0)
    whole = ((overwritten == targets).sum(1) == 9).mean()
    assert google_sequence_accuracy(labels, predictions) == pytest.approx(whole)


def test_compute_metrics_gives_counts_rates_and_intervals():
    labels = ["One two", "", "Straße 5", "same"]
    predictions = ["one two", "x", "Straße 55", "same"]
    result = compute_metrics(labels, predictions)
    assert result.num_examples == 4
    assert result.num_exact_matches == 1
    assert result.exact_match == 1 / 4
    assert result.exact_match_interval == wilson_interval(1, 4)
    assert result.num_alphanumeric_matches == 2
    assert result.alphanumeric_match == 2 / 4
    assert result.alphanumeric_match_interval == wilson_interval(2, 4)
    assert result.num_characters == 7 + 0 + 8 + 4
    assert result.num_character_errors == 1 + 1 + 1 + 0
    assert result.cer == 3 / 19
    assert result.num_words == 2 + 0 + 2 + 1
    assert result.num_word_errors == 1 + 1 + 1 + 0
    assert result.wer == 3 / 5
    assert result.ned == pytest.approx((6 / 7 + 0 + 8 / 9 + 1) / 4)


def test_compute_metrics_agrees_with_the_single_metrics():
    labels = ["rue de la paix", "12", "", E_ACUTE]
    predictions = ["rue dela paix", "21", "z", E_AND_ACUTE]
    result = compute_metrics(labels, predictions)
    assert result.cer == cer(labels, predictions)
    assert result.wer == wer(labels, predictions)
    assert result.ned == ned(labels, predictions)


@pytest.mark.parametrize(
    ("labels", "predictions"),
    [([], []), ([""], [""]), ([""], ["a"]), (["a"], [""]), ([" "], [" "])],
)
def test_no_metric_is_ever_nan(labels, predictions):
    values = dataclasses.astuple(compute_metrics(labels, predictions))
    for value in values:
        assert all(math.isfinite(number) for number in (value if type(value) is tuple else [value]))


def test_metrics_of_no_texts_are_zero_with_the_widest_intervals():
    result = compute_metrics([], [])
    assert result.exact_match == result.cer == result.wer == result.ned == 0
    assert result.exact_match_interval == (0, 1)


def test_metrics_go_into_json():
    result = dataclasses.asdict(compute_metrics(["ab"], ["ab"]))
    assert json.loads(json.dumps(result, allow_nan=False))["exact_match"] == 1


def test_accuracy_by_length_groups_by_characters_of_the_composed_label():
    labels = ["abc", "", "x" + E_AND_ACUTE, "abd", "no"]
    predictions = ["abc", "", "x" + E_ACUTE, "abdd", "on"]
    table = accuracy_by_length(labels, predictions)
    assert list(table) == [0, 2, 3]
    assert [entry.num_examples for entry in table.values()] == [1, 2, 2]
    assert [entry.num_exact_matches for entry in table.values()] == [1, 1, 1]
    assert [entry.exact_match for entry in table.values()] == [1, 1 / 2, 1 / 2]
    assert table[2].exact_match_interval == wilson_interval(1, 2)


def test_the_text_of_an_unreadable_image_is_never_right():
    labels, predictions, readable = (
        ["", "!", "ab", ""],
        ["", "", "ab", ""],
        [False, False, True, True],
    )
    result = compute_metrics(labels, predictions, readable)
    for name in (
        "exact_match",
        "alphanumeric_match",
        "ned",
        "google_character_accuracy",
        "google_sequence_accuracy",
        "aocr_soft_accuracy",
    ):
        assert getattr(result, name) == 2 / 4, name
    assert (result.num_examples, result.num_exact_matches) == (4, 2)
    assert (result.cer, result.wer) == (1 / 3, 1 / 2)
    table = accuracy_by_length(labels, predictions, readable)
    assert {length: row.exact_match for length, row in table.items()} == {0: 0.5, 1: 0.0, 2: 1.0}
    assert compute_metrics([""], [""], [False]).ned == 0.0
    for metric in (compute_metrics, accuracy_by_length):
        with pytest.raises(ValueError, match="argument 2 is"):
            metric(["a"], ["a"], [])


def test_accuracy_by_length_of_nothing_is_empty():
    assert accuracy_by_length([], []) == {}


@pytest.mark.parametrize("metric", [cer, wer, ned, *PUBLISHED, compute_metrics, accuracy_by_length])
def test_lists_of_different_lengths_are_refused(metric):
    with pytest.raises(ValueError, match="Received: 2 labels, 1 predictions"):
        metric(["a", "b"], ["a"])


@pytest.mark.parametrize("metric", [cer, wer, ned, *PUBLISHED, compute_metrics, accuracy_by_length])
def test_a_single_text_is_not_taken_for_a_list_of_characters(metric):
    with pytest.raises(ValueError, match="Expected lists of texts"):
        metric("abc", "abd")


def test_the_examples_in_the_docstrings_run():
    assert doctest.testmod(published).attempted == 3
    assert doctest.testmod(published).failed == 0
    results = doctest.testmod(accuracy)
    assert results.attempted >= 7
    assert results.failed == 0
