"""Intervals of rates, and whether two models differ: numbers in, numbers out."""

from collections.abc import Sequence

import numpy as np


def bootstrap_interval(
    errors: Sequence[float], totals: Sequence[float], rounds: int = 1000
) -> tuple[float, float]:
    """Return a 95 % interval of `sum(errors) / sum(totals)`, by bootstrap over examples.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3.

    Args:
        errors: Errors of each example.
        totals: What each example contributes to the denominator, not negative.
        rounds: Number of resamples.

    Returns:
        The lower and the upper bound; zeros for no examples.

    Raises:
        ValueError: If the two differ in length.

    Example:
        >>> bootstrap_interval([0, 0, 0], [4, 5, 6])
        (0.0, 0.0)
    """
    if len(errors) != len(totals):
        raise ValueError(
            "Expected errors and totals of the same examples. "
            f"Received: {len(errors)} errors, {len(totals)} totals"
        )
    if not len(errors):
        return 0.0, 0.0
    numerators, denominators = np.asarray(errors, float), np.asarray(totals, float)
    random = np.random.default_rng(0)
    rates = np.empty(rounds)
    for index in range(rounds):
        drawn = random.integers(0, len(numerators), len(numerators))
        rates[index] = numerators[drawn].sum() / max(denominators[drawn].sum(), 1.0)
    low, high = np.quantile(rates, (0.025, 0.975))
    return float(low), float(high)


def mcnemar_p_value(only_first: int, only_second: int) -> float:
    """Return the p-value of McNemar's exact test, two-sided.

    It is the probability of so unequal a split of the examples that only one of two models reads
    correctly, if both models were equally accurate (McNemar, 1947).

    Args:
        only_first: Number of examples that only the first model reads correctly.
        only_second: Number of examples that only the second one does.

    Returns:
        A probability in (0, 1]; 0.0 if it is below the smallest float.

    Example:
        >>> mcnemar_p_value(1, 9)
        0.021484375
    """
    num_different = only_first + only_second
    # Integers of any size: floats would lose small tails.
    tail = ways = 1
    for count in range(min(only_first, only_second)):
        ways = ways * (num_different - count) // (count + 1)
        tail += ways
    return min(1.0, 2 * tail / 2**num_different)
