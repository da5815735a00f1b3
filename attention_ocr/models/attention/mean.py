"""No attention: every step sees the mean of the grid."""

from typing import Any

import keras
import tensorflow as tf

from attention_ocr.models.attention.interface import (
    Attention,
    AttentionOutput,
    Memory,
    weighted_sum,
)


@keras.saving.register_keras_serializable(package="attention_ocr")
class MeanAttention(Attention):
    """The mean of the valid cells, the same in every step.

    A baseline without attention (as in Sutskever et al., 2014). The weights are one over the
    number of valid cells.
    """

    def prepare(self, values: tf.Tensor, cells: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the mean float [B, D] and the weights float32 [B, N]."""
        weights = tf.cast(cells, tf.float32)
        weights /= tf.reduce_sum(weights, axis=1, keepdims=True)
        return weighted_sum(weights, values), weights

    def call(
        self, query: tf.Tensor, memory: Memory, state: Any, seed: tf.Tensor | None = None
    ) -> AttentionOutput:
        mean, weights = memory.keys
        return AttentionOutput(mean, weights, state)
