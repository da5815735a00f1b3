import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.gru import BidirectionalGRU
from tests import tiny

B, W, D, U = 3, 5, 4, 6
LENGTHS = np.array([5, 1, 3], np.int32)
INPUTS = np.random.default_rng(1).normal(size=(B, W, D)).astype(np.float32)


@pytest.fixture(scope="module")
def layer():
    layer = BidirectionalGRU(U)
    layer(tf.zeros((1, 2, D)), tf.constant([2]))
    random = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    return layer


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-values))


def gru(columns: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Return the states over `columns` [W, D]; the reset gate follows the recurrent product."""
    kernel, recurrent_kernel, (bias, recurrent_bias) = weights
    state, states = np.zeros(U), []
    for column in columns:
        entry = np.split(column @ kernel + bias, 3)
        memory = np.split(state @ recurrent_kernel + recurrent_bias, 3)
        update, reset = sigmoid(entry[0] + memory[0]), sigmoid(entry[1] + memory[1])
        candidate = np.tanh(entry[2] + reset * memory[2])
        state = update * state + (1.0 - update) * candidate
        states.append(state)
    return np.array(states)


def test_it_equals_two_grus_in_numpy_over_the_valid_columns(layer):
    outputs, summary = layer(INPUTS, LENGTHS)
    assert outputs.shape == (B, W, 2 * U)
    assert summary.shape == (B, 2 * U)
    for index, length in enumerate(LENGTHS):
        columns = INPUTS[index, :length]
        forward = gru(columns, layer.forward.get_weights())
        backward = gru(columns[::-1], layer.backward.get_weights())
        expected = np.concatenate([forward, backward[::-1]], axis=1)
        np.testing.assert_allclose(outputs[index, :length], expected, atol=1e-5)
        np.testing.assert_array_equal(outputs[index, length:], 0.0)
        both_ends = np.concatenate([forward[-1], backward[-1]])
        np.testing.assert_allclose(summary[index], both_ends, atol=1e-5)


def test_a_graph_of_unknown_sizes_equals_eager(layer):
    run = tf.function(
        layer,
        input_signature=(
            tf.TensorSpec((None, None, D), tf.float32),
            tf.TensorSpec((None,), tf.int32),
        ),
    )
    for in_graph, eager in zip(run(INPUTS, LENGTHS), layer(INPUTS, LENGTHS), strict=True):
        np.testing.assert_allclose(in_graph, eager, atol=1e-5)
    outputs, summary = run.get_concrete_function().structured_outputs
    assert outputs.shape.as_list() == [None, None, 2 * U]
    assert summary.shape.as_list() == [None, 2 * U]


def test_every_variable_gets_a_gradient(layer):
    with tf.GradientTape() as tape:
        outputs, summary = layer(INPUTS, LENGTHS)
        loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(summary)
    gradients = tape.gradient(loss, layer.trainable_variables)
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        assert float(tf.reduce_max(tf.abs(gradient))) > 0.0, variable.path


def test_bfloat16_stays_near_float32():
    with tiny.computing_in("bfloat16"):
        low = BidirectionalGRU(U)
    low(INPUTS, LENGTHS)
    high = BidirectionalGRU(U)
    high(INPUTS, LENGTHS)
    high.set_weights(low.get_weights())
    outputs, _ = low(INPUTS, LENGTHS)
    assert outputs.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), high(INPUTS, LENGTHS)[0], atol=0.05)
