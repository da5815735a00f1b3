"""An LSTM with a clipped cell state."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="attention_ocr")
class ClippedLSTMCell(keras.layers.LSTMCell):
    """Keras's LSTM (Hochreiter and Schmidhuber, 1997), its cell state clipped before the output.

    c = clip(f c(t-1) + i g, -l, l), h = o tanh(c), l = `cell_clip`, as in TensorFlow 1's
    `LSTMCell`. In long texts a state that grows with every step would drown the contribution of a
    single step.

    Args:
        units: U.
        cell_clip: l, above 0; 0 disables clipping.

    Call arguments and returns are those of `keras.layers.LSTMCell`.
    """

    def __init__(self, units: int, cell_clip: float = 0.0, **kwargs: object) -> None:
        super().__init__(units, **kwargs)
        self.cell_clip = cell_clip

    def call(
        self, inputs: tf.Tensor, states: list[tf.Tensor], training: bool = False
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        if not self.cell_clip:
            return super().call(inputs, states, training=training)
        hidden, cell = states
        gates = keras.ops.matmul(inputs, self.kernel)
        gates += keras.ops.matmul(hidden, self.recurrent_kernel) + self.bias
        entry, forget, candidate, output = keras.ops.split(gates, 4, axis=-1)
        gate = self.recurrent_activation
        cell = gate(forget) * cell + gate(entry) * self.activation(candidate)
        cell = keras.ops.clip(cell, -self.cell_clip, self.cell_clip)
        hidden = gate(output) * self.activation(cell)
        return hidden, [hidden, cell]

    def get_config(self) -> dict[str, object]:
        """Return the arguments of the constructor."""
        return super().get_config() | {"cell_clip": self.cell_clip}
