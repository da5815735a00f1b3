"""Gaussian, Poisson and salt-and-pepper noise."""

from collections.abc import Mapping

import tensorflow as tf

from attention_ocr.data.augmentation.chance import Chance

MAX_DEVIATION = 0.35
MAX_SHOT = 0.4
MAX_SPOTS = 0.06
FULL_CONTRAST = 0.5
"""Approximate standard deviation of an image of bold black text on white."""


def add_noise(
    images: tf.Tensor, _: tf.Tensor, amounts: Mapping[str, tf.Tensor], chance: Chance
) -> tf.Tensor:
    """Add noise to each image.

    Poisson (shot) noise is approximated by a normal distribution with a variance proportional to
    the light, which is close from about ten photons on.

    Args:
        images: float32 [B, H, W, C] in [-1, 1].
        amounts: float32 [B] in [0, 1] by op, some of `NOISES`.
        chance: Random numbers of the batch.

    Returns:
        float32 [B, H, W, C], not clipped.
    """
    shape = tf.shape(images)
    # Scaled with the contrast of the image: faint text would drown in noise made for bold text.
    mean, variance_of_light = tf.nn.moments(images, (1, 2, 3), keepdims=True)
    deviation = tf.sqrt(variance_of_light)
    contrast = tf.clip_by_value(deviation / FULL_CONTRAST, 0.1, 1.0)
    if "gaussian_noise" in amounts or "poisson_noise" in amounts:
        variance: tf.Tensor = tf.zeros_like(images[..., :1])
        if "gaussian_noise" in amounts:
            variance += _spread(MAX_DEVIATION * amounts["gaussian_noise"]) ** 2
        if "poisson_noise" in amounts:
            light = tf.clip_by_value(0.5 * images + 0.5, 0.0, 1.0)
            variance += _spread(MAX_SHOT * amounts["poisson_noise"]) ** 2 * light
        normal = tf.random.stateless_normal(shape, chance.seed("noise"))
        images += contrast * tf.sqrt(variance) * normal
    if "salt_and_pepper" in amounts:
        share = _spread(MAX_SPOTS * amounts["salt_and_pepper"])
        draw = tf.random.stateless_uniform((*tf.unstack(shape[:3]), 1), chance.seed("spots"))
        # Half of the spots are dark and half are light.
        reach = 2.0 * contrast
        images = tf.where(draw < 0.5 * share, mean - reach, images)
        images = tf.where(draw > 1.0 - 0.5 * share, mean + reach, images)
    return images


def _spread(values: tf.Tensor) -> tf.Tensor:
    return values[:, None, None, None]
