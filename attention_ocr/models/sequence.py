"""Sequence model over the columns of the feature grid."""

import keras
import tensorflow as tf


class BidirectionalLSTM(keras.layers.Layer):
    """LSTM over the valid columns of every example, once in each direction.

    The backward direction starts at the last valid column, not at the padding (Graves and
    Schmidhuber, 2005). Both directions advance in one loop, and the inputs of all steps are
    projected before it: on a CPU that halves the time of two loops.

    Args:
        units: U, of each direction.

    Call arguments:
        inputs: float [B, W, D].
        lengths: int32 [B], valid columns, at least 1.

    Returns:
        `outputs`: float [B, W, 2U], forward and backward; zero on the padding.
        `summary`: float [B, 2U], the last state of each direction.
    """

    def __init__(self, units: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.projection = keras.layers.Dense(2 * 4 * units, use_bias=False, name="projection")

    def build(self, inputs_shape: tuple[int | None, ...], lengths_shape: object = None) -> None:
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(2, self.units, 4 * self.units),
            initializer=_orthogonal_per_direction,
        )
        self.bias = self.add_weight(
            name="bias", shape=(2, 1, 4 * self.units), initializer=_open_forget_gates
        )
        self.built = True

    def call(self, inputs: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch_size, num_columns = tf.shape(inputs)[0], tf.shape(inputs)[1]
        forward, backward = tf.split(self.projection(inputs), 2, axis=-1)
        backward = tf.reverse_sequence(backward, lengths, seq_axis=1, batch_axis=0)
        # [B, W, 4U] twice -> [W, 2, B, 4U]
        projected = tf.transpose(tf.stack([forward, backward]), (2, 0, 1, 3))
        kernel = tf.cast(self.recurrent_kernel, projected.dtype)
        projected += tf.cast(self.bias, projected.dtype)
        steps = tf.TensorArray(
            projected.dtype, size=num_columns, element_shape=(2, None, self.units)
        )
        blank = tf.zeros((2, batch_size, self.units), projected.dtype)
        source = tf.TensorArray(projected.dtype, size=num_columns).unstack(projected)

        def advance(
            column: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, steps: tf.TensorArray
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.TensorArray]:
            gates = source.read(column) + tf.matmul(hidden, kernel)
            entry, forget, candidate, output = tf.split(gates, 4, axis=-1)
            new_cell = tf.sigmoid(forget) * cell + tf.sigmoid(entry) * tf.tanh(candidate)
            new_hidden = tf.sigmoid(output) * tf.tanh(new_cell)
            valid = (column < lengths)[None, :, None]
            hidden, cell = tf.where(valid, new_hidden, hidden), tf.where(valid, new_cell, cell)
            return column + 1, hidden, cell, steps.write(column, hidden)

        _, last, _, steps = tf.while_loop(
            lambda column, *_: column < num_columns,
            advance,
            (tf.constant(0), blank, blank, steps),
            maximum_iterations=num_columns,
        )
        outputs = tf.transpose(steps.stack(), (1, 2, 0, 3))  # [W, 2, B, U] -> [2, B, W, U]
        backward = tf.reverse_sequence(outputs[1], lengths, seq_axis=1, batch_axis=0)
        joined = tf.concat([outputs[0], backward], axis=-1)
        valid = tf.sequence_mask(lengths, num_columns, dtype=joined.dtype)
        return joined * valid[..., None], tf.concat([last[0], last[1]], axis=-1)


def _orthogonal_per_direction(shape: tuple[int, int, int], dtype: str) -> tf.Tensor:
    # An initialiser without a seed draws one when it is made, and then the same values each time.
    return tf.stack([keras.initializers.Orthogonal()(shape[1:], dtype) for _ in range(shape[0])])


def _open_forget_gates(shape: tuple[int, int, int], dtype: str) -> tf.Tensor:
    # Gate order: input, forget, candidate, output (Jozefowicz et al., 2015: forget bias 1).
    quarter = tf.zeros((*shape[:2], shape[2] // 4), dtype)
    return tf.concat([quarter, tf.ones_like(quarter), quarter, quarter], axis=-1)
