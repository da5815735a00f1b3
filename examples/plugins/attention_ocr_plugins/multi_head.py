"""Scaled dot-product attention in several heads (Vaswani et al., 2017, section 3.2)."""

import tensorflow as tf

MASKED = -3e4
"""Added to the scores of what must not be seen; float16 holds it, and its exponential is 0."""


def mask_bias(is_visible: tf.Tensor) -> tf.Tensor:
    """Return what is added to scores: float32, 0 where `is_visible` is true."""
    # A product: LiteRT is slow where it chooses between tensors of different shapes.
    return (1.0 - tf.cast(is_visible, tf.float32)) * MASKED


def attend(
    queries: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, bias: tf.Tensor, heads: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return what each query sees.

    Args:
        queries: float [B, Q, U].
        keys: float [B, N, U].
        values: float [B, N, U].
        bias: float32, broadcasts to [B, heads, Q, N], from `mask_bias`.
        heads: Divide U.

    Returns:
        The contexts, float [B, Q, U], and the weights, float32 [B, heads, Q, N].
    """
    units = queries.shape[-1]
    queries, keys, values = (_split(part, heads, units) for part in (queries, keys, values))
    scores = tf.matmul(queries, keys, transpose_b=True)
    scores = tf.cast(scores, tf.float32) * (units // heads) ** -0.5 + bias
    weights = tf.nn.softmax(scores)
    contexts = tf.matmul(tf.cast(weights, values.dtype), values)
    contexts = tf.transpose(contexts, (0, 2, 1, 3))  # [B, Q, heads, U / heads]
    return tf.reshape(contexts, (tf.shape(contexts)[0], -1, units)), weights


def _split(values: tf.Tensor, heads: int, units: int) -> tf.Tensor:
    """Return `values` [B, N, U] as [B, heads, N, U / heads]."""
    shape = (tf.shape(values)[0], -1, heads, units // heads)
    return tf.transpose(tf.reshape(values, shape), (0, 2, 1, 3))
