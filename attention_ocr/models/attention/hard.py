"""Hard attention: each step sees one cell."""

from typing import Any

import keras
import tensorflow as tf

from attention_ocr.models.attention.additive import AdditiveAttention
from attention_ocr.models.attention.interface import (
    AttentionOutput,
    Choice,
    Memory,
    log_weights,
    weighted_sum,
)


@keras.saving.register_keras_serializable(package="attention_ocr")
class HardAttention(AdditiveAttention):
    """Stochastic hard attention (Xu et al., 2015, section 4.1; Ba et al., 2015, section 3).

    Additive scores, divided by a temperature, give a distribution over the cells. In training the
    context is a cell sampled from it or, in a fraction of the steps, its expectation, as in Xu et
    al. for robustness. At inference it is the most probable cell. Samples have no gradient: the
    loss has a REINFORCE term, see `models.losses.reinforce_loss`. The state is the last `Choice`.

    Args:
        units: U, width of the projected queries and keys.
        normalization: `softmax` or `sigmoid`.
        temperature: Temperature of the distribution; below 1 it is sharper.
        soft_share: Probability of using the expectation, for each step and example in training.
    """

    draws = True

    def __init__(
        self,
        units: int,
        normalization: str = "softmax",
        temperature: float = 1.0,
        soft_share: float = 0.5,
        **kwargs: object,
    ) -> None:
        super().__init__(units, normalization, **kwargs)
        self.temperature = temperature
        self.soft_share = soft_share

    def initial_state(self, memory: Memory, grid_shape: tf.Tensor) -> Choice:
        blank = tf.zeros(tf.shape(memory.cells)[:1])
        return Choice(blank, blank)

    def choice(self, state: Choice) -> Choice:
        return state

    def call(
        self, query: tf.Tensor, memory: Memory, state: Any, seed: tf.Tensor | None = None
    ) -> AttentionOutput:
        scores = self.scores(query, memory.keys) / self.temperature
        log_probabilities = log_weights(scores, memory.cells, self.normalization)
        if seed is None:
            weights = _one_hot(tf.argmax(log_probabilities, axis=-1), log_probabilities)
            return AttentionOutput(weighted_sum(weights, memory.values), weights, state)
        cell_seed, soft_seed = tf.unstack(tf.random.split(seed))
        drawn = tf.random.stateless_categorical(log_probabilities, 1, cell_seed)[:, 0]
        hard_weights = _one_hot(drawn, log_probabilities)
        # On the padding the logarithm is the lowest float, and contributes nothing.
        log_probabilities = tf.where(memory.cells, log_probabilities, 0.0)
        probabilities = tf.where(memory.cells, tf.exp(log_probabilities), 0.0)
        is_soft = tf.random.stateless_uniform(tf.shape(drawn), soft_seed) < self.soft_share
        weights = tf.where(is_soft[:, None], probabilities, hard_weights)
        log_probability = tf.reduce_sum(hard_weights * log_probabilities, axis=-1)
        choice = Choice(
            tf.where(is_soft, 0.0, log_probability),
            -tf.reduce_sum(probabilities * log_probabilities, axis=-1),
        )
        return AttentionOutput(weighted_sum(weights, memory.values), weights, choice)


def _one_hot(cell: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    return tf.one_hot(cell, tf.shape(like)[-1], dtype=like.dtype)
