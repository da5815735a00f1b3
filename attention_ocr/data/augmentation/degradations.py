"""JPEG compression, low resolution and small veils."""

from collections.abc import Mapping

import tensorflow as tf

from attention_ocr.data.augmentation.chance import Chance

MIN_QUALITY = 12
MAX_FACTOR = 2.2
MAX_VEIL = 0.3
"""Height and width of a veil at strength 1, in heights of the image: less than a letter."""
OPACITY = 0.6
NUM_VEILS = 3
_MAX_ROWS = 65_000
"""Largest number of rows of a JPEG file, rounded down."""


def degrade(
    images: tf.Tensor, image_sizes: tf.Tensor, amounts: Mapping[str, tf.Tensor], chance: Chance
) -> tf.Tensor:
    """Degrade each image.

    Quality and resolution are shared by the batch, from the means of their amounts.

    Args:
        images: float32 [B, H, W, C] in [-1, 1]; H divides by 16.
        image_sizes: int32 [B, 2], heights and widths of the contents.
        amounts: float32 [B] in [0, 1] by op, some of `DEGRADATIONS`.
        chance: Random numbers of the batch.

    Returns:
        float32 [B, H, W, C] in [-1, 1].
    """
    for op in amounts:
        change = {"low_resolution": _lower, "jpeg": _compress}.get(op)
        if change is None:
            images = _veil(images, image_sizes, amounts[op], chance)
        else:
            images = change(images, tf.reduce_mean(amounts[op]))
    return images


def _lower(images: tf.Tensor, amount: tf.Tensor) -> tf.Tensor:
    size = tf.shape(images)[1:3]
    factor = 1.0 + (MAX_FACTOR - 1.0) * amount
    small = tf.cast(tf.round(tf.cast(size, tf.float32) / factor), tf.int32)
    return tf.image.resize(tf.image.resize(images, tf.maximum(small, 1), antialias=True), size)


def _compress(images: tf.Tensor, amount: tf.Tensor) -> tf.Tensor:
    """Compress the batch as one tall image: its blocks of 16 rows are those of the images."""
    shape = tf.shape(images)
    quality = tf.cast(tf.round(100.0 - (100.0 - MIN_QUALITY) * amount), tf.int32)
    pixels = tf.cast(tf.clip_by_value(tf.round(images * 127.5 + 127.5), 0.0, 255.0), tf.uint8)
    tall = tf.reshape(pixels, (-1, shape[2], images.shape[3]))

    def code(rows: tf.Tensor) -> tf.Tensor:
        encoded = tf.raw_ops.EncodeJpegVariableQuality(images=rows, quality=quality)
        return tf.io.decode_jpeg(encoded, channels=images.shape[3])

    decoded = tf.cond(
        shape[0] * shape[1] <= _MAX_ROWS,
        lambda: tf.reshape(code(tall), shape),
        lambda: tf.map_fn(code, pixels),
    )
    return tf.cast(decoded, tf.float32) / 127.5 - 1.0


def _veil(
    images: tf.Tensor, image_sizes: tf.Tensor, amount: tf.Tensor, chance: Chance
) -> tf.Tensor:
    """Blend small spots over each image, through which it can still be seen.

    Their tone is near the mean: a dark spot on white would be read as a full stop.
    """
    mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    shape = tf.shape(images)
    sizes = tf.cast(image_sizes, tf.float32)
    rows = tf.range(tf.cast(shape[1], tf.float32))[None, :, None, None]
    columns = tf.range(tf.cast(shape[2], tf.float32))[None, None, :, None]
    for index in range(NUM_VEILS):
        draws = chance.uniform(f"veil {index}", shape=(5,))
        reach = MAX_VEIL * amount[:, None] * sizes[:, :1] * (0.4 + 0.6 * draws[:, :2])
        top_left = draws[:, 2:4] * (sizes - reach)
        start, end = top_left, top_left + reach
        inside = tf.cast(
            (rows >= _spread(start[:, 0]))
            & (rows < _spread(end[:, 0]))
            & (columns >= _spread(start[:, 1]))
            & (columns < _spread(end[:, 1])),
            tf.float32,
        )
        tone = mean + _spread(0.6 * draws[:, 4] - 0.3)
        images += OPACITY * inside * (tone - images)
    return images


def _spread(values: tf.Tensor) -> tf.Tensor:
    return values[:, None, None, None]
