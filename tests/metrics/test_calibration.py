import math

import numpy as np
import pytest

from attention_ocr.metrics.calibration import (
    COVERAGES,
    Bin,
    RiskAtCoverage,
    compute_calibration,
    fit_temperature,
    negative_log_likelihood,
)


def test_calibration_by_hand():
    confidences = [0.95, 0.97, 0.5, 0.52, 0.53, 0.0]
    right = [True, False, True, False, False, False]
    measured = compute_calibration(confidences, right)
    assert [(b.num_examples, b.share_right) for b in measured.bins] == [
        (1, 0.0),
        (3, pytest.approx(1 / 3)),
        (2, 0.5),
    ]
    assert measured.bins[1] == Bin(
        pytest.approx(7 / 15),
        pytest.approx(8 / 15),
        3,
        pytest.approx(1.55 / 3),
        pytest.approx(1 / 3),
    )
    # |0.96 - 0.5| for two of six, |1.55/3 - 1/3| for three, 0 for one.
    expected = (0.46 * 2 + 0.55) / 6
    assert measured.expected_calibration_error == pytest.approx(expected)
    surprise = -sum(map(math.log, [0.95, 0.03, 0.5, 0.48, 0.47])) / 6
    assert measured.negative_log_likelihood == pytest.approx(surprise)


def test_risk_falls_where_the_most_confident_are_correct():
    confidences = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
    right = [True] * 5 + [True, False, True, False, False]
    rows = compute_calibration(confidences, right).risk_coverage
    assert len(rows) == len(COVERAGES)
    assert rows[0] == RiskAtCoverage(1.0, 0.05, pytest.approx(0.3))
    assert rows[COVERAGES.index(0.8)] == RiskAtCoverage(0.8, 0.2, pytest.approx(1 / 8))
    assert rows[COVERAGES.index(0.5)] == RiskAtCoverage(0.5, 0.5, pytest.approx(0.0))


def test_predictions_of_equal_confidence_are_kept_together():
    rows = compute_calibration([0.9, 0.5, 0.5, 0.5], [True, True, False, False]).risk_coverage
    assert rows[COVERAGES.index(0.5)] == RiskAtCoverage(1.0, 0.5, pytest.approx(0.5))


def test_limits_of_bins_belong_to_the_lower_one():
    measured = compute_calibration([0.0, 1 / 15, 1.0], [False, False, True])
    assert [(b.low, b.num_examples) for b in measured.bins] == [(0.0, 2), (14 / 15, 1)]


@pytest.mark.parametrize(("confidence", "number"), [(0.5, 100), (0.9, 400), (0.5, 10_000)])
def test_the_chance_error_of_one_bin_is_the_deviation_of_a_binomial_share(confidence, number):
    chance = compute_calibration([confidence] * number, [True] * number).chance_error
    deviation = math.sqrt(confidence * (1 - confidence) / number)
    # Mean and quantile of the absolute value of a normal variable.
    assert chance.mean == pytest.approx(math.sqrt(2 / math.pi) * deviation, rel=0.1)
    assert chance.high == pytest.approx(1.96 * deviation, rel=0.1)


def test_calibrated_confidences_err_by_chance_and_others_by_more():
    random = np.random.default_rng(3)
    within = []
    for _ in range(40):
        confidences = random.uniform(size=250)
        right = random.uniform(size=250) < confidences
        measured = compute_calibration(confidences.tolist(), right.tolist())
        within.append(measured.expected_calibration_error <= measured.chance_error.high)
        bold = compute_calibration((confidences**0.5).tolist(), right.tolist())
        assert bold.expected_calibration_error > bold.chance_error.high
    assert sum(within) >= 34


def test_certain_predictions_leave_nothing_to_chance():
    measured = compute_calibration([0.0, 1.0, 1.0], [True, True, False])
    assert measured.chance_error == (0.0, 0.0)
    assert measured.expected_calibration_error == pytest.approx(2 / 3)


def test_nothing_is_never_nan():
    measured = compute_calibration([], [])
    assert measured.expected_calibration_error == measured.negative_log_likelihood == 0.0
    assert measured.chance_error == (0.0, 0.0)
    assert measured.bins == measured.risk_coverage == ()
    assert math.isfinite(negative_log_likelihood([0.0, 1.0], [True, False]))


@pytest.mark.parametrize("confidence", [-0.1, 1.5, float("nan")])
def test_confidences_outside_0_to_1_are_refused(confidence):
    with pytest.raises(ValueError, match=f"in .0, 1.. Received: {confidence}"):
        compute_calibration([confidence], [True])


@pytest.mark.parametrize("true_temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_made_the_outcomes_is_found(true_temperature):
    random = np.random.default_rng(1)
    logits = 3.0 * random.normal(size=20_000)
    right = random.uniform(size=20_000) < 1 / (1 + np.exp(-logits / true_temperature))

    def loss_at(temperature: float) -> float:
        return negative_log_likelihood(1 / (1 + np.exp(-logits / temperature)), right)

    assert fit_temperature(loss_at) == pytest.approx(true_temperature, rel=0.06)


def test_the_search_stays_within_its_limits_and_evaluations():
    asked: list[float] = []

    def falling(temperature: float) -> float:
        asked.append(temperature)
        return temperature

    assert fit_temperature(falling) == pytest.approx(0.1, rel=0.02)
    assert len(asked) == 14
    assert fit_temperature(lambda temperature: -temperature) == pytest.approx(10.0, rel=0.02)
