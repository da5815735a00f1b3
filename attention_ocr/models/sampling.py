"""Bilinear sampling of images."""

import tensorflow as tf


def sample_bilinear(
    images: tf.Tensor, image_sizes: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor
) -> tf.Tensor:
    """Sample images at arbitrary positions, interpolating between the four nearest pixels.

    It is differentiable in the positions (Jaderberg et al., 2015, equations 5 to 7). Outside the
    content of an image its edge is repeated, so that padding is never sampled.

    Args:
        images: float32 [B, H, W, C].
        image_sizes: int32 [B, 2], height and width of each image without its padding.
        rows: float32 [B, H', W']; 0 is the center of the first row of pixels.
        columns: float32 [B, H', W'].

    Returns:
        float32 [B, H', W', C].
    """
    shape = tf.shape(images)
    last = tf.cast(image_sizes, tf.float32)[:, :, None, None] - 1.0
    rows = tf.clip_by_value(rows, 0.0, last[:, 0])
    columns = tf.clip_by_value(columns, 0.0, last[:, 1])
    top, left = tf.floor(rows), tf.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    top, left = tf.cast(top, tf.int32), tf.cast(left, tf.int32)
    # The neighbour of the last pixel has zero weight, so any pixel can stand in.
    below = tf.minimum(top + 1, image_sizes[:, 0, None, None] - 1)
    beside = tf.minimum(left + 1, image_sizes[:, 1, None, None] - 1)
    pixels = tf.reshape(images, (-1, images.shape[-1]))
    first = tf.range(shape[0])[:, None, None] * shape[1]

    def at(row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        return tf.gather(pixels, (first + row) * shape[2] + column)

    upper = at(top, left) * (1.0 - right) + at(top, beside) * right
    lower = at(below, left) * (1.0 - right) + at(below, beside) * right
    return upper * (1.0 - down) + lower * down
