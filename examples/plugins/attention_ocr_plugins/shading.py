"""An augmentation op: light that falls unevenly."""

from collections.abc import Mapping

import tensorflow as tf

from attention_ocr.data.augmentation.chance import Chance

DARKEST = 0.8
"""Share of the light that the dark side loses at an amount of 1."""


def shade(
    images: tf.Tensor, image_sizes: tf.Tensor, amounts: Mapping[str, tf.Tensor], chance: Chance
) -> tf.Tensor:
    """Darken each image towards one side, in an independent direction.

    Args:
        images: float32 [B, H, W, C] in [-1, 1].
        image_sizes: int32 [B, 2], height and width of each image, pixels.
        amounts: float32 [B] in [0, 1], under the name of this op.
        chance: Draws.

    Returns:
        float32 [B, H, W, C] in [-1, 1].
    """
    (amount,) = amounts.values()
    angle = chance.uniform("direction of shading", 0.0, 6.283185)
    down, across = (
        tf.cast(tf.range(tf.shape(images)[axis + 1]), tf.float32)
        / tf.cast(tf.expand_dims(image_sizes[:, axis], 1), tf.float32)
        - 0.5
        for axis in range(2)
    )
    ramp = tf.expand_dims(tf.expand_dims(tf.sin(angle), 1) * down, 2) + tf.expand_dims(
        tf.expand_dims(tf.cos(angle), 1) * across, 1
    )  # [B, H, W]
    lost = DARKEST * amount[:, None, None] * tf.clip_by_value(ramp + 0.5, 0.0, 1.0)
    return (images + 1.0) * (1.0 - lost[..., None]) - 1.0
