"""Additive attention."""

from typing import Any

import keras
import tensorflow as tf

from attention_ocr.models.attention.interface import (
    Attention,
    AttentionOutput,
    Memory,
    attention_weights,
    weighted_sum,
)


@keras.saving.register_keras_serializable(package="attention_ocr")
class AdditiveAttention(Attention):
    """Additive attention (Bahdanau et al., 2015, section 3.1 and appendix A.1.2).

    `scores[n] = v . tanh(keys[n] + query W + b)`, `weights = softmax(scores)` over the valid
    cells, `context = sum(weights[n] values[n])`.

    Args:
        units: U, width of the projected queries and keys.
        normalization: `softmax` or `sigmoid`.
    """

    def __init__(self, units: int, normalization: str = "softmax", **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.normalization = normalization
        self.key_projection = keras.layers.Dense(
            units, use_bias=False, name="keys", dtype=self.dtype_policy
        )
        self.query_projection = keras.layers.Dense(units, name="query", dtype=self.dtype_policy)
        self.score_projection = keras.layers.Dense(
            1, use_bias=False, name="scores", dtype=self.dtype_policy
        )

    def build(self, query_width: int, memory_width: int) -> None:
        self.key_projection.build((None, memory_width))
        self.query_projection.build((None, query_width))
        self.score_projection.build((None, self.key_projection.units))
        self.built = True

    def prepare(self, values: tf.Tensor, cells: tf.Tensor) -> tf.Tensor:
        return self.key_projection(values)

    def scores(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """Return the scores float [B, N] of `keys` float [B, N, U]."""
        hidden = tf.tanh(keys + tf.expand_dims(self.query_projection(query), 1))
        return tf.squeeze(self.score_projection(hidden), -1)

    def call(
        self, query: tf.Tensor, memory: Memory, state: Any, seed: tf.Tensor | None = None
    ) -> AttentionOutput:
        scores = self.scores(query, memory.keys)
        weights = attention_weights(scores, memory.cells, self.normalization)
        return AttentionOutput(weighted_sum(weights, memory.values), weights, state)
