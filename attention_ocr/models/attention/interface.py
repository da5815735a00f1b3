"""What every attention does for the decoder."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf


class Memory(NamedTuple):
    """What the decoder looks at, computed once for each image; every tensor has the leading axis B.

    Attributes:
        values: float [B, N, D], the flattened feature grid.
        keys: what the attention made of the values, a nest of tensors.
        cells: bool [B, N], true on the picture.
    """

    values: tf.Tensor
    keys: Any
    cells: tf.Tensor


class AttentionOutput(NamedTuple):
    """What a step saw.

    Attributes:
        context: float [B, C], see `Attention.context_width`.
        weights: float32 [B, N], non-negative, zero where `cells` is false, summing to 1.
        state: for the next step, a nest of tensors with the leading axis B.
    """

    context: tf.Tensor
    weights: tf.Tensor
    state: Any


class Choice(NamedTuple):
    """What a step drew, for REINFORCE.

    Attributes:
        log_probability: float32 [B], of the cell that was drawn; 0 where none was.
        entropy: float32 [B], of the distribution it was drawn from, in nats.
    """

    log_probability: tf.Tensor
    entropy: tf.Tensor


class Attention(keras.layers.Layer):
    """Chooses what the decoder sees of the memory before it writes a character.

    A new kind is a subclass, and a line in `settings.model.ATTENTIONS`. Its constructor's
    arguments have the names of `models.build.attention_arguments`.

    Call arguments:
        query: float [B, Q], the decoder's output.
        memory: its `keys` are from `prepare`.
        state: of the previous step; from `initial_state` in the first.
        seed: int32 [2], in training, for what is drawn; none in reading, which draws nothing.

    Returns:
        `AttentionOutput`.
    """

    draws = False
    """Whether training draws, and `choice` tells what."""

    def __init__(self, **kwargs: object) -> None:
        # Keras would cast what a step hands to the next, weights in float32 among it.
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
        """Return what the step drew that `state` comes from."""
        raise NotImplementedError

    def call(
        self, query: tf.Tensor, memory: Memory, state: Any, seed: tf.Tensor | None = None
    ) -> AttentionOutput:
        raise NotImplementedError


def weighted_sum(weights: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Return the sum of `values` float [B, N, D] by `weights` float32 [B, N]: float [B, D]."""
    # Not by indices, which LiteRT takes one operation more for.
    weights = tf.expand_dims(tf.cast(weights, values.dtype), 1)
    return tf.squeeze(tf.matmul(weights, values), 1)


def log_weights(scores: tf.Tensor, cells: tf.Tensor, normalization: str) -> tf.Tensor:
    """Return the logarithms of the attention weights.

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
