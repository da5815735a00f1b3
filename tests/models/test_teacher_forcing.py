import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.teacher_forcing import ScheduledSampling, run_steps

B, T, V = 3, 5, 7
INPUTS = np.random.default_rng(0).integers(1, V, (B, T)).astype(np.int32)
OUTPUTS = (tf.TensorSpec((None, V), tf.float32), tf.TensorSpec((None,), tf.float32))


def embed(token_ids: tf.Tensor) -> tf.Tensor:
    return tf.one_hot(token_ids, V)


def step(fed: tf.Tensor, state: tf.Tensor, seed: tf.Tensor | None) -> tuple:
    """Return the input and count steps; the next character is always this one plus one."""
    del seed
    return (fed, state), state + 1.0


def logits_of_the_next(fed: tf.Tensor) -> tf.Tensor:
    return 1000.0 * tf.roll(fed, 1, axis=1)


def run(probability: float | None, inputs: np.ndarray = INPUTS, seed: int = 0) -> list[np.ndarray]:
    sampling = None if probability is None else ScheduledSampling(probability, logits_of_the_next)
    fed, counts = run_steps(
        step, embed, tf.zeros(len(inputs)), inputs, OUTPUTS, tf.constant([seed, 1]), sampling
    )
    np.testing.assert_array_equal(counts, np.tile(np.arange(T), (len(inputs), 1)))
    return np.argmax(fed, axis=-1)


@pytest.mark.parametrize("probability", [None, 0.0])
def test_every_step_is_fed_the_true_character(probability):
    np.testing.assert_array_equal(run(probability), INPUTS)


def test_with_probability_1_every_step_is_fed_the_sample_of_the_previous_step():
    expected = (INPUTS[:, :1] + np.arange(T)) % V
    np.testing.assert_array_equal(run(1.0), expected)


def test_sampling_is_decided_for_each_step_and_example():
    inputs = np.zeros((2000, T), np.int32)
    inputs[:, 0] = 1
    fed = run(0.3, inputs)
    np.testing.assert_array_equal(fed[:, 0], inputs[:, 0])
    own = fed[:, 1:] != 0
    np.testing.assert_allclose(own.mean(axis=0), 0.3, atol=0.04)
    assert (own[:, 0] & own[:, 1]).mean() == pytest.approx(0.09, abs=0.03)


def test_characters_are_sampled_by_their_probabilities():
    odds = tf.math.log([[0.5, 0.3, 0.2, 0.0, 0.0, 0.0, 0.0]])
    sampling = ScheduledSampling(1.0, lambda fed: tf.tile(odds, (tf.shape(fed)[0], 1)))
    inputs = np.ones((20_000, 2), np.int32)
    fed, _ = run_steps(
        step, embed, tf.zeros(len(inputs)), inputs, OUTPUTS, tf.constant([3, 4]), sampling
    )
    shares = np.mean(fed[:, 1], axis=0)
    np.testing.assert_allclose(shares, [0.5, 0.3, 0.2, 0, 0, 0, 0], atol=0.015)


def test_no_gradient_passes_through_a_sample():
    scale = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        sampling = ScheduledSampling(1.0, lambda fed: scale * logits_of_the_next(fed))
        fed, _ = run_steps(step, embed, tf.zeros(B), INPUTS, OUTPUTS, tf.constant([0, 1]), sampling)
        loss = tf.reduce_sum(fed)
    assert tape.gradient(loss, scale) is None
