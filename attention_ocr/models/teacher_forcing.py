"""The training loop of decoders: each step gets the previous character, true or sampled."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

Outputs = tuple[tf.Tensor, ...]


class ScheduledSampling(NamedTuple):
    """Feeding sampled characters in place of true ones (Bengio et al., 2015, section 2.4).

    Attributes:
        probability: float32 scalar, applied independently per step and example.
        logits: Computes the logits float32 [B, V] from the first output of a step.
    """

    probability: tf.Tensor
    logits: Callable[[tf.Tensor], tf.Tensor]

    def feed(
        self, embed: Callable[[tf.Tensor], tf.Tensor], own: tf.Tensor, true: tf.Tensor, seed: Any
    ) -> tf.Tensor:
        """Return for each example the embedding of its `own` character, or the `true` one."""
        uniform = tf.random.stateless_uniform(tf.shape(own), seed)
        # In mixed precision Keras casts the probability to fewer bits.
        own_is_fed = uniform < tf.cast(self.probability, tf.float32)
        return tf.where(own_is_fed[:, None], embed(own), true)

    def draw(self, output: tf.Tensor, seed: Any) -> tf.Tensor:
        """Return a sampled character for each example, int32 [B], without gradient."""
        logits = tf.stop_gradient(self.logits(output))
        return tf.random.stateless_categorical(logits, 1, seed, tf.int32)[:, 0]


def run_steps(
    step: Callable[[tf.Tensor, Any, tf.Tensor | None], tuple[Outputs, Any]],
    embed: Callable[[tf.Tensor], tf.Tensor],
    state: Any,
    decoder_inputs: tf.Tensor,
    outputs: tuple[tf.TensorSpec, ...],
    seed: tf.Tensor | None = None,
    sampling: ScheduledSampling | None = None,
) -> list[tf.Tensor]:
    """Run one step per input character.

    Args:
        step: `(embedded [B, E], state, seed) -> (outputs, state)`.
        embed: Maps token ids int [...] to float [..., E].
        state: Initial state, a nest of tensors.
        decoder_inputs: int [B, T].
        outputs: Dtype and shape of each output of a step.
        seed: int32 [2], from which each step gets its own. Sampling needs it.
        sampling: Scheduled sampling; None feeds true characters only.

    Returns:
        The outputs of all steps, [B, T, ...].
    """
    num_steps = tf.shape(decoder_inputs)[1]
    embedded = embed(tf.transpose(decoder_inputs))  # [T, B, E]
    source = tf.TensorArray(embedded.dtype, size=num_steps).unstack(embedded)
    # The start token is never replaced by a sample.
    own = () if sampling is None else (tf.cast(decoder_inputs[:, 0], tf.int32),)

    def body(
        t: tf.Tensor, state: Any, own: tuple[tf.Tensor, ...], arrays: tuple[tf.TensorArray, ...]
    ) -> tuple[tf.Tensor, Any, tuple[tf.Tensor, ...], tuple[tf.TensorArray, ...]]:
        fed, seeds = source.read(t), [None, None, None]
        if seed is not None:
            seeds = tf.unstack(tf.random.split(tf.random.fold_in(seed, t), 3))
        if sampling is not None:
            fed = sampling.feed(embed, own[0], fed, seeds[0])
        values, state = step(fed, state, seeds[1])
        if sampling is not None:
            own = (sampling.draw(values[0], seeds[2]),)
        written = [array.write(t, value) for array, value in zip(arrays, values, strict=True)]
        return t + 1, state, own, tuple(written)

    arrays = tuple(
        tf.TensorArray(output.dtype, num_steps, element_shape=output.shape) for output in outputs
    )
    *_, arrays = tf.while_loop(
        lambda t, *_: t < num_steps,
        body,
        (tf.constant(0), state, own, arrays),
        maximum_iterations=num_steps,
    )
    return [_batch_first(array.stack()) for array in arrays]


def _batch_first(values: tf.Tensor) -> tf.Tensor:
    """Return `values` [T, B, ...] as [B, T, ...]."""
    return tf.transpose(values, (1, 0, *range(2, values.shape.rank)))
