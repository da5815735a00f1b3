"""What metrics, intervals and calibration must satisfy whatever the texts are."""

import math
import unicodedata

import numpy as np
import pytest

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
    word_distance,
)
from attention_ocr.metrics.calibration import (
    COVERAGES,
    compute_calibration,
    fit_temperature,
    negative_log_likelihood,
)
from attention_ocr.metrics.intervals import bootstrap_interval, mcnemar_p_value

ALPHABET = ["a", "b", "B", " ", "\u00e9", "e\u0301", "\u6771", "\U0001f600"]


def random_texts(seed: int, count: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(ALPHABET, size=rng.integers(0, 8))) for _ in range(count)]


def distance_by_table(first: str, second: str) -> int:
    """Return the edit distance by Wagner and Fischer's table, row by row."""
    first, second = (unicodedata.normalize("NFC", text) for text in (first, second))
    row = list(range(len(second) + 1))
    for place, character in enumerate(first, start=1):
        above, row = row, [place]
        for column, other in enumerate(second, start=1):
            changed = above[column - 1] + (character != other)
            row.append(min(changed, above[column] + 1, row[-1] + 1))
    return row[-1]


@pytest.mark.parametrize("seed", range(3))
def test_the_edit_distance_is_that_of_the_textbook(seed):
    texts = random_texts(seed, 80)
    for first, second in zip(texts[:40], texts[40:], strict=True):
        assert edit_distance(first, second) == distance_by_table(first, second)


def test_the_edit_distance_is_a_metric():
    texts = random_texts(4, 30)
    for first, second, third in zip(texts[:10], texts[10:20], texts[20:], strict=True):
        assert (edit_distance(first, second) == 0) == exact_match(first, second)
        assert edit_distance(first, second) == edit_distance(second, first)
        through = edit_distance(first, second) + edit_distance(second, third)
        assert edit_distance(first, third) <= through


def test_words_are_compared_as_wholes():
    assert word_distance("the quick fox", "the quack fox") == 1
    assert word_distance("one two", "two one") == 2
    # A space that does not break a line separates as well; a joiner does not.
    assert word_distance("12\u00a0km", "12 km") == 0
    assert word_distance("a\u200db", "a b") == 2


def test_no_metric_depends_on_the_order_of_the_examples():
    labels, predictions = random_texts(5, 40), random_texts(6, 40)
    order = np.random.default_rng(0).permutation(40)
    shuffled = compute_metrics([labels[i] for i in order], [predictions[i] for i in order])
    expected = compute_metrics(labels, predictions)
    assert shuffled.num_character_errors == expected.num_character_errors
    for name in ("cer", "wer", "ned", "exact_match", "alphanumeric_match", "aocr_soft_accuracy"):
        assert getattr(shuffled, name) == pytest.approx(getattr(expected, name))


def test_perfect_predictions_are_perfect_by_every_metric():
    labels = [text for text in random_texts(7, 50) if text.strip()]
    found = compute_metrics(labels, [unicodedata.normalize("NFD", text) for text in labels])
    assert (found.cer, found.wer, found.ned) == (0.0, 0.0, 1.0)
    assert found.num_exact_matches == found.num_alphanumeric_matches == len(labels)
    assert found.google_character_accuracy == found.google_sequence_accuracy == 1.0
    assert found.aocr_soft_accuracy == 1.0


def test_an_exact_match_is_one_without_case_and_symbols_too():
    labels, predictions = random_texts(8, 200), random_texts(9, 200)
    found = compute_metrics(labels, predictions)
    assert found.num_exact_matches <= found.num_alphanumeric_matches
    for label in labels:
        assert alphanumeric_match(label, f" {label.swapcase()}-")


def test_error_rates_of_parts_add_up_to_that_of_the_whole():
    labels, predictions = random_texts(10, 60), random_texts(11, 60)
    parts = [compute_metrics(labels[i::3], predictions[i::3]) for i in range(3)]
    errors = sum(part.num_character_errors for part in parts)
    assert cer(labels, predictions) == errors / sum(part.num_characters for part in parts)
    words = sum(part.num_word_errors for part in parts) / sum(part.num_words for part in parts)
    assert wer(labels, predictions) == words
    assert ned(labels, predictions) == pytest.approx(np.mean([part.ned for part in parts]))


def test_the_accuracies_by_length_add_up_to_that_of_all_texts():
    labels = random_texts(12, 90)
    predictions = [text if i % 3 else text + "x" for i, text in enumerate(labels)]
    table = accuracy_by_length(labels, predictions)
    assert list(table) == sorted(table)
    assert sum(entry.num_examples for entry in table.values()) == 90
    assert sum(entry.num_exact_matches for entry in table.values()) == 60


def test_a_very_long_text_is_compared_as_well():
    label = "abcdefghij" * 2_000
    assert edit_distance(label, "x" + label[:-1]) == 2
    assert cer([label], [""]) == 1.0


