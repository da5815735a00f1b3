"""An encoder for CPUs: few channels, early strides, plain 3x3 convolutions."""

import itertools
import math

import keras
import tensorflow as tf

from attention_ocr.models.encoders.grid import ConvolutionUnit, scaled_channels, valid_cells
from attention_ocr.models.encoders.residual import ResidualUnit


@keras.saving.register_keras_serializable(package="attention_ocr")
class CompactEncoder(keras.layers.Layer):
    """Residual network of four stages with strides of 8 (height) and 4 (width).

    Width and depth are scaled as in Tan and Le (2019, section 3.2).

    Args:
        width: Multiplier of the channels of every stage.
        depth: Multiplier of the residual units of every stage, rounded up.
        channels: Channels of the stages, before `width`.
        units: Residual units of the last three stages, before `depth`.

    Call arguments:
        images: float [B, H, W, C], H and W multiples of 16.
        image_sizes: int32 [B, 2], height and width of each image without its padding.

    Returns:
        `feature_grid`: float [B, H/8, W/4, D]; zero on the padding.
        `cells`: bool [B, H/8, W/4], true on the content of the image.
    """

    stride = (8, 4)
    stage_strides = ((2, 2), (2, 1), (1, 1))

    def __init__(
        self,
        width: float = 1.0,
        depth: float = 1.0,
        channels: tuple[int, int, int, int] = (16, 32, 64, 128),
        units: tuple[int, int, int] = (1, 2, 1),
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        scaled = [scaled_channels(count, width) for count in channels]
        self.stem = ConvolutionUnit(scaled[0], 3, (2, 2), name="stem", dtype=self.dtype_policy)
        self.stage_units = tuple(math.ceil(count * depth) for count in units)
        # One list: a `.keras` file of Keras 3.12 leaves out layers in lists of lists.
        self.residual_units = [
            ResidualUnit(
                scaled[index + 1],
                stage_stride if unit == 0 else (1, 1),
                name=f"stage_{index}_unit_{unit}",
                dtype=self.dtype_policy,
            )
            for index, stage_stride in enumerate(self.stage_strides)
            for unit in range(self.stage_units[index])
        ]

    def call(
        self, images: tf.Tensor, image_sizes: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        height, width = images.shape[1], tf.shape(images)[2]
        features, stride = images, (1, 1)

        def cells_at(stride: tuple[int, int]) -> tf.Tensor:
            return valid_cells(image_sizes, height // stride[0], width // stride[1], stride)

        stride = (2, 2)
        features = self.stem(features, tf.expand_dims(cells_at(stride), -1), training=training)
        units = iter(self.residual_units)
        for (down, across), count in zip(self.stage_strides, self.stage_units, strict=True):
            stride = (stride[0] * down, stride[1] * across)
            cells = cells_at(stride)
            for unit in itertools.islice(units, count):
                features = unit(features, tf.expand_dims(cells, -1), training=training)
        return features, cells


@keras.saving.register_keras_serializable(package="attention_ocr")
class FlatCompactEncoder(CompactEncoder):
    """The compact encoder with a vertical stride of 16: half the cells in its last stage.

    Returns:
        `feature_grid`: float [B, H/16, W/4, D]; zero on the padding.
        `cells`: bool [B, H/16, W/4], true on the content of the image.
    """

    stride = (16, 4)
    stage_strides = ((2, 2), (2, 1), (2, 1))
