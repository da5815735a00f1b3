import math

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.attention.dot import DotAttention
from attention_ocr.models.attention.interface import Memory

B, N, D, Q = 3, 6, 4, 5
CELLS = np.array([[True] * 6, [True, False, True] + [False] * 3, [False] * 3 + [True] * 3])


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_numbers_worked_out_by_hand():
    attention = DotAttention(units=4, heads=1)
    attention.build(4, 4)
    identity = np.eye(4)
    attention.query_projection.set_weights([identity, np.zeros(4)])
    attention.key_projection.set_weights([identity])
    attention.value_projection.set_weights([10.0 * identity, np.ones(4)])
    # Products with the query are 0 and 2 log 3; the root of four units is 2: scores 0 and log 3.
    values = tf.constant([[[0.0, 1, 0, 0], [2 * math.log(3.0), 0, 0, 0], [9.0, 9, 9, 9]]])
    cells = tf.constant([[True, True, False]])
    memory = Memory(values, attention.prepare(values, cells), cells)
    context, weights, _ = attention(tf.constant([[1.0, 0, 0, 0]]), memory, ())
    np.testing.assert_allclose(weights, [[0.25, 0.75, 0.0]], atol=1e-6)
    np.testing.assert_allclose(context, [[1 + 15 * math.log(3), 3.5, 1, 1]], atol=1e-4)


@pytest.mark.parametrize("normalization", ["softmax", "sigmoid"])
def test_heads_equal_numpy(normalization):
    units, heads = 6, 3
    attention = DotAttention(units, heads, normalization)
    attention.build(Q, D)
    for index, weight in enumerate(attention.weights):
        weight.assign(random(*weight.shape, seed=index))
    query, values = random(B, Q, seed=8), random(B, N, D, seed=9)
    memory = Memory(values, attention.prepare(tf.constant(values), CELLS), tf.constant(CELLS))
    context, weights, _ = attention(tf.constant(query), memory, ())
    assert attention.context_width(D) == context.shape[1] == units

    (query_kernel, bias), (key_kernel,), (value_kernel, value_bias) = (
        layer.get_weights()
        for layer in (
            attention.query_projection,
            attention.key_projection,
            attention.value_projection,
        )
    )
    queries, keys = query @ query_kernel + bias, values @ key_kernel
    projected, mean = values @ value_kernel + value_bias, np.zeros((B, N))
    for head in range(heads):
        part = slice(2 * head, 2 * head + 2)
        scores = np.einsum("bu,bnu->bn", queries[:, part], keys[..., part]) / math.sqrt(2)
        odds = np.exp(scores) if normalization == "softmax" else 1 / (1 + np.exp(-scores))
        odds = np.where(CELLS, odds, 0.0)
        expected = odds / odds.sum(axis=1, keepdims=True)
        mean += expected / heads
        np.testing.assert_allclose(
            context[:, part], np.einsum("bn,bnu->bu", expected, projected[..., part]), atol=1e-5
        )
    np.testing.assert_allclose(weights, mean, atol=1e-6)


def test_heads_that_do_not_divide_the_units_are_refused():
    with pytest.raises(ValueError, match=r"heads that divide 10 units. Received: 4"):
        DotAttention(10, 4)
