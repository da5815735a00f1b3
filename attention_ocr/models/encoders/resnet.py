"""The residual network of the scene-text recipe: 29 convolutions, up to 512 channels."""

import itertools

import keras
import tensorflow as tf

from attention_ocr.models.encoders.grid import ConvolutionUnit, scaled_channels, valid_cells
from attention_ocr.models.encoders.residual import ResidualUnit


@keras.saving.register_keras_serializable(package="attention_ocr")
class ResNetEncoder(keras.layers.Layer):
    """ResNet of FAN (Cheng et al., 2017, table 1), as used in TRBA (Baek et al., 2019).

    Blocks of 1, 2, 5 and 3 residual units, each followed by a convolution; the last two
    convolutions replace pools. At a height of 32 pixels the grid has one row, as in the original.

    Two things differ from the original, so that padding does not affect the content. All units are
    masked. And where the original pads both sides of a window of two columns, which makes the grid
    one column wider than a quarter of the image, only the right side is padded here. The last
    convolution has a vertical stride of two: over the two rows of an image of 32 pixels it computes
    the same as the original, and higher images keep a known stride.

    Args:
        width: Multiplier of the channels of every convolution.

    Call arguments:
        images: float [B, H, W, C], H a multiple of 32, W one of 16.
        image_sizes: int32 [B, 2], height and width of each image without its padding.

    Returns:
        `feature_grid`: float [B, H/32, W/4, D], D = 512 at width 1; zero on the padding.
        `cells`: bool [B, H/32, W/4], true on the content of the image.
    """

    stride = (32, 4)
    stages = ((128, 1), (256, 2), (512, 5), (512, 3))
    """Channels and residual units of each stage."""
    pools = ((2, 2), (2, 2), (2, 1))
    """Strides of the pools before the first three stages; their windows are of 2x2 pixels."""

    def __init__(self, width: float = 1.0, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.stem = [
            ConvolutionUnit(
                scaled_channels(channels, width), name=f"stem_{index}", dtype=self.dtype_policy
            )
            for index, channels in enumerate((32, 64))
        ]
        # One list: a `.keras` file of Keras 3.12 leaves out layers in lists of lists.
        self.residual_units = [
            ResidualUnit(
                scaled_channels(channels, width),
                name=f"block_{index}_unit_{unit}",
                dtype=self.dtype_policy,
            )
            for index, (channels, num_units) in enumerate(self.stages)
            for unit in range(num_units)
        ]
        self.after = [
            ConvolutionUnit(
                scaled_channels(channels, width), name=f"after_{index}", dtype=self.dtype_policy
            )
            for index, (channels, _) in enumerate(self.stages[:-1])
        ]
        self.last = [
            ConvolutionUnit(
                scaled_channels(512, width),
                2,
                (2, 1),
                name=f"last_{index}",
                dtype=self.dtype_policy,
            )
            for index in range(2)
        ]

    def call(
        self, images: tf.Tensor, image_sizes: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        height, width = images.shape[1], tf.shape(images)[2]
        stride = (1, 1)

        def cells_of(stride: tuple[int, int]) -> tf.Tensor:
            return valid_cells(image_sizes, height // stride[0], width // stride[1], stride)

        features, cells = images, cells_of(stride)
        for unit in self.stem:
            features = unit(features, cells[..., None], training=training)
        units = iter(self.residual_units)
        for index, (_, num_units) in enumerate(self.stages):
            if index < len(self.pools):
                pool = self.pools[index]
                # Features are non-negative, so zeros on the padding never win the maximum.
                features = tf.nn.max_pool2d(features, 2, pool, "SAME")
                stride = (stride[0] * pool[0], stride[1] * pool[1])
                cells = cells_of(stride)
            for unit in itertools.islice(units, num_units):
                features = unit(features, cells[..., None], training=training)
            if index < len(self.after):
                features = self.after[index](features, cells[..., None], training=training)
        for unit in self.last:
            stride = (stride[0] * 2, stride[1])
            cells = cells_of(stride)
            features = unit(features, cells[..., None], training=training)
        return features, cells
