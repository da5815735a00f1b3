"""The attention decoder: one step, shared by teacher forcing and all decoding methods."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from attention_ocr.models.attention.interface import Attention, Memory
from attention_ocr.models.clipped_lstm import ClippedLSTMCell
from attention_ocr.models.decoder_interface import Choices, Decoder, TeacherForcedOutput
from attention_ocr.models.serialization import deserialize_layer, serialize_layer
from attention_ocr.models.teacher_forcing import ScheduledSampling, run_steps

CELLS = {"lstm": (ClippedLSTMCell, 2), "gru": (keras.layers.GRUCell, 1)}
"""Class of each recurrent cell, and number of its state tensors; the first is its output."""


class DecoderState(NamedTuple):
    """State between steps; every tensor has the leading axis B.

    Attributes:
        layers: The state of each layer's cell, a tuple of float [B, U]: `(hidden, cell)` for an
            LSTM, `(hidden,)` for a GRU.
        context: float [B, C], context of the previous step.
        attention: State of the attention, a nest of tensors.
    """

    layers: tuple[tuple[tf.Tensor, ...], ...]
    context: tf.Tensor
    attention: Any


@keras.saving.register_keras_serializable(package="attention_ocr")
class AttentionDecoder(Decoder):
    """Recurrent layers that attend to the grid, one character per step.

    The inputs of the first layer are the previous character and the previous context (Bahdanau et
    al., 2015; input feeding, Luong et al., 2015, section 3.3). The output of the last layer is the
    attention query; output and context together give the logits.

    Args:
        vocabulary_size: V.
        units: U, units of each layer.
        attention: The attention layer.
        embedding_units: Width of the embedding of the previous character.
        cell: Name of the recurrent cell in `CELLS`.
        cell_clip: Maximum magnitude of the cell state of an LSTM; 0 disables clipping.
        num_layers: Number of layers.
        autoregressive: Whether the previous character is fed back.
        feedback: `embedding` or `one_hot` representation of the previous character.
        samples_feedback: Whether training passes a `sampling_probability`.
        dropout: Dropout rate of output and context before the logits.
        seed: Seed of all random numbers.

    Call arguments:
        memory: Memory returned by `prepare`.
        state: State returned by `initial_state`.
        decoder_inputs: int [B, T], start token and text.
        sampling_probability: float32 scalar, in training: probability of feeding back a character
            sampled from the decoder's own distribution in place of the true one, decided per step
            and example (scheduled sampling, Bengio et al., 2015, section 2.4). None disables it.

    Returns:
        `TeacherForcedOutput`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        attention: Attention,
        embedding_units: int,
        *,
        cell: str = "lstm",
        cell_clip: float = 0.0,
        num_layers: int = 1,
        autoregressive: bool = True,
        feedback: str = "embedding",
        samples_feedback: bool = False,
        dropout: float = 0.0,
        seed: int = 0,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self._arguments = {
            "vocabulary_size": vocabulary_size,
            "units": units,
            "embedding_units": embedding_units,
            "cell": cell,
            "cell_clip": cell_clip,
            "num_layers": num_layers,
            "autoregressive": autoregressive,
            "feedback": feedback,
            "samples_feedback": samples_feedback,
            "dropout": dropout,
            "seed": seed,
        }
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.autoregressive = autoregressive
        self.embedding = None
        if autoregressive and feedback == "embedding":
            self.embedding = keras.layers.Embedding(
                vocabulary_size, embedding_units, name="embedding", dtype=self.dtype_policy
            )
        self.cells, self.state_size = self._make_cells(cell, num_layers, cell_clip)
        self.attention = attention
        self.state_projection = keras.layers.Dense(
            num_layers * self.state_size * units,
            activation="tanh",
            name="initial_state",
            dtype=self.dtype_policy,
        )
        self.dropout = keras.layers.Dropout(
            dropout, seed=seed, name="dropout", dtype=self.dtype_policy
        )
        self.output_projection = keras.layers.Dense(vocabulary_size, dtype="float32", name="output")
        self.baseline = None
        if attention.draws:
            self.baseline = keras.layers.Dense(1, dtype="float32", name="baseline")
        self.seed_generator = None
        if attention.draws or samples_feedback:
            # Part of the checkpoints, so that a resumed run draws the same numbers.
            self.seed_generator = keras.random.SeedGenerator(seed)

    def _make_cells(
        self, cell: str, num_layers: int, cell_clip: float
    ) -> tuple[list[keras.layers.Layer], int]:
        """Return the cells, the first one first, and the number of tensors in their state."""
        cell_class, state_size = CELLS[cell]
        names = [cell, *(f"{cell}_{index}" for index in range(1, num_layers))]
        clip = {"cell_clip": cell_clip} if cell_clip else {}
        cells = [
            cell_class(self.units, **clip, name=name, dtype=self.dtype_policy) for name in names
        ]
        return cells, state_size

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        attention = {"attention": serialize_layer(self.attention)}
        return super().get_config() | self._arguments | attention

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AttentionDecoder":
        """Build the decoder from the result of `get_config`."""
        return cls(**config | {"attention": deserialize_layer(config["attention"])})

    def build(self, *shapes: object) -> None:
        # `prepare` creates the variables that the loop needs; other layers create their own.
        self.built = True

    def prepare(self, values: tf.Tensor, cells: tf.Tensor) -> Memory:
        """Return the memory of `values` float [B, N, D] with valid `cells` bool [B, N]."""
        with keras.name_scope(self.name):
            if not self.attention.built:
                self._build_loop(values.shape[-1])
            with keras.name_scope(self.attention.name):
                return Memory(values, self.attention.prepare(values, cells), cells)

    def _build_loop(self, memory_width: int) -> None:
        character_width = 0
        if self.embedding is not None:
            self.embedding.build()
            character_width = self.embedding.output_dim
        elif self.autoregressive:
            character_width = self.vocabulary_size
        width = character_width + self.attention.context_width(memory_width)
        for cell in self.cells:
            cell.build((None, width))
            width = self.units
        self.attention.build(self.units, memory_width)
        if self.baseline is not None:
            # Only training calls it, but inference needs its weights to load a model.
            self.baseline.build((None, self.units + self.attention.context_width(memory_width)))

    def initial_state(
        self, summary: tf.Tensor, memory: Memory, grid_shape: tf.Tensor
    ) -> DecoderState:
        """Return the state before the first step.

        Args:
            summary: float [B, S], summary of the whole image, including both directions of a
                bidirectional sequence model.
            memory: Memory returned by `prepare`.
            grid_shape: int32 [2], rows and columns of the grid of the memory.
        """
        with keras.name_scope(self.name):
            states = tf.split(
                self.state_projection(summary), len(self.cells) * self.state_size, axis=-1
            )
        layers = tuple(
            tuple(states[index * self.state_size :][: self.state_size])
            for index in range(len(self.cells))
        )
        width = self.attention.context_width(memory.values.shape[-1])
        context = tf.zeros((tf.shape(memory.values)[0], width), memory.values.dtype)
        return DecoderState(layers, context, self.attention.initial_state(memory, grid_shape))

    def embed(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Return the representation of fed back characters, float [..., E]; E may be 0."""
        if self.embedding is not None:
            # Skips the layer's handling of negative indices, four operations per step.
            vectors = tf.gather(self.embedding.embeddings, token_ids)
            return tf.cast(vectors, self.compute_dtype)
        depth = self.vocabulary_size if self.autoregressive else 0
        return tf.one_hot(token_ids, depth, dtype=self.compute_dtype)

    def advance(
        self,
        embedded: tf.Tensor,
        state: DecoderState,
        memory: Memory,
        seed: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """Run one step without the projection to logits.

        Args:
            embedded: float [B, E], from `embed`.
            state: State of the previous step.
            memory: Memory returned by `prepare`.
            seed: int32 [2], in training, for sampling by the attention.

        Returns:
            float [B, U + C] for `project`, the new state, and the weights float32 [B, N].
        """
        output = tf.concat([embedded, state.context], axis=-1)
        layers = []
        for cell, cell_state in zip(self.cells, state.layers, strict=True):
            output, new_state = cell(output, list(cell_state))
            layers.append(tuple(new_state))
        attended = self.attention(output, memory, state.attention, seed=seed)
        features = tf.concat([output, attended.context], axis=-1)
        state = DecoderState(tuple(layers), attended.context, attended.state)
        return features, state, attended.weights

    def project(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the logits float32 [..., V] of `features` float [..., U + C]."""
        return self.output_projection(self.dropout(features, training=training))

    def step(
        self, token_ids: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """Predict one character.

        Args:
            token_ids: int [B], the previous character.
            state: State of the previous step.
            memory: Memory returned by `prepare`.

        Returns:
            logits float32 [B, V], the new state, and the weights float32 [B, N].
        """
        features, state, weights = self.advance(self.embed(token_ids), state, memory)
        return self.project(features), state, weights

    def call(
        self,
        memory: Memory,
        state: DecoderState,
        decoder_inputs: tf.Tensor,
        sampling_probability: tf.Tensor | None = None,
        training: bool = False,
    ) -> TeacherForcedOutput:
        choosing = training and self.attention.draws
        sampling, seed = None, None
        if training and sampling_probability is not None:
            sampling = ScheduledSampling(sampling_probability, self.output_projection)
        if self.seed_generator is not None and (choosing or sampling is not None):
            seed = tf.cast(self.seed_generator.next(), tf.int32)

        def step(
            embedded: tf.Tensor, state: DecoderState, seed: tf.Tensor | None
        ) -> tuple[tuple[tf.Tensor, ...], DecoderState]:
            features, state, weights = self.advance(
                embedded, state, memory, seed if choosing else None
            )
            choice = self.attention.choice(state.attention) if choosing else ()
            return (features, weights, *choice), state

        num_features = self.units + state.context.shape[-1]
        outputs = [
            tf.TensorSpec((None, num_features), state.context.dtype),
            tf.TensorSpec(memory.cells.shape, tf.float32),
        ]
        if choosing:
            outputs += [tf.TensorSpec((None,), tf.float32)] * 2
        features, weights, *choices = run_steps(
            step, self.embed, state, decoder_inputs, tuple(outputs), seed, sampling
        )
        logits = self.project(features, training=training)
        if self.baseline is None or not choosing:
            return TeacherForcedOutput(logits, weights, None)
        log_probabilities, entropies = choices
        baselines = self.baseline(tf.stop_gradient(features))[..., 0]
        return TeacherForcedOutput(
            logits, weights, Choices(log_probabilities, entropies, baselines)
        )
