import math

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.attention.hard import HardAttention
from attention_ocr.models.attention.interface import AttentionOutput, Memory

B = 20_000
CELLS = np.array([[True, True, False]])
VALUES = np.array([[[1.0], [5.0], [99.0]]], np.float32)


def look(
    seed: int | None, batch_size: int = B, sign: int = 1, **options: object
) -> AttentionOutput:
    """Attend with scores 0 and `sign` log 3, and padding."""
    attention = HardAttention(units=1, **options)
    attention.build(1, 1)
    half = math.atanh(0.5)
    attention.key_projection.set_weights([np.array([[half / 4]])])
    attention.query_projection.set_weights([np.array([[1.0]]), np.array([-half / 4])])
    attention.score_projection.set_weights([np.array([[sign * 2.0 * math.log(3.0)]])])
    values = tf.constant(np.repeat(VALUES, batch_size, axis=0))
    cells = tf.constant(np.repeat(CELLS, batch_size, axis=0))
    memory = Memory(values, attention.prepare(values, cells), cells)
    state = attention.initial_state(memory, (1, 3))
    seed = None if seed is None else tf.constant([seed, 0])
    return attention(tf.zeros((batch_size, 1)), memory, state, seed=seed)


def test_training_samples_a_cell_by_its_probability_and_returns_the_logarithm():
    context, weights, choice = look(seed=1, soft_share=0.0)
    assert set(np.unique(weights)) == {0.0, 1.0}
    np.testing.assert_array_equal(tf.reduce_sum(weights, axis=1), 1.0)
    # Probabilities 1/4 and 3/4; the standard error of the mean is 0.003.
    np.testing.assert_allclose(tf.reduce_mean(weights, axis=0), [0.25, 0.75, 0.0], atol=0.015)
    first = weights[:, 0] == 1.0
    np.testing.assert_array_equal(context[:, 0], tf.where(first, 1.0, 5.0))
    np.testing.assert_allclose(
        choice.log_probability, tf.where(first, math.log(0.25), math.log(0.75)), atol=1e-5
    )
    entropy = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    np.testing.assert_allclose(choice.entropy, entropy, atol=1e-5)


def test_some_steps_see_the_expectation_and_sample_nothing():
    context, weights, choice = look(seed=2, soft_share=0.3)
    soft = np.abs(weights[:, 0] - 0.25) < 1e-5
    assert np.mean(soft) == pytest.approx(0.3, abs=0.015)
    np.testing.assert_allclose(context[:, 0][soft], 4.0, atol=1e-5)
    np.testing.assert_array_equal(choice.log_probability.numpy() == 0.0, soft)


@pytest.mark.parametrize(("temperature", "odds"), [(0.5, 9.0), (1.0, 3.0), (2.0, 3.0**0.5)])
def test_the_temperature_divides_the_scores(temperature, odds):
    _, weights, _ = look(seed=3, soft_share=0.0, temperature=temperature)
    assert float(tf.reduce_mean(weights[:, 1])) == pytest.approx(odds / (1 + odds), abs=0.015)


def test_sigmoids_spread_the_probability_more():
    _, weights, _ = look(seed=3, soft_share=0.0, normalization="sigmoid")
    np.testing.assert_allclose(tf.reduce_mean(weights, axis=0), [0.4, 0.6, 0.0], atol=0.015)


@pytest.mark.parametrize(("sign", "cell"), [(1, 1), (-1, 0)])
def test_inference_takes_the_most_probable_cell(sign, cell):
    context, weights, _ = look(seed=None, batch_size=2, sign=sign)
    np.testing.assert_array_equal(weights, np.eye(3)[[cell, cell]])
    np.testing.assert_array_equal(context[:, 0], VALUES[0, cell, 0])


def test_the_seed_determines_the_samples():
    first, again, other = (look(seed, soft_share=0.5)[1].numpy() for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
