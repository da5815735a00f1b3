"""Sets of token ids as rows of bits, in which a graph looks up membership and rank."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

BITS = 32


def pack_rows(rows: Sequence[Sequence[int]], vocabulary_size: int) -> np.ndarray:
    """Return int32 [S, ceil(V / 32)]: in row s, the bit of every token id of `rows[s]`."""
    words = np.zeros((len(rows), -(-vocabulary_size // BITS)), np.uint32)
    for index, token_ids in enumerate(rows):
        for token_id in token_ids:
            words[index, token_id // BITS] |= np.uint32(1 << (token_id % BITS))
    return words.view(np.int32)


def expand(words: tf.Tensor, vocabulary_size: int) -> tf.Tensor:
    """Return bool [R, V], the bits of rows int32 [R, ceil(V / 32)]."""
    bits = tf.bitwise.right_shift(words[..., None], tf.range(BITS)) & 1
    return tf.cast(tf.reshape(bits, (tf.shape(words)[0], -1))[:, :vocabulary_size], tf.bool)


def rank(words: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
    """Return int32 [R], how many smaller ids than `token_ids` int32 [R] each row holds."""
    starts = tf.range(words.shape[-1]) * BITS
    num_smaller = tf.clip_by_value(token_ids[:, None] - starts, 0, BITS)
    partial = tf.bitwise.left_shift(1, tf.minimum(num_smaller, BITS - 1)) - 1
    smaller = words & tf.where(num_smaller == BITS, -1, partial)
    return tf.reduce_sum(tf.cast(tf.raw_ops.PopulationCount(x=smaller), tf.int32), axis=1)


def ranks(bits: tf.Tensor) -> tf.Tensor:
    """Return int32 [R, V], how many smaller ids each row of `bits` bool [R, V] holds."""
    return tf.cumsum(tf.cast(bits, tf.int32), axis=1, exclusive=True)
