import math

import numpy as np
import tensorflow as tf

from attention_ocr.models.attention.interface import Memory
from attention_ocr.models.attention.location import LocationAttention

B, H, W, D, Q, U, F = 2, 3, 5, 4, 6, 7, 2
N = H * W


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def made(units: int = U, **options: int) -> LocationAttention:
    attention = LocationAttention(units, **options)
    attention.build(Q, D)
    for index, weight in enumerate(attention.weights):
        weight.assign(random(*weight.shape, seed=index))
    return attention


def test_a_step_worked_out_by_hand():
    # One filter that takes the weight of the cell to the left; keys and query do not contribute.
    attention = made(units=1, location_filters=1, location_kernel=3)
    for weight in attention.weights:
        weight.assign(tf.zeros_like(weight))
    kernel = np.zeros((3, 3, 1, 1), np.float32)
    kernel[1, 0] = 1.0
    attention.convolution.set_weights([kernel])
    attention.location_projection.set_weights([np.array([[math.atanh(0.5)]])])
    attention.score_projection.set_weights([np.array([[2.0 * math.log(3.0)]])])
    values = tf.reshape(tf.range(4.0), (1, 4, 1)) * tf.ones((1, 1, D))
    cells = tf.constant([[True, True, True, False]])
    memory = Memory(values, attention.prepare(values, cells), cells)
    state = attention.initial_state(memory, tf.constant([1, 4]))
    np.testing.assert_array_equal(state, np.zeros((1, 1, 4)))
    # In the first step all scores are equal.
    _, weights, state = attention(tf.zeros((1, Q)), memory, state)
    np.testing.assert_allclose(weights, [[1 / 3, 1 / 3, 1 / 3, 0.0]], atol=1e-6)
    np.testing.assert_array_equal(state, tf.reshape(weights, (1, 1, 4)))
    # All previous weight on the first cell: the second has score log 3, the others 0.
    past = tf.constant([[[1.0, 0.0, 0.0, 0.0]]])
    context, weights, _ = attention(tf.zeros((1, Q)), memory, past)
    np.testing.assert_allclose(weights, [[0.2, 0.6, 0.2, 0.0]], atol=1e-6)
    np.testing.assert_allclose(context[0, 0], 0.6 + 0.4, atol=1e-6)


def test_previous_weights_are_convolved_on_the_grid_in_both_directions():
    attention = made(location_filters=F, location_kernel=3)
    query, values = random(B, Q, seed=7), tf.constant(random(B, N, D, seed=8))
    cells = tf.ones((B, N), bool)
    memory = Memory(values, attention.prepare(values, cells), cells)
    past = np.abs(random(B, H, W, seed=9))
    _, weights, state = attention(query, memory, tf.constant(past))

    padded = np.pad(past, ((0, 0), (1, 1), (1, 1)))
    kernel, located = attention.convolution.get_weights()[0], np.zeros((B, H, W, F))
    for row in range(H):
        for column in range(W):
            window = padded[:, row : row + 3, column : column + 3]
            located[:, row, column] = np.einsum("bhw,hwf->bf", window, kernel[:, :, 0])
    projection, (query_kernel, bias) = (
        attention.location_projection.get_weights()[0],
        attention.query_projection.get_weights(),
    )
    hidden = np.tanh(
        memory.keys.numpy()
        + (query @ query_kernel + bias)[:, None]
        + located.reshape(B, N, F) @ projection
    )
    scores = (hidden @ attention.score_projection.get_weights()[0])[..., 0]
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(weights, expected, atol=1e-5)
    np.testing.assert_array_equal(state, tf.reshape(weights, (B, H, W)))