@pytest.mark.parametrize("total", [1, 2, 7, 100])
def test_an_interval_holds_its_share_and_mirrors_that_of_the_failures(total):
    widths = []
    for successes in range(total + 1):
        low, high = wilson_interval(successes, total)
        assert 0.0 <= low <= successes / total <= high <= 1.0
        mirrored = wilson_interval(total - successes, total)
        assert mirrored == pytest.approx((1.0 - high, 1.0 - low))
        widths.append(high - low)
    assert max(widths) == widths[total // 2]


def test_a_higher_level_widens_and_more_examples_narrow_an_interval():
    narrow, wide = wilson_interval(7, 10, z=1.0), wilson_interval(7, 10, z=2.6)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    many = wilson_interval(700, 1000, z=2.6)
    assert wide[0] < many[0] < many[1] < wide[1]


def test_a_bootstrap_interval_is_the_same_each_time_and_for_any_scale_of_both():
    errors, totals = [1.0, 0.0, 3.0, 0.0, 2.0], [5.0, 4.0, 9.0, 3.0, 6.0]
    found = bootstrap_interval(errors, totals)
    assert bootstrap_interval(errors, totals) == found
    doubled = bootstrap_interval([2 * e for e in errors], [2 * t for t in totals])
    assert doubled == pytest.approx(found)
    # Where every example has the same rate, nothing is uncertain.
    assert bootstrap_interval([1, 2, 3], [4, 8, 12]) == (0.25, 0.25)


@pytest.mark.parametrize(("first", "second"), [(0, 1), (0, 6), (3, 9), (10, 11), (12, 12)])
def test_the_p_value_is_that_of_a_fair_coin(first, second):
    total = first + second
    tail = sum(math.comb(total, k) for k in range(min(first, second) + 1)) / 2**total
    assert mcnemar_p_value(first, second) == pytest.approx(min(1.0, 2 * tail))


def test_the_p_value_falls_with_the_evidence():
    values = [mcnemar_p_value(5, count) for count in range(5, 30)]
    assert values == sorted(values, reverse=True)
    assert 0.0 < values[-1] < 1e-3
    # Nor does it vanish with many examples.
    assert mcnemar_p_value(0, 100) == 0.5**99


def test_calibration_does_not_depend_on_the_order_of_the_predictions():
    rng = np.random.default_rng(1)
    confidences = rng.uniform(size=200).round(2).tolist()
    right = (rng.uniform(size=200) < confidences).tolist()
    order = rng.permutation(200)
    found = compute_calibration([confidences[i] for i in order], [right[i] for i in order])
    expected = compute_calibration(confidences, right)
    assert found.risk_coverage == expected.risk_coverage
    assert [b.num_examples for b in found.bins] == [b.num_examples for b in expected.bins]
    error = expected.expected_calibration_error
    assert found.expected_calibration_error == pytest.approx(error)
    assert found.chance_error == expected.chance_error


def test_the_risk_at_full_coverage_is_the_error_rate():
    right = [True, False, True, True, False]
    rows = compute_calibration([0.1, 0.9, 0.5, 0.7, 0.3], right).risk_coverage
    assert COVERAGES[0] == 1.0
    assert (rows[0].coverage, rows[0].risk) == (1.0, pytest.approx(2 / 5))
    for asked, row in zip(COVERAGES, rows, strict=True):
        assert asked <= row.coverage <= 1.0


@pytest.mark.parametrize(
    ("confidence", "share_right", "error"), [(1.0, 1.0, 0.0), (1.0, 0.0, 1.0), (0.75, 0.5, 0.25)]
)
def test_the_calibration_error_is_the_distance_from_the_share_correct(
    confidence, share_right, error
):
    right = [index < 4 * share_right for index in range(4)]
    found = compute_calibration([confidence] * 4, right)
    assert found.expected_calibration_error == pytest.approx(error)


def test_confidences_and_outcomes_must_be_of_the_same_predictions():
    for compute in (compute_calibration, negative_log_likelihood):
        with pytest.raises(ValueError, match="shorter|longer"):
            compute([0.5, 0.5], [True])


@pytest.mark.parametrize("num_evaluations", [2, 5, 20])
def test_more_evaluations_find_the_temperature_more_closely(num_evaluations):
    asked: list[float] = []

    def loss_at(temperature: float) -> float:
        asked.append(temperature)
        return math.log(temperature / 1.7) ** 2

    found = fit_temperature(loss_at, num_evaluations)
    assert len(asked) == num_evaluations
    assert found == pytest.approx(min(asked, key=lambda t: abs(math.log(t / 1.7))))
    # Each evaluation leaves the golden ratio of the range from 0.1 to 10.
    remaining = math.log(100.0) * ((math.sqrt(5.0) - 1.0) / 2.0) ** (num_evaluations - 1)
    assert abs(math.log(found / 1.7)) <= remaining
