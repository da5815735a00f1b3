import math

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.attention.additive import AdditiveAttention
from attention_ocr.models.attention.interface import Attention, AttentionOutput, Memory
from tests import tiny

B, N, D, Q, U = 3, 6, 4, 5, 7
CELLS = np.array(
    [[True] * 6, [True, False, True, False, False, False], [False, False, False, True, True, True]]
)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def made(units: int, query_width: int, memory_width: int) -> AdditiveAttention:
    """Return the layer with its variables created."""
    attention = AdditiveAttention(units)
    attention.build(query_width, memory_width)
    return attention


def look(attention: Attention, query: object, values: object, cells: object) -> AttentionOutput:
    query, values, cells = (tf.convert_to_tensor(value) for value in (query, values, cells))
    return attention(query, Memory(values, attention.prepare(values, cells), cells), ())


def test_numbers_worked_out_by_hand():
    attention = made(units=1, query_width=2, memory_width=3)
    attention.key_projection.set_weights([np.array([[1.0], [0.0], [0.0]])])
    attention.query_projection.set_weights([np.array([[1.0], [-1.0]]), np.array([0.5])])
    attention.score_projection.set_weights([np.array([[2.0 * math.log(3.0)]])])
    half = math.atanh(0.5)
    # Keys are 0, atanh(1/2) and 9; the third cell is padding.
    memory = tf.constant([[[0.0, 4.0, 8.0], [half, 8.0, 16.0], [9.0, 9.0, 9.0]]])
    cells = tf.constant([[True, True, False]])
    keys = attention.prepare(memory, cells)
    np.testing.assert_allclose(keys, [[[0.0], [half], [9.0]]], atol=1e-6)

    # The query projects to 1.5 - 2 + 0.5 = 0: scores 0 and log 3.
    context, weights, _ = look(attention, tf.constant([[1.5, 2.0]]), memory, cells)
    np.testing.assert_allclose(weights, [[0.25, 0.75, 0.0]], atol=1e-6)
    np.testing.assert_allclose(context, [[0.75 * half, 7.0, 14.0]], atol=1e-5)

    # It projects to -atanh(1/2): scores -log 3 and 0.
    context, weights, _ = look(attention, tf.constant([[1.5, 2.0 + half]]), memory, cells)
    np.testing.assert_allclose(weights, [[0.25, 0.75, 0.0]], atol=1e-6)

    # It projects to -atanh(1/2) / 2: the two scores are opposite.
    context, weights, _ = look(attention, tf.constant([[1.5, 2.0 + half / 2]]), memory, cells)
    odds = 3.0 ** (4.0 * math.tanh(half / 2))
    np.testing.assert_allclose(weights, [[1 / (1 + odds), odds / (1 + odds), 0.0]], atol=1e-6)
    np.testing.assert_allclose(context[0, 1], 4.0 + 4.0 * odds / (1 + odds), atol=1e-5)


def test_it_equals_numpy():
    attention = made(U, Q, D)
    query, memory = random(B, Q, seed=1), random(B, N, D, seed=2)
    context, weights, _ = look(attention, query, memory, CELLS)

    keys = memory @ attention.key_projection.get_weights()[0]
    kernel, bias = attention.query_projection.get_weights()
    hidden = np.tanh(keys + (query @ kernel + bias)[:, None])
    scores = (hidden @ attention.score_projection.get_weights()[0])[..., 0]
    exponents = np.where(CELLS, np.exp(scores), 0.0)
    expected = exponents / exponents.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(weights, expected, atol=1e-6)
    np.testing.assert_allclose(context, np.einsum("bn,bnd->bd", expected, memory), atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_weights_are_a_distribution_over_the_valid_cells(precision, scale):
    with tiny.computing_in(precision):
        attention = made(U, Q, D)
    assert attention.compute_dtype == precision
    memory = scale * random(B, N, D, seed=3)
    values = tf.cast(memory, attention.compute_dtype)
    _, weights, _ = look(attention, scale * random(B, Q, seed=4), values, CELLS)
    assert weights.dtype == tf.float32
    assert weights.shape == (B, N)
    assert np.all(weights.numpy() >= 0.0)
    np.testing.assert_array_equal(weights.numpy()[~CELLS], 0.0)
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=1), 1.0, atol=1e-5)


def test_values_on_the_padding_do_not_matter():
    attention = made(U, Q, D)
    query, memory = random(B, Q, seed=5), random(B, N, D, seed=6)
    other = np.where(CELLS[..., None], memory, 1e6).astype(np.float32)
    results = [look(attention, query, values, CELLS)[:2] for values in (memory, other)]
    for one, another in zip(*results, strict=True):
        np.testing.assert_allclose(one, another, atol=1e-6)
