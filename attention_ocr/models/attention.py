"""Attention: where the decoder looks before it writes a character."""

import keras
import tensorflow as tf


class AdditiveAttention(keras.layers.Layer):
    """Additive attention (Bahdanau et al., 2015, section 3.1 and appendix A.1.2).

    `scores[n] = v . tanh(keys[n] + query W + b)`, `weights = softmax(scores)` over the valid
    cells, `context = sum(weights[n] memory[n])`. The keys depend on the image alone: project them
    once with `project_keys` and hand them to every step.

    Args:
        units: U, width of the space in which queries meet keys.

    Call arguments:
        query: float [B, Q].
        keys: float [B, N, U], from `project_keys`.
        memory: float [B, N, D].
        cells: bool [B, N], true where the memory may be attended; at least one in each example.

    Returns:
        `context`: float [B, D].
        `weights`: float32 [B, N], non-negative, zero where `cells` is false, summing to 1.
    """

    def __init__(self, units: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.key_projection = keras.layers.Dense(units, use_bias=False, name="keys")
        self.query_projection = keras.layers.Dense(units, name="query")
        self.score_projection = keras.layers.Dense(1, use_bias=False, name="scores")

    def project_keys(self, memory: tf.Tensor) -> tf.Tensor:
        """Return the keys of `memory` float [B, N, D]: float [B, N, U]."""
        # Outside of `call`, a layer has to say that its variables are its own.
        with keras.name_scope(self.name):
            return self.key_projection(memory)

    def call(
        self, query: tf.Tensor, keys: tf.Tensor, memory: tf.Tensor, cells: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        hidden = tf.tanh(keys + self.query_projection(query)[:, None, :])
        scores = tf.cast(self.score_projection(hidden)[..., 0], tf.float32)
        weights = tf.nn.softmax(tf.where(cells, scores, scores.dtype.min), axis=-1)
        context = tf.matmul(tf.cast(weights, memory.dtype)[:, None, :], memory)[:, 0]
        return context, weights
