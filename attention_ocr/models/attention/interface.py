"""The interface of attention layers."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf


class Memory(NamedTuple):
    """The memory of the decoder, computed once per image; every tensor has the leading axis B.

    Attributes:
        values: float [B, N, D], the flattened feature grid.
        keys: Keys that the attention computed from the values, a nest of tensors.
        cells: bool [B, N], true on the content of the image.
    """

    values: tf.Tensor
    keys: Any
    cells: tf.Tensor


class AttentionOutput(NamedTuple):
    """Output of an attention step.

    Attributes:
        context: float [B, C], see `Attention.context_width`.
        weights: float32 [B, N], non-negative, zero where `cells` is false, summing to 1.
        state: State for the next step, a nest of tensors with the leading axis B.
    """

    context: tf.Tensor
    weights: tf.Tensor
    state: Any


class Choice(NamedTuple):
    """The sample of a step, for REINFORCE.

    Attributes:
        log_probability: float32 [B], of the sampled cell; 0 if none was sampled.
        entropy: float32 [B], of the sampled distribution, in nats.
    """

    log_probability: tf.Tensor
    entropy: tf.Tensor


class Attention(keras.layers.Layer):
    """Computes the context of a decoder step from the memory.

    A new kind is a subclass, and a line in `settings.model.ATTENTIONS`. Its constructor's
    arguments have the names of `models.build.attention_arguments`.

    Call arguments:
        query: float [B, Q], the decoder's output.
        memory: Memory with the `keys` of `prepare`.
        state: State of the previous step, initially from `initial_state`.
        seed: int32 [2], for sampling in training; None at inference, which samples nothing.

    Returns:
        `AttentionOutput`.
    """

    draws = False
    """Whether training samples cells, which `choice` returns."""

    def __init__(self, **kwargs: object) -> None:
        # Keras would cast the state between steps, including float32 weights.
        super().__init__(autocast=False, **kwargs)

    def build(self, query_width: int, memory_width: int) -> None:
        self.built = True

    def context_width(self, memory_width: int) -> int:
        """Return C for values of width D."""
        return memory_width

    def prepare(self, values: tf.Tensor, cells: tf.Tensor) -> Any:
        """Return the keys of `values` float [B, N, D] with valid `cells` bool [B, N]."""
        raise NotImplementedError

    def initial_state(self, memory: Memory, grid_shape: tf.Tensor) -> Any:
        """Return the state before the first step, for a grid of `grid_shape` int32 [2] = H', W'."""
        del memory, grid_shape
        return ()

    def choice(self, state: Any) -> Choice:
        """Return the sample of the step that returned `state`."""
        raise NotImplementedError

    def call(
        self, query: tf.Tensor, memory: Memory, state: Any, seed: tf.Tensor | None = None
    ) -> AttentionOutput:
        raise NotImplementedError


def weighted_sum(weights: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Return the weighted sum of `values` float [B, N, D] by float32 [B, N]: float [B, D]."""
    # Without indexing, which takes LiteRT one more operation.
    weights = tf.expand_dims(tf.cast(weights, values.dtype), 1)
    return tf.squeeze(tf.matmul(weights, values), 1)


def log_weights(scores: tf.Tensor, cells: tf.Tensor, normalization: str) -> tf.Tensor:
    """Return the log attention weights.

    Args:
        scores: float [B, ..., N].
        cells: bool, broadcasts to `scores`; at least one is true in each row.
        normalization: `softmax`, or `sigmoid`: the weights are sigmoids divided by their sum,
            which lets several cells share the attention (Chorowski et al., 2015, section 2.3,
            "smoothing").

    Returns:
        float32 [B, ..., N]; the exponential is zero where `cells` is false and sums to 1.
    """
    scores = tf.cast(scores, tf.float32)
    if normalization == "sigmoid":
        scores = tf.math.log_sigmoid(scores)
    return tf.nn.log_softmax(tf.where(cells, scores, scores.dtype.min))


def attention_weights(scores: tf.Tensor, cells: tf.Tensor, normalization: str) -> tf.Tensor:
    """Return the attention weights, see `log_weights`."""
    scores = tf.cast(scores, tf.float32)
    if normalization == "sigmoid":
        scores = tf.math.log_sigmoid(scores)
    return tf.nn.softmax(tf.where(cells, scores, scores.dtype.min))
