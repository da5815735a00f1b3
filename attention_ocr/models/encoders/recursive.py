"""The encoder of R2AM: convolutions applied repeatedly with the same kernel."""

import keras
import tensorflow as tf

from attention_ocr.models.encoders.grid import (
    ConvolutionUnit,
    FusedBatchNormalization,
    scaled_channels,
    valid_cells,
)


@keras.saving.register_keras_serializable(package="attention_ocr")
class RecursiveUnit(keras.layers.Layer):
    """A convolution, then another one applied `iterations` times with one kernel.

    h(0) = relu(W x), h(t) = relu(V h(t-1)): an untied recursive convolution in R2AM (Lee and
    Osindero, 2016, section 3.1), as W and V differ and V is shared. Each iteration has its own
    normalisation, because the statistics of h(t) change with t (Cooijmans et al., 2017, section
    3).

    Args:
        channels: Output channels.
        iterations: Number of applications of the shared convolution; 1 is a plain pair of
            convolutions.

    Call arguments:
        inputs: float [B, H, W, D].
        cells: float [B, H, W, 1], 1 on the content and 0 on the padding.

    Returns:
        float [B, H, W, channels], zero on the padding.
    """

    def __init__(self, channels: int, iterations: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.entry = ConvolutionUnit(channels, name="entry", dtype=self.dtype_policy)
        self.shared = keras.layers.Conv2D(
            channels,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name="shared",
            dtype=self.dtype_policy,
        )
        self.normalizations = [
            FusedBatchNormalization(
                momentum=0.9, epsilon=1e-3, name=f"normalization_{index}", dtype=self.dtype_policy
            )
            for index in range(iterations)
        ]

    def call(self, inputs: tf.Tensor, cells: tf.Tensor, training: bool = False) -> tf.Tensor:
        features = self.entry(inputs, cells, training=training)
        for normalization in self.normalizations:
            features = tf.nn.relu(normalization(self.shared(features), training=training))
            features *= tf.cast(cells, features.dtype)
        return features


@keras.saving.register_keras_serializable(package="attention_ocr")
class RecursiveEncoder(keras.layers.Layer):
    """Recursive convolutional network of R2AM (Lee and Osindero, 2016, section 3.1).

    Four recursive units of 64, 128, 256 and 512 channels with pools between them: more depth with
    the parameters of eight convolutions. Three things differ from the paper: units are normalised,
    they are masked, and the third pool keeps the width, because a column of eight pixels holds
    more than one narrow letter.

    Args:
        width: Multiplier of the channels of every convolution.
        iterations: Number of applications of each shared convolution.

    Call arguments:
        images: float [B, H, W, C], H and W multiples of 16.
        image_sizes: int32 [B, 2], height and width of each image without its padding.

    Returns:
        `feature_grid`: float [B, H/8, W/4, D], D = 512 at width 1; zero on the padding.
        `cells`: bool [B, H/8, W/4], true on the content of the image.
    """

    stride = (8, 4)
    channels = (64, 128, 256, 512)
    pools = ((2, 2), (2, 2), (2, 1))

    def __init__(self, width: float = 1.0, iterations: int = 2, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.units = [
            RecursiveUnit(
                scaled_channels(count, width),
                iterations,
                name=f"unit_{index}",
                dtype=self.dtype_policy,
            )
            for index, count in enumerate(self.channels)
        ]

    def call(
        self, images: tf.Tensor, image_sizes: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        height, width = images.shape[1], tf.shape(images)[2]
        features, stride = images, (1, 1)
        cells = valid_cells(image_sizes, height, width, stride)
        for unit, pool in zip(self.units, ((1, 1), *self.pools), strict=True):
            if pool != (1, 1):
                features = tf.nn.max_pool2d(features, pool, pool, "VALID")
                stride = (stride[0] * pool[0], stride[1] * pool[1])
                cells = valid_cells(image_sizes, height // stride[0], width // stride[1], stride)
            features = unit(features, cells[..., None], training=training)
        return features, cells
