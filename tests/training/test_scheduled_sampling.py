import math

import pytest
import tensorflow as tf

from attention_ocr.settings.training import SAMPLINGS, TrainingConfig
from attention_ocr.training.scheduled_sampling import sampling_schedule


@pytest.mark.parametrize(
    ("kind", "step", "probability"),
    [
        ("linear", 0, 0.0),
        ("linear", 25, 0.2),
        ("linear", 100, 0.8),
        ("linear", 500, 0.8),
        ("exponential", 0, 0.0),
        # The true character has a probability of 1/5 at the end, and of its root halfway.
        ("exponential", 50, 1.0 - 0.2**0.5),
        ("exponential", 100, 0.8),
        ("exponential", 500, 0.8),
        # k ln k = 50: k is 17.6, and the probability at the start 0.8 / (k + 1).
        ("inverse_sigmoid", 0, 0.8 / 18.6),
        ("inverse_sigmoid", 50, 0.4),
        ("inverse_sigmoid", 100, 0.8 * 17.6 / 18.6),
    ],
)
def test_the_probability_of_each_step_worked_out_by_hand(kind, step, probability):
    settings = TrainingConfig(scheduled_sampling=kind, sampling_final=0.8, sampling_steps=100)
    schedule = sampling_schedule(settings)
    value = schedule(tf.constant(step, tf.int64))
    assert value.dtype == tf.float32
    assert float(value) == pytest.approx(probability, abs=1e-3)


def test_the_inverse_sigmoid_is_that_of_the_paper():
    settings = TrainingConfig(
        scheduled_sampling="inverse_sigmoid", sampling_final=0.5, sampling_steps=1000
    )
    schedule, k = sampling_schedule(settings), 108.3
    assert k * math.log(k) == pytest.approx(500.0, rel=0.02)
    for step in (0, 300, 500, 900):
        true_character = k / (k + math.exp(step / k))
        assert float(schedule(step)) == pytest.approx(0.5 * (1 - true_character), abs=0.01)


@pytest.mark.parametrize("kind", sorted(set(SAMPLINGS) - {"none"}))
def test_it_rises(kind):
    settings = TrainingConfig(scheduled_sampling=kind, sampling_final=0.3, sampling_steps=40)
    values = [float(sampling_schedule(settings)(step)) for step in range(0, 41, 5)]
    assert values == sorted(values)
    assert len(set(values)) == len(values)


def test_without_sampling_there_is_no_schedule():
    assert sampling_schedule(TrainingConfig()) is None
