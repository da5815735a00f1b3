import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.sequence import BidirectionalLSTM
from tests import tiny

B, W, D, U = 3, 5, 4, 6
LENGTHS = np.array([5, 1, 3], np.int32)


@pytest.fixture(scope="module")
def layer():
    layer = BidirectionalLSTM(U)
    layer(tf.zeros((1, 2, D)), tf.constant([2]))
    random = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    return layer


@pytest.fixture(scope="module")
def inputs():
    return np.random.default_rng(1).normal(size=(B, W, D)).astype(np.float32)


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-values))


def lstm(
    columns: np.ndarray, kernel: np.ndarray, recurrent_kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """Return the states of one LSTM over `columns` [W, D], column by column."""
    hidden = cell = np.zeros(recurrent_kernel.shape[0])
    states = []
    for column in columns:
        gates = column @ kernel + hidden @ recurrent_kernel + bias
        entry, forget, candidate, output = np.split(gates, 4)
        cell = sigmoid(forget) * cell + sigmoid(entry) * np.tanh(candidate)
        hidden = sigmoid(output) * np.tanh(cell)
        states.append(hidden)
    return np.array(states)


def test_it_equals_two_lstms_in_numpy_over_the_valid_columns(layer, inputs):
    outputs, summary = layer(inputs, LENGTHS)
    assert outputs.shape == (B, W, 2 * U)
    assert summary.shape == (B, 2 * U)
    kernels = np.split(layer.projection.get_weights()[0], 2, axis=1)
    recurrent_kernel, bias = layer.recurrent_kernel.numpy(), layer.bias.numpy()[:, 0]
    for index, length in enumerate(LENGTHS):
        columns = inputs[index, :length]
        forward = lstm(columns, kernels[0], recurrent_kernel[0], bias[0])
        backward = lstm(columns[::-1], kernels[1], recurrent_kernel[1], bias[1])
        expected = np.concatenate([forward, backward[::-1]], axis=1)
        np.testing.assert_allclose(outputs[index, :length], expected, atol=1e-5)
        np.testing.assert_array_equal(outputs[index, length:], 0.0)
        both_ends = np.concatenate([forward[-1], backward[-1]])
        np.testing.assert_allclose(summary[index], both_ends, atol=1e-5)


def test_an_example_depends_neither_on_its_batch_nor_on_its_padding(layer, inputs):
    outputs, summary = layer(inputs, LENGTHS)
    wider = np.concatenate([inputs[2:, :3], np.full((1, 6, D), 9.0, np.float32)], axis=1)
    alone, summary_alone = layer(wider, LENGTHS[2:])
    np.testing.assert_allclose(alone[0, :3], outputs[2, :3], atol=1e-5)
    np.testing.assert_array_equal(alone[0, 3:], 0.0)
    np.testing.assert_allclose(summary_alone[0], summary[2], atol=1e-5)


def test_a_graph_of_unknown_sizes_equals_eager(layer, inputs):
    run = tf.function(
        layer,
        input_signature=(
            tf.TensorSpec((None, None, D), tf.float32),
            tf.TensorSpec((None,), tf.int32),
        ),
    )
    for in_graph, eager in zip(run(inputs, LENGTHS), layer(inputs, LENGTHS), strict=True):
        np.testing.assert_allclose(in_graph, eager, atol=1e-5)
    outputs, summary = run.get_concrete_function().structured_outputs
    assert outputs.shape.as_list() == [None, None, 2 * U]
    assert summary.shape.as_list() == [None, 2 * U]


def test_every_variable_gets_a_gradient(layer, inputs):
    with tf.GradientTape() as tape:
        outputs, summary = layer(inputs, LENGTHS)
        loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(summary)
    assert len(layer.trainable_variables) == 3
    for gradient in tape.gradient(loss, layer.trainable_variables):
        assert float(tf.reduce_max(tf.abs(gradient))) > 0.0


def test_the_two_directions_start_with_different_weights():
    layer = BidirectionalLSTM(U)
    layer(tf.zeros((1, 2, D)), tf.constant([2]))
    forward, backward = layer.recurrent_kernel.numpy()
    assert np.abs(forward - backward).max() > 0.1
    for kernel in (forward, backward):
        np.testing.assert_allclose(kernel @ kernel.T, np.eye(U), atol=1e-5)


def test_forget_gates_start_open():
    layer = BidirectionalLSTM(U)
    layer(tf.zeros((1, 2, D)), tf.constant([2]))
    bias = layer.bias.numpy().reshape(2, 4, U)
    np.testing.assert_array_equal(bias[:, 1], 1.0)
    np.testing.assert_array_equal(bias[:, [0, 2, 3]], 0.0)


def test_bfloat16_is_near_float32(layer, inputs):
    with tiny.computing_in("bfloat16"):
        low = BidirectionalLSTM(U)
        low(tf.zeros((1, 2, D)), tf.constant([2]))
    low.set_weights([0.3 * weight for weight in layer.get_weights()])
    high = BidirectionalLSTM(U)
    high(tf.zeros((1, 2, D)), tf.constant([2]))
    high.set_weights(low.get_weights())
    outputs, _ = low(inputs, LENGTHS)
    assert outputs.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), high(inputs, LENGTHS)[0], atol=0.03)
