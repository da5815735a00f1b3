"""The residual unit."""

from collections.abc import Callable

import keras
import tensorflow as tf

from attention_ocr.models.encoders.grid import ConvolutionUnit, relu_on_content


@keras.saving.register_keras_serializable(package="attention_ocr")
class ResidualUnit(keras.layers.Layer):
    """Two 3x3 convolutions and a shortcut (He et al., 2016, section 3.2).

    Args:
        channels: Output channels.
        strides: Strides of the first convolution and of the shortcut.

    Attributes:
        gate: Function applied to the output of the last ReLU, or None, as in `ConvolutionUnit`.

    Call arguments:
        inputs: float [B, H, W, D].
        cells: float [B, H', W', 1], 1 on the content and 0 on the padding of the output.

    Returns:
        float [B, H', W', channels].
    """

    def __init__(self, channels: int, strides: tuple[int, int] = (1, 1), **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.first = ConvolutionUnit(channels, 3, strides, name="first", dtype=self.dtype_policy)
        self.second = ConvolutionUnit(
            channels, 3, activate=False, name="second", dtype=self.dtype_policy
        )
        self.channels = channels
        self.strides = strides
        self.shortcut: ConvolutionUnit | None = None
        self.gate: Callable[[tf.Tensor], tf.Tensor] | None = None

    def build(self, inputs_shape: tuple[int | None, ...], cells_shape: object = None) -> None:
        if self.strides != (1, 1) or inputs_shape[-1] != self.channels:
            self.shortcut = ConvolutionUnit(
                self.channels, 1, activate=False, name="shortcut", dtype=self.dtype_policy
            )
        self.built = True

    def call(self, inputs: tf.Tensor, cells: tf.Tensor, training: bool = False) -> tf.Tensor:
        # The sum is set to zero on the padding once, in place of both terms.
        outputs = self.second(self.first(inputs, cells, training=training), None, training=training)
        if self.shortcut is not None:
            inputs = self.shortcut(self._thin_out(inputs), None, training=training)
        outputs = relu_on_content(outputs + inputs, cells, training)
        return outputs if self.gate is None else self.gate(outputs)

    def start_as_identity(self) -> None:
        """Let the unit return its inputs, which are not negative after a ReLU, until it is trained.

        The scale of the last normalisation is set to zero (Goyal et al., 2017, section 5.1): a unit
        added to a trained network does not change what this computes.

        Raises:
            ValueError: If its shortcut has weights: it changes the size or the channels.
        """
        if self.shortcut is not None:
            raise ValueError(
                f"A unit that changes the size or the channels cannot be the identity. "
                f"Received: {self.name}"
            )
        self.second.normalization.gamma.assign(tf.zeros(self.channels))

    def _thin_out(self, inputs: tf.Tensor) -> tf.Tensor:
        """Apply the stride before the convolution of the shortcut.

        The gradient of a strided 1x1 convolution of eight channels writes outside its memory in
        oneDNN (TensorFlow 2.21). A pool of single pixels is four times as fast as a slice with its
        gradient.
        """
        if self.strides == (1, 1):
            return inputs
        return tf.nn.avg_pool2d(inputs, 1, self.strides, "VALID")
