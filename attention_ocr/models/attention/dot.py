"""Scaled dot-product attention."""

from typing import Any

import keras
import tensorflow as tf

from attention_ocr.models.attention.interface import (
    Attention,
    AttentionOutput,
    Memory,
    attention_weights,
)


@keras.saving.register_keras_serializable(package="attention_ocr")
class DotAttention(Attention):
    """Multi-head scaled dot-product attention (Vaswani et al., 2017, sections 3.2.1 and 3.2.2).

    Each of `heads` projects query, keys and values to U / `heads` = d units;
    `scores[n] = query . keys[n] / sqrt(d)`. The contexts of the heads are concatenated, so that
    C = U, without an output projection. The returned weights are the mean over the heads.

    Args:
        units: U.
        heads: Number of heads; divides U.
        normalization: `softmax` or `sigmoid`.
    """

    def __init__(
        self, units: int, heads: int = 1, normalization: str = "softmax", **kwargs: object
    ) -> None:
        super().__init__(**kwargs)
        if units % heads:
            raise ValueError(f"Expected heads that divide {units} units. Received: {heads}")
        self.units = units
        self.heads = heads
        self.normalization = normalization
        self.query_projection = keras.layers.Dense(units, name="query", dtype=self.dtype_policy)
        self.key_projection = keras.layers.Dense(
            units, use_bias=False, name="keys", dtype=self.dtype_policy
        )
        self.value_projection = keras.layers.Dense(units, name="values", dtype=self.dtype_policy)

    def build(self, query_width: int, memory_width: int) -> None:
        self.query_projection.build((None, query_width))
        self.key_projection.build((None, memory_width))
        self.value_projection.build((None, memory_width))
        self.built = True

    def context_width(self, memory_width: int) -> int:
        return self.units

    def prepare(self, values: tf.Tensor, cells: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return keys float [B, heads, d, N] and values float [B, heads, N, d]."""
        keys = tf.transpose(self._split(self.key_projection(values)), (0, 2, 3, 1))
        return keys, tf.transpose(self._split(self.value_projection(values)), (0, 2, 1, 3))

    def call(
        self, query: tf.Tensor, memory: Memory, state: Any, seed: tf.Tensor | None = None
    ) -> AttentionOutput:
        keys, values = memory.keys
        projected = self.query_projection(query) * (self.units // self.heads) ** -0.5
        scores = tf.matmul(self._split(projected)[:, :, None, :], keys)  # [B, heads, 1, N]
        cells = memory.cells[:, None, None, :]
        weights = attention_weights(scores, cells, self.normalization)
        contexts = tf.matmul(tf.cast(weights, values.dtype), values)  # [B, heads, 1, d]
        context = tf.reshape(contexts, (-1, self.units))
        return AttentionOutput(context, tf.reduce_mean(weights[:, :, 0], axis=1), state)

    def _split(self, values: tf.Tensor) -> tf.Tensor:
        """Return `values` float [..., U] as float [..., heads, d]."""
        shape = tf.concat([tf.shape(values)[:-1], (self.heads, self.units // self.heads)], axis=0)
        split = tf.reshape(values, shape)
        return tf.ensure_shape(split, (*values.shape[:-1], self.heads, self.units // self.heads))
