"""What every decoder does for training and for decoding."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from attention_ocr.models.attention.interface import Memory


class Choices(NamedTuple):
    """What an attention that draws drew, for REINFORCE.

    Attributes:
        log_probabilities: float32 [B, T], of the cells that were drawn; 0 where none was.
        entropies: float32 [B, T], of the distributions they were drawn from, in nats.
        baselines: float32 [B, T], the reward that was to be expected.
    """

    log_probabilities: tf.Tensor
    entropies: tf.Tensor
    baselines: tf.Tensor


class TeacherForcedOutput(NamedTuple):
    """What teacher forcing gives.

    Attributes:
        logits: float32 [B, T, V]; `logits[:, t]` predicts `targets[:, t]`.
        weights: float32 [B, T, N], where each step looked.
        choices: in training, of an attention that draws; otherwise none.
    """

    logits: tf.Tensor
    weights: tf.Tensor
    choices: Choices | None


class ParallelOutput(NamedTuple):
    """What decoding in parallel gives.

    Attributes:
        logits: float32 [B, T, V], of all characters and the end.
        weights: float32 [B, T, N], where each of them looked.
    """

    logits: tf.Tensor
    weights: tf.Tensor


class Decoder(keras.layers.Layer):
    """Reads the feature grid as text, a character after the other or all in parallel.

    A new kind is a subclass with a name in `settings.decoder.DECODERS`. It takes those arguments of
    `models.build.decoder_arguments` that its constructor names, and others as `decoder_options`.

    Training calls the layer. Greedy decoding and every search call `step`, B rows of it for each
    hypothesis, in a loop whose tensors keep their shapes: so must every tensor of a state. With
    `parallel`, greedy decoding calls `decode_parallel` in place of the loop; what needs a search
    (a beam, rules, other scorers) still goes by `step`.

    Call arguments:
        memory: from `prepare`.
        state: from `initial_state`.
        decoder_inputs: int [B, T], start token and text.
        sampling_probability: float32 scalar, in training, of feeding back what the decoder itself
            drew; none, unless the constructor names `samples_feedback`.

    Returns:
        `TeacherForcedOutput`. Outside of training, its logits are those of the steps.
    """

    parallel = False
    """Whether greedy decoding calls `decode_parallel`."""

    def __init__(self, **kwargs: Any) -> None:
        # Keras would cast what a step hands to the next, float32 among it.
        super().__init__(autocast=False, **kwargs)

    def prepare(self, values: tf.Tensor, cells: tf.Tensor) -> Memory:
        """Return the memory of `values` float [B, N, D] with valid `cells` bool [B, N].

        Its `keys` are a nest of tensors with the leading axis B, computed once for each image.
        """
        raise NotImplementedError

    def initial_state(self, summary: tf.Tensor, memory: Memory, grid_shape: tf.Tensor) -> Any:
        """Return the state before the first step, a nest of tensors with the leading axis B.

        Args:
            summary: float [B, S], what the encoder says of the whole image.
            memory: from `prepare`.
            grid_shape: int32 [2], rows and columns of the grid that the memory is.
        """
        raise NotImplementedError

    def step(
        self, token_ids: tf.Tensor, state: Any, memory: Memory
    ) -> tuple[tf.Tensor, Any, tf.Tensor]:
        """Read one character.

        Args:
            token_ids: int [B], the previous character, or the start token.
            state: of the previous step.
            memory: from `prepare`.

        Returns:
            logits float32 [B, V]; the new state; and where the step looked, weights float32 [B, N],
            not negative, zero on the padding, their sum 1.
        """
        raise NotImplementedError

    def decode_parallel(self, memory: Memory, state: Any, num_steps: int) -> ParallelOutput:
        """Read `num_steps` characters, the end among them, in a fixed number of passes."""
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
