"""Brightness, contrast, gamma, colour and inversion.

The range is compressed, not shifted: pixels clipped to white or black could be text.
"""

from collections.abc import Mapping

import tensorflow as tf

from attention_ocr.data.augmentation.chance import Chance


def change_light(
    images: tf.Tensor, _: tf.Tensor, amounts: Mapping[str, tf.Tensor], chance: Chance
) -> tf.Tensor:
    """Change brightness, contrast, gamma and colour of each image, or invert it.

    Args:
        images: float32 [B, H, W, C] in [-1, 1].
        amounts: float32 [B] in [0, 1] by op, some of `PHOTOMETRY`.
        chance: Random numbers of the batch.

    Returns:
        float32 [B, H, W, C] in [-1, 1].
    """
    if "inversion" in amounts:
        # Inversion has no strength: any amount above 0 inverts.
        flips = tf.where(amounts["inversion"] > 0.0, -1.0, 1.0)
        images *= _spread(flips)
    # Linear changes are combined into one.
    scale, shift = tf.ones_like(images[:, :1, :1]), tf.zeros_like(images[:, :1, :1])
    if "brightness" in amounts:
        push = _spread(0.6 * amounts["brightness"] * chance.sign("brightness"))
        scale, shift = scale * (1.0 - tf.abs(push)), shift + push
    if "contrast" in amounts:
        factor = _spread(1.0 - 0.65 * amounts["contrast"])
        mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
        shift += scale * mean * (1.0 - factor)
        scale *= factor
    if "colour" in amounts and images.shape[-1] == 3:
        images, scale = _tint(images, scale, amounts["colour"], chance)
    images = images * scale + shift
    if "gamma" in amounts:
        power = tf.exp(_spread(0.9 * amounts["gamma"] * chance.sign("gamma")))
        light = tf.clip_by_value(0.5 * images + 0.5, 1e-3, 1.0)
        images = 2.0 * light**power - 1.0
    return images


def _tint(
    images: tf.Tensor, scale: tf.Tensor, amount: tf.Tensor, chance: Chance
) -> tuple[tf.Tensor, tf.Tensor]:
    """Take some of the colour away, and damp the channels unequally."""
    luma = tf.reduce_sum(images * tf.constant([0.299, 0.587, 0.114]), axis=-1, keepdims=True)
    faded = _spread(amount * chance.uniform("saturation"))
    gains = chance.uniform("tint", -0.5, 0.0, (1, 1, 3))
    return images + faded * (luma - images), scale * (1.0 + _spread(amount) * gains)


def _spread(values: tf.Tensor) -> tf.Tensor:
    return values[:, None, None, None]
