"""The GRU sequence model."""

from typing import Any

import keras
import tensorflow as tf

from attention_ocr.models.portable_rnn import blank_state, multiply_both_ways, run_both_ways


@keras.saving.register_keras_serializable(package="attention_ocr")
class BidirectionalGRU(keras.layers.Layer):
    """GRU (Cho et al., 2014) over the valid columns of every example, once in each direction.

    The backward direction starts at the last valid column: its state stays zero until then.

    Args:
        units: U, units per direction.
        portable: See `BidirectionalLSTM`.
        sharing: See `BidirectionalLSTM`.

    Call arguments and returns are those of `sequence.BidirectionalLSTM`.
    """

    def __init__(
        self,
        units: int,
        portable: bool = False,
        sharing: "BidirectionalGRU | None" = None,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.portable = portable
        if sharing is not None:
            self.forward: keras.layers.GRU = sharing.forward
            self.backward: keras.layers.GRU = sharing.backward
            self.built = True
            return
        self.forward = keras.layers.GRU(
            units, return_sequences=True, return_state=True, name="forward", dtype=self.dtype_policy
        )
        self.backward = keras.layers.GRU(
            units,
            return_sequences=True,
            return_state=True,
            go_backwards=True,
            name="backward",
            dtype=self.dtype_policy,
        )

    def portable_copy(self, fused: bool = False) -> "BidirectionalGRU":
        """Return a portable layer that shares the variables of this one.

        Args:
            fused: No effect: the GRU operation of other runtimes is a different variant.
        """
        return BidirectionalGRU(self.units, True, self, name=self.name, dtype=self.dtype_policy)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor; a layer built from them shares no variables."""
        return super().get_config() | {"units": self.units, "portable": self.portable}

    def call(self, inputs: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if self.portable:
            return self._call_portable(inputs, lengths)
        valid = tf.sequence_mask(lengths, tf.shape(inputs)[1])
        forward, end = self.forward(inputs, mask=valid)
        backward, start = self.backward(inputs, mask=valid)
        outputs = tf.concat([forward, tf.reverse(backward, (1,))], axis=-1)
        return outputs * tf.cast(valid, outputs.dtype)[..., None], tf.concat([end, start], axis=-1)

    def _call_portable(self, inputs: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # `reset_after` in Keras: the reset gate scales the product, which has its own bias.
        cells = [self.forward.cell, self.backward.cell]
        biases = [tf.unstack(tf.cast(cell.bias, inputs.dtype)) for cell in cells]
        forward, backward = (
            tf.tensordot(inputs, tf.cast(cell.kernel, inputs.dtype), 1) + bias[0]
            for cell, bias in zip(cells, biases, strict=True)
        )
        kernels = [tf.cast(cell.recurrent_kernel, inputs.dtype) for cell in cells]
        recurrent_biases = tf.repeat([bias[1] for bias in biases], tf.shape(inputs)[0], axis=0)

        def advance(entries: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            recurrent = multiply_both_ways(state, kernels) + recurrent_biases
            entry_update, entry_reset, entry = tf.split(entries, 3, axis=-1)
            update, reset, candidate = tf.split(recurrent, 3, axis=-1)
            update = tf.sigmoid(entry_update + update)
            candidate = tf.tanh(entry + tf.sigmoid(entry_reset + reset) * candidate)
            state = update * state + (1.0 - update) * candidate
            return state, state

        return run_both_ways(
            forward, backward, lengths, advance, blank_state(inputs, self.forward.units)
        )
