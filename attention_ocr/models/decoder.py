"""The attention decoder: one step, shared by teacher forcing and by every way of decoding."""

from typing import NamedTuple

import keras
import tensorflow as tf

from attention_ocr.models.attention import AdditiveAttention


class Memory(NamedTuple):
    """What the decoder looks at, computed once for each image.

    Attributes:
        values: float [B, N, D], the flattened feature grid.
        keys: float [B, N, U].
        cells: bool [B, N], true on the picture.
    """

    values: tf.Tensor
    keys: tf.Tensor
    cells: tf.Tensor


class DecoderState(NamedTuple):
    """What one step hands to the next.

    Attributes:
        hidden: float [B, U].
        cell: float [B, U].
        context: float [B, D], what the previous step saw.
    """

    hidden: tf.Tensor
    cell: tf.Tensor
    context: tf.Tensor


class AttentionDecoder(keras.layers.Layer):
    """LSTM that reads the grid through attention, a character a step (Bahdanau et al., 2015).

    The previous character and the previous context enter the LSTM (input feeding, Luong et al.,
    2015, section 3.3); its output is the query of this step's context; output and context
    together give the logits.

    Args:
        vocabulary_size: V.
        units: U, of the LSTM.
        attention_units: of the attention.
        embedding_units: of the embedding of the previous character.
        dropout: fraction of output and context dropped before the logits, in training.
        seed: of the dropout.

    Call arguments:
        memory: from `prepare`.
        state: from `initial_state`.
        decoder_inputs: int [B, T], start token and text.

    Returns:
        `logits`: float32 [B, T, V]; `logits[:, t]` predicts `targets[:, t]`.
        `weights`: float32 [B, T, N], where each step looked.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        attention_units: int,
        embedding_units: int,
        dropout: float = 0.0,
        seed: int = 0,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.embedding = keras.layers.Embedding(vocabulary_size, embedding_units, name="embedding")
        self.lstm_cell = keras.layers.LSTMCell(units, name="lstm")
        self.attention = AdditiveAttention(attention_units, name="attention")
        self.state_projection = keras.layers.Dense(
            2 * units, activation="tanh", name="initial_state"
        )
        self.dropout = keras.layers.Dropout(dropout, seed=seed, name="dropout")
        self.output_projection = keras.layers.Dense(vocabulary_size, dtype="float32", name="output")

    def prepare(self, values: tf.Tensor, cells: tf.Tensor) -> Memory:
        """Return the memory of `values` float [B, N, D] with valid `cells` bool [B, N]."""
        with keras.name_scope(self.name):
            return Memory(values, self.attention.project_keys(values), cells)

    def initial_state(self, summary: tf.Tensor, memory: Memory) -> DecoderState:
        """Return the state before the first step.

        Args:
            summary: float [B, S], what the encoder says of the whole image; both directions of
                a bidirectional sequence model are in it.
            memory: from `prepare`.
        """
        with keras.name_scope(self.name):
            hidden, cell = tf.split(self.state_projection(summary), 2, axis=-1)
        return DecoderState(hidden, cell, tf.zeros_like(memory.values[:, 0]))

    def advance(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """Advance by one character up to, but without, the projection to logits.

        Args:
            embedded: float [B, E], embedding of the previous character.
            state: of the previous step.
            memory: from `prepare`.

        Returns:
            float [B, U + D] for `project`, the new state, and the weights float32 [B, N].
        """
        output, (hidden, cell) = self.lstm_cell(
            tf.concat([embedded, state.context], axis=-1), [state.hidden, state.cell]
        )
        context, weights = self.attention(output, memory.keys, memory.values, memory.cells)
        features = tf.concat([output, context], axis=-1)
        return features, DecoderState(hidden, cell, context), weights

    def project(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the logits float32 [..., V] of `features` float [..., U + D]."""
        return self.output_projection(self.dropout(features, training=training))

    def step(
        self, token_ids: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """Read one character.

        Args:
            token_ids: int [B], the previous character.
            state: of the previous step.
            memory: from `prepare`.

        Returns:
            logits float32 [B, V], the new state, and the weights float32 [B, N].
        """
        features, state, weights = self.advance(self.embedding(token_ids), state, memory)
        return self.project(features), state, weights

    def call(
        self,
        memory: Memory,
        state: DecoderState,
        decoder_inputs: tf.Tensor,
        training: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        num_steps = tf.shape(decoder_inputs)[1]
        embedded = tf.transpose(self.embedding(decoder_inputs), (1, 0, 2))  # [T, B, E]
        source = tf.TensorArray(embedded.dtype, size=num_steps).unstack(embedded)
        # Traced for its shapes alone: the loop must not be where the layers make their variables.
        first, _, _ = self.advance(embedded[0], state, memory)
        features = tf.TensorArray(first.dtype, size=num_steps, element_shape=first.shape)
        weights = tf.TensorArray(tf.float32, size=num_steps, element_shape=memory.cells.shape)

        def body(
            t: tf.Tensor, state: DecoderState, features: tf.TensorArray, weights: tf.TensorArray
        ) -> tuple[tf.Tensor, DecoderState, tf.TensorArray, tf.TensorArray]:
            step_features, state, step_weights = self.advance(source.read(t), state, memory)
            return t + 1, state, features.write(t, step_features), weights.write(t, step_weights)

        _, _, features, weights = tf.while_loop(
            lambda t, *_: t < num_steps,
            body,
            (tf.constant(0), state, features, weights),
            maximum_iterations=num_steps,
        )
        logits = self.project(tf.transpose(features.stack(), (1, 0, 2)), training=training)
        return logits, tf.transpose(weights.stack(), (1, 0, 2))
