"""Gaussian blur, motion blur and defocus: a kernel for each image, one convolution for all."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from attention_ocr.data.augmentation.chance import Chance

RADIUS = 3
"""Pixels; the kernels have 7 x 7."""
MAX_SIGMA, MAX_MOTION, MAX_DISC = 1.3, 2.6, 1.8
"""In pixels at strength 1 and a height of 32; scaled with the height, limited by the kernel."""


def blur(
    images: tf.Tensor, _: tf.Tensor, amounts: Mapping[str, tf.Tensor], chance: Chance
) -> tf.Tensor:
    """Blur each image.

    Args:
        images: float32 [B, H, W, C].
        amounts: float32 [B] in [0, 1] by op, some of `BLURS`. Several on one image use the mean of
            their kernels.
        chance: Random numbers of the batch.

    Returns:
        float32 [B, H, W, C].
    """
    size = (images.shape[1] or 32) / 32
    kernels = _kernels(amounts, chance, size)
    shape = tf.shape(images)
    # The edge is repeated outside, as over the padding.
    rows = tf.clip_by_value(tf.range(-RADIUS, shape[1] + RADIUS), 0, shape[1] - 1)
    columns = tf.clip_by_value(tf.range(-RADIUS, shape[2] + RADIUS), 0, shape[2] - 1)
    padded = tf.gather(tf.gather(images, rows, axis=1), columns, axis=2)
    # Images as channels of one image: a depthwise convolution then has a kernel for each.
    channels = tf.transpose(padded, (1, 2, 0, 3))
    channels = tf.reshape(channels, (1, *tf.unstack(tf.shape(channels)[:2]), shape[0] * shape[3]))
    kernels = tf.repeat(tf.transpose(kernels, (1, 2, 0)), shape[3], axis=-1)[..., None]
    blurred = tf.nn.depthwise_conv2d(channels, kernels, (1, 1, 1, 1), "VALID")
    blurred = tf.reshape(blurred, (shape[1], shape[2], shape[0], shape[3]))
    return tf.transpose(blurred, (2, 0, 1, 3))


def _kernels(amounts: Mapping[str, tf.Tensor], chance: Chance, size: float) -> tf.Tensor:
    """Return the kernel of each image, [B, 7, 7], of sum 1."""
    grid = np.arange(-RADIUS, RADIUS + 1, dtype=np.float32)
    y, x = tf.constant(grid[None, :, None]), tf.constant(grid[None, None, :])
    kernels, shares = [], []
    for op, amount in amounts.items():
        reach = amount[:, None, None] * size
        if op == "gaussian_blur":
            kernel = tf.exp(-(x**2 + y**2) / (2.0 * (MAX_SIGMA * reach + 0.15) ** 2))
        elif op == "defocus":
            # A disc whose edge is one pixel soft.
            radius = tf.minimum(MAX_DISC * reach, float(RADIUS))
            kernel = tf.clip_by_value(radius + 0.5 - tf.sqrt(x**2 + y**2), 0.0, 1.0)
            kernel = tf.maximum(kernel, tf.where((x == 0) & (y == 0), 0.1, 0.0))
        else:
            angle = chance.uniform("direction", 0.0, 3.1416)[:, None, None]
            along, across = _rotate(x, y, angle)
            length = tf.minimum(MAX_MOTION * reach, float(RADIUS))
            kernel = tf.clip_by_value(length + 0.5 - tf.abs(along), 0.0, 1.0)
            kernel *= tf.clip_by_value(1.0 - tf.abs(across), 0.0, 1.0)
            kernel = tf.maximum(kernel, tf.where((x == 0) & (y == 0), 0.1, 0.0))
        kernels.append(kernel / tf.reduce_sum(kernel, axis=(1, 2), keepdims=True))
        shares.append(tf.cast(amount > 0.0, tf.float32)[:, None, None])
    total = tf.add_n(shares)
    still = tf.where((x == 0) & (y == 0), 1.0, 0.0) * tf.cast(total == 0.0, tf.float32)
    mixed = tf.add_n([kernel * share for kernel, share in zip(kernels, shares, strict=True)])
    return mixed / tf.maximum(total, 1.0) + still


def _rotate(x: tf.Tensor, y: tf.Tensor, angle: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return x * tf.cos(angle) + y * tf.sin(angle), y * tf.cos(angle) - x * tf.sin(angle)
