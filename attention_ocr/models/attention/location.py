"""Location-aware additive attention."""

from typing import Any

import keras
import tensorflow as tf

from attention_ocr.models.attention.additive import AdditiveAttention
from attention_ocr.models.attention.interface import (
    AttentionOutput,
    Memory,
    attention_weights,
    weighted_sum,
)


@keras.saving.register_keras_serializable(package="attention_ocr")
class LocationAttention(AdditiveAttention):
    """Hybrid of content and location (Chorowski et al., 2015, section 2.1, equations 6 to 9).

    The weights of the previous step, arranged as the grid, are convolved to features `f[n]` of
    every cell; `scores[n] = v . tanh(keys[n] + query W + f[n] U + b)`. Before the first step all
    weights are zero. The state is the previous weights, float32 [B, H', W'].

    Args:
        units: U, width of the projected queries and keys.
        normalization: `softmax` or `sigmoid`.
        location_filters: Number of features per cell.
        location_kernel: Height and width of the convolution in cells, odd.
    """

    def __init__(
        self,
        units: int,
        normalization: str = "softmax",
        location_filters: int = 10,
        location_kernel: int = 7,
        **kwargs: object,
    ) -> None:
        super().__init__(units, normalization, **kwargs)
        self.convolution = keras.layers.Conv2D(
            location_filters,
            location_kernel,
            padding="same",
            use_bias=False,
            name="convolution",
            dtype=self.dtype_policy,
        )
        self.location_projection = keras.layers.Dense(
            units, use_bias=False, name="location", dtype=self.dtype_policy
        )

    def build(self, query_width: int, memory_width: int) -> None:
        super().build(query_width, memory_width)
        self.convolution.build((None, None, None, 1))
        self.location_projection.build((None, self.convolution.filters))

    def initial_state(self, memory: Memory, grid_shape: tf.Tensor) -> tf.Tensor:
        shape = tf.concat([tf.shape(memory.cells)[:1], grid_shape], axis=0)
        return tf.zeros(shape)

    def call(
        self, query: tf.Tensor, memory: Memory, state: Any, seed: tf.Tensor | None = None
    ) -> AttentionOutput:
        features = self.convolution(tf.cast(state, query.dtype)[..., None])  # [B, H', W', F]
        located = self.location_projection(
            tf.reshape(features, (tf.shape(state)[0], -1, features.shape[-1]))
        )
        scores = self.scores(query, memory.keys + located)
        weights = attention_weights(scores, memory.cells, self.normalization)
        grid = tf.ensure_shape(tf.reshape(weights, tf.shape(state)), state.shape)
        return AttentionOutput(weighted_sum(weights, memory.values), weights, grid)
