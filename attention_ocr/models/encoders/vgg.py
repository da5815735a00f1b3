"""The encoder of CRNN: seven convolutions with a vertical stride of 32."""

import keras
import tensorflow as tf

from attention_ocr.models.encoders.grid import ConvolutionUnit, scaled_channels, valid_cells


@keras.saving.register_keras_serializable(package="attention_ocr")
class VGGEncoder(keras.layers.Layer):
    """VGG-like network of CRNN (Shi et al., 2015, table 1).

    Two things differ from the table, so that padding does not affect the content: every
    convolution is normalised and masked, and the last one is zero-padded at the right edge, where
    the table's grid is a column shorter. Pools halve sizes exactly, so the grid has a quarter of
    the image's width.

    Args:
        width: Multiplier of the channels of every convolution.

    Call arguments:
        images: float [B, H, W, C], H a multiple of 32 and W of 16.
        image_sizes: int32 [B, 2], height and width of each image without its padding.

    Returns:
        `feature_grid`: float [B, H/32, W/4, D], D = 512 at width 1; zero on the padding.
        `cells`: bool [B, H/32, W/4], true on the content of the image.
    """

    stride = (32, 4)
    plan = (
        (64, (2, 2)),
        (128, (2, 2)),
        (256, None),
        (256, (2, 1)),
        (512, None),
        (512, (2, 1)),
    )

    def __init__(self, width: float = 1.0, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.units = [
            ConvolutionUnit(
                scaled_channels(channels, width), name=f"unit_{index}", dtype=self.dtype_policy
            )
            for index, (channels, _) in enumerate(self.plan)
        ]
        self.last = ConvolutionUnit(
            scaled_channels(512, width), 2, (2, 1), name="last", dtype=self.dtype_policy
        )

    def call(
        self, images: tf.Tensor, image_sizes: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        height, width = images.shape[1], tf.shape(images)[2]
        features, stride = images, (1, 1)
        cells = valid_cells(image_sizes, height, width, stride)
        for unit, (_, pool) in zip(self.units, self.plan, strict=True):
            features = unit(features, cells[..., None], training=training)
            if pool is not None:
                features = tf.nn.max_pool2d(features, pool, pool, "VALID")
                stride = (stride[0] * pool[0], stride[1] * pool[1])
                cells = valid_cells(image_sizes, height // stride[0], width // stride[1], stride)
        cells = valid_cells(image_sizes, height // self.stride[0], width // 4, self.stride)
        return self.last(features, cells[..., None], training=training), cells
