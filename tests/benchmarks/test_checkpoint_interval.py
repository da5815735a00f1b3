"""The simulation of a training with failures, against what can be worked out."""

import pytest

from benchmarks.checkpoint_interval import Training, compare, simulate
from benchmarks.scale import slope

pytest.importorskip("simpy")


def test_without_failures_only_checkpoints_cost_time():
    training = Training(1000.0, 4, 1e12, checkpoint_s=5.0, restart_s=60.0)
    assert simulate(training, 100.0, seed=1) == pytest.approx(1050.0)
    assert simulate(training, 300.0, seed=1) == pytest.approx(1020.0)


def test_the_mean_duration_is_that_of_daly():
    # Daly (2006), eq. 20, for exponential failures: exact where restarts can fail too.
    training = Training(20_000.0, 8, 40_000.0, checkpoint_s=10.0, restart_s=50.0)
    mtbf_s, interval_s = 40_000.0 / 8, 400.0
    from math import exp

    expected = mtbf_s * exp(50.0 / mtbf_s) * (exp(410.0 / mtbf_s) - 1.0) * 20_000.0 / interval_s
    durations = [simulate(training, interval_s, seed) for seed in range(300)]
    assert sum(durations) / 300 == pytest.approx(expected, rel=0.02)


def test_youngs_interval_is_better_than_one_far_from_it():
    training = Training(100_000.0, 8, 80_000.0, checkpoint_s=20.0, restart_s=60.0)
    assert training.young_s == pytest.approx(632.5, abs=0.1)
    short, young, long = compare(training, (0.1, 1.0, 10.0), rounds=20)
    assert young["overhead %"] < min(short["overhead %"], long["overhead %"])


def test_the_slope_is_the_exponent_of_growth():
    assert slope([1, 2, 4, 8], [5, 20, 80, 320]) == pytest.approx(2.0)
    assert slope([1, 10, 100], [7, 7, 7]) == pytest.approx(0.0)
