"""The sequence model with gated recurrent units."""

import keras
import tensorflow as tf


class BidirectionalGRU(keras.layers.Layer):
    """GRU (Cho et al., 2014) over the valid columns of every example, once in each direction.

    The backward direction starts at the last valid column: its state stays zero until then.

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
