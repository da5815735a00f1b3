"""Pixels at places between pixels."""

import tensorflow as tf


def sample_bilinear(
    images: tf.Tensor, image_sizes: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor
) -> tf.Tensor:
    """Take pixels at any places of pictures, mixed from the four pixels around each.

    It has a gradient for the places (Jaderberg et al., 2015, equations 5 to 7). Outside a picture
    its edge goes on, so that its padding never shows.

    Args:
        images: float32 [B, H, W, C].
        image_sizes: int32 [B, 2], height and width of each picture without its padding.
        rows: float32 [B, H', W']; 0 is the middle of the first row of pixels.
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
    # The neighbour of the last pixel has no weight; any pixel will do.
    below = tf.minimum(top + 1, image_sizes[:, 0, None, None] - 1)
    beside = tf.minimum(left + 1, image_sizes[:, 1, None, None] - 1)
    pixels = tf.reshape(images, (-1, images.shape[-1]))
    first = tf.range(shape[0])[:, None, None] * shape[1]

    def at(row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        return tf.gather(pixels, (first + row) * shape[2] + column)

    upper = at(top, left) * (1.0 - right) + at(top, beside) * right
    lower = at(below, left) * (1.0 - right) + at(below, beside) * right
    return upper * (1.0 - down) + lower * down
