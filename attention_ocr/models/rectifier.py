"""The spatial transformer before the encoder, which rectifies the image."""

from typing import Any

import keras
import tensorflow as tf

from attention_ocr.models.encoders.grid import ConvolutionUnit, valid_cells
from attention_ocr.models.sampling import sample_bilinear
from attention_ocr.models.serialization import deserialize_layer, serialize_layer
from attention_ocr.models.transforms import AffineTransform, ThinPlateSpline

THUMBNAIL = (16, 64)
"""Height and width of the thumbnail that the localisation network sees."""


@keras.saving.register_keras_serializable(package="attention_ocr")
class Rectifier(keras.layers.Layer):
    """Spatial transformer (Jaderberg et al., 2015), trained by the recognition loss alone.

    A localisation network predicts the parameters of a transform from a thumbnail of each image.
    The result has the size of the image; padding is not sampled. The last layer is initialized to
    zero: at first every image passes bit-exactly unchanged.

    Args:
        transform: The family of transforms, see `models.transforms`.

    Call arguments:
        images: float [B, H, W, C].
        image_sizes: int32 [B, 2], height and width of each image without its padding.

    Returns:
        float32 [B, H, W, C], zero on the padding.
    """

    def __init__(self, transform: AffineTransform | ThinPlateSpline, **kwargs: object) -> None:
        # Positions need float32 whatever the compute dtype of other layers.
        super().__init__(autocast=False, **kwargs)
        self.transform = transform
        self.localization = LocalizationNetwork(
            transform.num_parameters, name="localization", dtype=self.dtype_policy
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return super().get_config() | {"transform": serialize_layer(self.transform)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Rectifier":
        """Build the rectifier from the result of `get_config`."""
        return cls(**config | {"transform": deserialize_layer(config["transform"])})

    def call(self, images: tf.Tensor, image_sizes: tf.Tensor, training: bool = False) -> tf.Tensor:
        images = tf.cast(images, tf.float32)
        sizes = tf.cast(image_sizes, tf.float32)
        height, width = images.shape[1], tf.shape(images)[2]
        parameters = self.localization(thumbnails(images, image_sizes), training=training)
        rows, columns = tf.range(height, dtype=tf.float32), tf.range(width, dtype=tf.float32)
        x = (2.0 * columns + 1.0) / sizes[:, 1:] - 1.0
        y = (2.0 * rows + 1.0) / sizes[:, :1] - 1.0
        displacements = self.transform.displacements(parameters, x, y)
        scale = sizes[:, None, None] / 2.0
        rectified = sample_bilinear(
            images,
            image_sizes,
            rows[:, None] + displacements[..., 1] * scale[..., 0],
            columns + displacements[..., 0] * scale[..., 1],
        )
        content_mask = valid_cells(image_sizes, height, width, (1, 1))
        rectified *= tf.cast(content_mask, tf.float32)[..., None]
        return tf.ensure_shape(rectified, images.shape)


@keras.saving.register_keras_serializable(package="attention_ocr")
class LocalizationNetwork(keras.layers.Layer):
    """Four convolutions and two dense layers on a thumbnail.

    Parameters are tanh(z / 10): no point leaves the image by more than half of its size, and
    optimiser steps, which are as large for these layers as for others, move the image little.

    Args:
        num_parameters: Number of parameters of the transform.

    Call arguments:
        thumbnails: float [B, *THUMBNAIL, C].

    Returns:
        float32 [B, num_parameters] in (-1, 1); zero before any training.
    """

    channels = (16, 32, 64, 64)

    def __init__(self, num_parameters: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.units = [
            ConvolutionUnit(count, name=f"unit_{index}", dtype=self.dtype_policy)
            for index, count in enumerate(self.channels)
        ]
        self.hidden = keras.layers.Dense(
            128, activation="relu", name="hidden", dtype=self.dtype_policy
        )
        self.parameters = keras.layers.Dense(
            num_parameters, kernel_initializer="zeros", dtype="float32", name="parameters"
        )

    def call(self, thumbnails: tf.Tensor, training: bool = False) -> tf.Tensor:
        everywhere = tf.ones((1, 1, 1, 1), tf.bool)
        features = thumbnails
        for index, unit in enumerate(self.units):
            if index > 0:
                features = tf.nn.max_pool2d(features, 2, 2, "VALID")
            features = unit(features, everywhere, training=training)
        flat = features.shape[1] * features.shape[2] * features.shape[3]
        return tf.tanh(0.1 * self.parameters(self.hidden(tf.reshape(features, (-1, flat)))))


def thumbnails(images: tf.Tensor, image_sizes: tf.Tensor) -> tf.Tensor:
    """Resize images without their padding to one small size.

    Args:
        images: float32 [B, H, W, C].
        image_sizes: int32 [B, 2].

    Returns:
        float32 [B, *THUMBNAIL, C].
    """
    rows, columns = THUMBNAIL
    step = tf.cast(image_sizes, tf.float32) / tf.constant(THUMBNAIL, tf.float32)
    down = (tf.range(rows, dtype=tf.float32) + 0.5) * step[:, :1] - 0.5
    across = (tf.range(columns, dtype=tf.float32) + 0.5) * step[:, 1:] - 0.5
    places = (-1, rows, columns)
    spread = tf.zeros((1, rows, columns))
    small = sample_bilinear(
        images, image_sizes, down[:, :, None] + spread, across[:, None] + spread
    )
    return tf.reshape(small, (*places, images.shape[-1]))
