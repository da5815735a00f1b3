"""The sequence model with gated recurrent units."""

import keras
import tensorflow as tf


class BidirectionalGRU(keras.layers.Layer):
    """GRU (Cho et al., 2014) over the valid columns of every example, once in each direction.

    The backward direction starts at the last valid column: its state stays zero until then.

    Args:
        units: U, of each direction.

    Call arguments and returns are those of `sequence.BidirectionalLSTM`.
    """

    def __init__(self, units: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.forward = keras.layers.GRU(
            units, return_sequences=True, return_state=True, name="forward"
        )
        self.backward = keras.layers.GRU(
            units, return_sequences=True, return_state=True, go_backwards=True, name="backward"
        )

    def call(self, inputs: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        valid = tf.sequence_mask(lengths, tf.shape(inputs)[1])
        forward, end = self.forward(inputs, mask=valid)
        backward, start = self.backward(inputs, mask=valid)
        outputs = tf.concat([forward, tf.reverse(backward, (1,))], axis=-1)
        return outputs * tf.cast(valid, outputs.dtype)[..., None], tf.concat([end, start], axis=-1)
