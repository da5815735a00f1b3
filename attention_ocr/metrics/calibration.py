"""Calibration of confidences: confidences and outcomes in, numbers out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

NUM_BINS = 15
NUM_RESAMPLES = 400
COVERAGES = (1.0, 0.99, 0.95, 0.9, 0.8, 0.5)
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.1, 10.0
MIN_PROBABILITY = 1e-12


@dataclass(frozen=True)
class Bin:
    """Predictions of similar confidence.

    Attributes:
        low: Lowest confidence, exclusive except for 0.
        high: Highest confidence, inclusive.
        num_examples: Number of predictions in the bin.
        mean_confidence: Their mean confidence.
        share_right: Share of them that are correct, in [0, 1].
    """

    low: float
    high: float
    num_examples: int
    mean_confidence: float
    share_right: float


@dataclass(frozen=True)
class RiskAtCoverage:
    """Error rate among the most confident share of the predictions.

    Attributes:
        coverage: Share of the predictions that are kept, most confident first; at least the share
            asked for.
        confidence: Lowest confidence that is kept.
        risk: Share of the kept predictions that are wrong.
    """

    coverage: float
    confidence: float
    risk: float


class ChanceError(NamedTuple):
    """Expected calibration error of calibrated confidences, which is above 0 by chance.

    Attributes:
        mean: Its mean, in [0, 1]: about inverse to the root of the number of predictions.
        high: Its 95th percentile: an error above it is more than chance.
    """

    mean: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """How well confidences agree with outcomes.

    Attributes:
        expected_calibration_error: Mean distance between confidence and share of correct
            predictions over the bins (Guo et al., 2017, equation 3), in [0, 1]; 0 is perfect.
        chance_error: What that error would be if the confidences were calibrated: of outcomes
            drawn with the confidences as their probabilities (Bröcker and Smith, 2007, section 3).
        negative_log_likelihood: Mean of `-log confidence` of correct and `-log(1 - confidence)` of
            wrong predictions.
        bins: The bins that are not empty, ascending.
        risk_coverage: One entry for each of `COVERAGES`.
    """

    expected_calibration_error: float
    chance_error: ChanceError
    negative_log_likelihood: float
    bins: tuple[Bin, ...]
    risk_coverage: tuple[RiskAtCoverage, ...]


def compute_calibration(confidences: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Compare confidences with outcomes.

    Args:
        confidences: Confidence of each prediction, in [0, 1].
        right: Whether each prediction is its label.

    Returns:
        All measures; zeros and empty tuples for no predictions.

    Raises:
        ValueError: If the two differ in length, or a confidence is outside [0, 1].
    """
    pairs = list(zip(confidences, right, strict=True))
    for confidence, _ in pairs:
        if not 0.0 <= confidence <= 1.0:
            raise ValueError(f"A confidence must be in [0, 1]. Received: {confidence}")
    bins = _bins(pairs)
    distances = [abs(b.mean_confidence - b.share_right) * b.num_examples for b in bins]
    return Calibration(
        expected_calibration_error=sum(distances) / max(len(pairs), 1),
        chance_error=_chance_error(confidences),
        negative_log_likelihood=negative_log_likelihood(confidences, right),
        bins=bins,
        risk_coverage=_risk_coverage(pairs),
    )


def negative_log_likelihood(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Return the mean negative log-likelihood of the outcomes, in nats; 0 for no predictions.

    Example:
        >>> round(negative_log_likelihood([0.5, 0.5], [True, False]), 4)
        0.6931
    """
    total = 0.0
    for confidence, is_right in zip(confidences, right, strict=True):
        probability = confidence if is_right else 1.0 - confidence
        total -= math.log(max(probability, MIN_PROBABILITY))
    return total / max(len(confidences), 1)


def fit_temperature(loss_at: Callable[[float], float], num_evaluations: int = 14) -> float:
    """Return the temperature of the smallest loss, by golden-section search on a log scale.

    Logits are divided by the temperature: above 1, confidences fall (Guo et al., 2017, section
    4.2).

    Args:
        loss_at: Loss at a temperature, with a single minimum.
        num_evaluations: Number of calls of `loss_at`; 14 find the temperature to about 0.005.

    Returns:
        A number from 0.1 to 10.
    """
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    low, high = math.log(MIN_TEMPERATURE), math.log(MAX_TEMPERATURE)
    first, second = high - ratio * (high - low), low + ratio * (high - low)
    first_loss, second_loss = loss_at(math.exp(first)), loss_at(math.exp(second))
    for _ in range(num_evaluations - 2):
        if first_loss <= second_loss:
            high, second, second_loss = second, first, first_loss
            first = high - ratio * (high - low)
            first_loss = loss_at(math.exp(first))
        else:
            low, first, first_loss = first, second, second_loss
            second = low + ratio * (high - low)
            second_loss = loss_at(math.exp(second))
    return math.exp(first if first_loss <= second_loss else second)


def _chance_error(confidences: Sequence[float]) -> ChanceError:
    """Return the calibration error of outcomes drawn with given probabilities."""
    if not confidences:
        return ChanceError(0.0, 0.0)
    # Sorted: the same for predictions in another order.
    probabilities = np.sort(np.asarray(confidences, np.float64))
    bins = [_bin_of(confidence) for confidence in probabilities.tolist()]
    generator = np.random.default_rng(0)
    errors = []
    for _ in range(NUM_RESAMPLES):
        outcomes = generator.random(probabilities.size) < probabilities
        distances = np.bincount(bins, outcomes - probabilities)
        errors.append(float(np.abs(distances).sum()) / probabilities.size)
    return ChanceError(sum(errors) / len(errors), float(np.quantile(errors, 0.95)))


def _bin_of(confidence: float) -> int:
    return max(math.ceil(confidence * NUM_BINS) - 1, 0)


def _bins(pairs: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    members: dict[int, list[tuple[float, bool]]] = {}
    for confidence, is_right in pairs:
        members.setdefault(_bin_of(confidence), []).append((confidence, is_right))
    return tuple(
        Bin(
            low=index / NUM_BINS,
            high=(index + 1) / NUM_BINS,
            num_examples=len(held),
            mean_confidence=sum(confidence for confidence, _ in held) / len(held),
            share_right=sum(is_right for _, is_right in held) / len(held),
        )
        for index, held in sorted(members.items())
    )


def _risk_coverage(pairs: Sequence[tuple[float, bool]]) -> tuple[RiskAtCoverage, ...]:
    # Predictions of equal confidence are kept or dropped together.
    ranked = sorted(pairs, key=lambda pair: -pair[0])
    rows = []
    for coverage in COVERAGES if ranked else ():
        confidence = ranked[max(math.ceil(coverage * len(ranked)) - 1, 0)][0]
        kept = [is_right for score, is_right in ranked if score >= confidence]
        rows.append(
            RiskAtCoverage(
                coverage=len(kept) / len(ranked),
                confidence=confidence,
                risk=1.0 - sum(kept) / len(kept),
            )
        )
    return tuple(rows)
