"""Shared parts of encoders: the mask of valid cells, and masked convolutions."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def valid_cells(
    image_sizes: tf.Tensor, grid_height: int, grid_width: tf.Tensor, stride: tuple[int, int]
) -> tf.Tensor:
    """Return the mask of grid cells on the content of the image, not on its padding.

    Args:
        image_sizes: int32 [B, 2], height and width of each image without its padding, in pixels.
        grid_height: H', rows of the grid.
        grid_width: int32 scalar W', columns of the grid.
        stride: Height and width of a cell, in pixels.

    Returns:
        bool [B, H', W']. A partially covered cell is valid.
    """
    rows = tf.range(grid_height)[None] * stride[0] < image_sizes[:, :1]
    columns = tf.range(grid_width)[None] * stride[1] < image_sizes[:, 1:]
    return tf.expand_dims(rows, 2) & tf.expand_dims(columns, 1)


def relu_on_content(inputs: tf.Tensor, cells: tf.Tensor, training: bool) -> tf.Tensor:
    """Apply ReLU, and set the padding to zero.

    Args:
        inputs: float [B, H, W, D].
        cells: [B, H, W, 1], 1 on the content and 0 on the padding.
        training: Whether a gradient follows: it is then one pass over the tensor, not two.

    Returns:
        float [B, H, W, D].
    """
    cells = tf.cast(cells, inputs.dtype)
    return _masked_relu(inputs, cells) if training else tf.nn.relu(inputs) * cells


@tf.custom_gradient
def _masked_relu(inputs: tf.Tensor, cells: tf.Tensor) -> tuple[tf.Tensor, Callable[..., Any]]:
    outputs = tf.nn.relu(inputs) * cells

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        # The output is positive where the input is and the cell belongs to the content.
        return tf.raw_ops.ReluGrad(gradients=upstream, features=outputs), None

    return outputs, gradient


def scaled_channels(channels: int, width: float) -> int:
    """Return `channels` times `width`, as a multiple of 8.

    >>> scaled_channels(64, 0.3)
    16
    """
    return max(8, round(channels * width / 8) * 8)


@keras.saving.register_keras_serializable(package="attention_ocr")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation over all but the last axis, in one operation (Ioffe and Szegedy, 2015).

    Keras computes the same in several operations, each over the whole tensor and in float32, which
    makes the training step of an encoder a quarter slower on a CPU in bfloat16.

    Call arguments:
        inputs: float [B, H, W, D].
        training: Whether batch statistics are used and moving averages updated; never in a frozen
            layer.

    Returns:
        float [B, H, W, D].
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        nothing = tf.zeros((0,))
        # A frozen layer normalises as at inference; otherwise its statistics would drift.
        training = training and self.gamma.trainable
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=nothing if training else self.moving_mean,
            variance=nothing if training else self.moving_variance,
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            # The operation returns the unbiased estimate; Keras averages the biased one.
            num_values = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
            variance *= tf.maximum(num_values - 1.0, 1.0) / num_values
            for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return outputs


@keras.saving.register_keras_serializable(package="attention_ocr")
class ConvolutionUnit(keras.layers.Layer):
    """Convolution, batch normalisation, ReLU, and zeros on the padding.

    The zeros make the output independent of the amount of padding: otherwise a convolution would
    carry the bias of the normalisation from the padding into the content. Sizes must be divisible
    by the stride, or "same" padding would shift the windows.

    Args:
        channels: Output channels.
        kernel_size: Size of the window in pixels.
        strides: Vertical and horizontal stride.
        activate: Whether ReLU is applied.

    Attributes:
        gate: Function applied to the output of ReLU, or None; set by `saliency.feedback_saliency`.

    Call arguments:
        inputs: float [B, H, W, D].
        cells: [B, H', W', 1], 1 on the content and 0 on the padding of the output; None leaves the
            padding as it is.

    Returns:
        float [B, H', W', channels].
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        strides: tuple[int, int] = (1, 1),
        activate: bool = True,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.convolution = keras.layers.Conv2D(
            channels,
            kernel_size,
            strides,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name="convolution",
            dtype=self.dtype_policy,
        )
        # A momentum of 0.9 adapts within some tens of steps, as short runs are common here.
        self.normalization = FusedBatchNormalization(
            momentum=0.9, epsilon=1e-3, name="normalization", dtype=self.dtype_policy
        )
        self.activate = activate
        self.gate: Callable[[tf.Tensor], tf.Tensor] | None = None

    def call(self, inputs: tf.Tensor, cells: tf.Tensor | None, training: bool = False) -> tf.Tensor:
        outputs = self.normalization(self.convolution(inputs), training=training)
        if self.activate and self.gate is None and cells is not None:
            return relu_on_content(outputs, cells, training)
        if self.activate:
            outputs = tf.nn.relu(outputs)
            if self.gate is not None:
                outputs = self.gate(outputs)
        return outputs if cells is None else outputs * tf.cast(cells, outputs.dtype)
