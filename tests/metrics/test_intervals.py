import math

import pytest

from attention_ocr.metrics.intervals import bootstrap_interval, mcnemar_p_value


def test_a_bootstrap_interval_holds_the_rate_and_narrows_with_more_examples():
    errors, totals = [0, 1, 0, 2, 0, 0, 1, 0], [4, 6, 5, 8, 3, 5, 4, 5]
    low, high = bootstrap_interval(errors, totals)
    assert low < 4 / 40 < high
    narrow_low, narrow_high = bootstrap_interval(errors * 25, totals * 25)
    assert low < narrow_low < 4 / 40 < narrow_high < high


def test_no_examples_have_no_error_rate():
    assert bootstrap_interval([], []) == (0.0, 0.0)
    assert bootstrap_interval([1.0], [0.0]) == (1.0, 1.0)


def test_errors_and_totals_belong_together():
    with pytest.raises(ValueError, match="Received: 1 errors, 2 totals"):
        bootstrap_interval([1], [1, 2])


def test_the_exact_test_of_mcnemar_is_a_binomial_test():
    # Of ten tosses of a coin, 1 + 10 + 45 sequences have at most two heads.
    assert mcnemar_p_value(2, 8) == pytest.approx(112 / 1024)
    assert mcnemar_p_value(8, 2) == mcnemar_p_value(2, 8)
    assert mcnemar_p_value(5, 5) == 1.0
    assert mcnemar_p_value(0, 0) == 1.0
    assert math.isfinite(mcnemar_p_value(3000, 2000))
