import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.greedy import greedy_decode
from attention_ocr.decoding.parallel import parallel_decode
from attention_ocr.text.charset import END_ID, PAD_ID, START_ID, UNKNOWN_ID

B, T, V, N = 3, 5, 11, 4
"""T steps read L = T - 1 characters."""


def scripted(seed: int) -> tuple[tf.Tensor, tf.Tensor]:
    random = np.random.default_rng(seed)
    logits = random.normal(size=(B, T, V)).astype(np.float32)
    logits[0, 0, END_ID] = 9.0
    logits[1, 2, END_ID] = 9.0
    logits[2, :, END_ID] = -9.0
    for impossible in (PAD_ID, START_ID, UNKNOWN_ID):
        logits[1:, 0, impossible] = 7.0
    weights = random.dirichlet(np.ones(N), size=(B, T)).astype(np.float32)
    return tf.constant(logits), tf.constant(weights)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_it_reads_what_greedy_decoding_reads_of_the_same_logits(temperature):
    logits, weights = scripted(0)

    def step(token_ids: tf.Tensor, t: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        del token_ids
        return logits[:, t], t + 1, weights[:, t]

    expected = greedy_decode(
        step, tf.constant(0), tf.constant(B), tf.constant(N), T - 1, temperature
    )
    decoded = parallel_decode(logits, weights, temperature)
    np.testing.assert_array_equal(decoded.token_ids, expected.token_ids)
    np.testing.assert_array_equal(decoded.lengths, [0, 2, T - 1])
    for value, wanted in zip(decoded[2:], expected[2:], strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-5)


def test_nothing_after_the_end_is_read():
    logits, weights = scripted(1)
    decoded = parallel_decode(logits, weights)
    np.testing.assert_array_equal(decoded.token_ids[1, 2:], PAD_ID)
    np.testing.assert_array_equal(decoded.character_confidences[1, 2:], 0.0)
    np.testing.assert_array_equal(decoded.attention[1, 2:], 0.0)
    changed = logits.numpy()
    changed[1, 3:] = 0.0
    again = parallel_decode(tf.constant(changed), weights)
    np.testing.assert_array_equal(again.confidence, decoded.confidence)
