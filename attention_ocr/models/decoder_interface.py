"""The interface of decoders."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from attention_ocr.models.attention.interface import Memory


class Choices(NamedTuple):
    """Samples of a stochastic attention, for REINFORCE.

    Attributes:
        log_probabilities: float32 [B, T], of the sampled cells; 0 if none was sampled.
        entropies: float32 [B, T], of the sampled distributions, in nats.
        baselines: float32 [B, T], the expected reward.
    """

    log_probabilities: tf.Tensor
    entropies: tf.Tensor
    baselines: tf.Tensor


class TeacherForcedOutput(NamedTuple):
    """Output of teacher forcing.

    Attributes:
        logits: float32 [B, T, V]; `logits[:, t]` predicts `targets[:, t]`.
        weights: float32 [B, T, N], attention weights of each step.
        choices: Samples of a stochastic attention in training; otherwise None.
    """

    logits: tf.Tensor
    weights: tf.Tensor
    choices: Choices | None


class ParallelOutput(NamedTuple):
    """Output of parallel decoding.

    Attributes:
        logits: float32 [B, T, V], of all characters and the end token.
        weights: float32 [B, T, N], attention weights of each of them.
    """

    logits: tf.Tensor
    weights: tf.Tensor


class Decoder(keras.layers.Layer):
    """Decodes the feature grid as text, one character after the other or all in parallel.

    A new kind is a subclass with a name in `settings.decoder.DECODERS`. It takes those arguments of
    `models.build.decoder_arguments` that its constructor names, and others as `decoder_options`.

    Training calls the layer. Greedy decoding and every search call `step`, with B rows per
    hypothesis, in a loop whose tensors keep their shapes: so must every tensor of a state. With
    `parallel`, greedy decoding calls `decode_parallel` instead of the loop; searches (a beam,
    rules, other scorers) still use `step`.

    Call arguments:
        memory: Memory returned by `prepare`.
        state: State returned by `initial_state`.
        decoder_inputs: int [B, T], start token and text.
        sampling_probability: float32 scalar, in training, probability of feeding back a character
            sampled by the decoder; None unless the constructor names `samples_feedback`.

    Returns:
        `TeacherForcedOutput`. Outside training, its logits equal those of `step`.
    """

    parallel = False
    """Whether greedy decoding calls `decode_parallel`."""

    def __init__(self, **kwargs: Any) -> None:
        # Keras would cast the state between steps, including float32 tensors.
        super().__init__(autocast=False, **kwargs)

    def prepare(self, values: tf.Tensor, cells: tf.Tensor) -> Memory:
        """Return the memory of `values` float [B, N, D] with valid `cells` bool [B, N].

        Its `keys` are a nest of tensors with the leading axis B, computed once for each image.
        """
        raise NotImplementedError

    def initial_state(self, summary: tf.Tensor, memory: Memory, grid_shape: tf.Tensor) -> Any:
        """Return the state before the first step, a nest of tensors with the leading axis B.

        Args:
            summary: float [B, S], summary of the whole image.
            memory: Memory returned by `prepare`.
            grid_shape: int32 [2], rows and columns of the grid of the memory.
        """
        raise NotImplementedError

    def step(
        self, token_ids: tf.Tensor, state: Any, memory: Memory
    ) -> tuple[tf.Tensor, Any, tf.Tensor]:
        """Predict one character.

        Args:
            token_ids: int [B], the previous character, or the start token.
            state: State of the previous step.
            memory: Memory returned by `prepare`.

        Returns:
            logits float32 [B, V], the new state, and attention weights float32 [B, N]:
            non-negative, zero on the padding, summing to 1.
        """
        raise NotImplementedError

    def decode_parallel(self, memory: Memory, state: Any, num_steps: int) -> ParallelOutput:
        """Predict `num_steps` characters, including the end token, in a fixed number of passes."""
        raise NotImplementedError

    def call(
        self,
        memory: Memory,
        state: Any,
        decoder_inputs: tf.Tensor,
        sampling_probability: tf.Tensor | None = None,
        training: bool = False,
    ) -> TeacherForcedOutput:
        raise NotImplementedError
