"""Coordinates of grid cells as additional channels."""

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="attention_ocr")
class OneHotCoordinates(keras.layers.Layer):
    """Appends the row and the column of each cell, one-hot (Wojna et al., 2017, section 2.2).

    They let attention over the grid prefer positions, such as "right of the last one".

    Args:
        num_columns: Maximum number of columns of a grid.

    Call arguments:
        feature_grid: float [B, H', W', D], W' at most `num_columns`.
        cells: bool [B, H', W'], true on the content of the image.

    Returns:
        float [B, H', W', D + H' + num_columns]; zero on the padding.
    """

    def __init__(self, num_columns: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.num_columns = num_columns

    def call(self, feature_grid: tf.Tensor, cells: tf.Tensor) -> tf.Tensor:
        num_rows = feature_grid.shape[1]
        rows = tf.eye(num_rows, dtype=feature_grid.dtype)
        columns = tf.one_hot(
            tf.range(tf.shape(feature_grid)[2]), self.num_columns, dtype=feature_grid.dtype
        )
        return _append(feature_grid, cells, rows, columns)


@keras.saving.register_keras_serializable(package="attention_ocr")
class SinusoidalCoordinates(keras.layers.Layer):
    """Appends sines and cosines of row and column (Vaswani et al., 2017, section 3.5, in 2-D).

    Channels 2i and 2i+1 of an axis hold sine and cosine of position / 10000^(2i/d), d its channels;
    the first half of the channels belongs to the rows. Grids may have any width.

    Args:
        channels: Number of appended channels, a multiple of 4.

    Call arguments:
        feature_grid: float [B, H', W', D].
        cells: bool [B, H', W'], true on the content of the image.

    Returns:
        float [B, H', W', D + channels]; zero on the padding.
    """

    def __init__(self, channels: int = 64, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if channels % 4:
            raise ValueError(f"`channels` must be divisible by 4. Received: {channels}")
        self.frequencies = 10000.0 ** -(np.arange(0, channels // 2, 2) / (channels // 2))

    def call(self, feature_grid: tf.Tensor, cells: tf.Tensor) -> tf.Tensor:
        rows = self._waves(feature_grid.shape[1])
        columns = self._waves(tf.shape(feature_grid)[2])
        dtype = feature_grid.dtype
        return _append(feature_grid, cells, tf.cast(rows, dtype), tf.cast(columns, dtype))

    def _waves(self, num_positions: int | tf.Tensor) -> tf.Tensor:
        """Return float32 [positions, channels / 2]."""
        positions = tf.range(num_positions, dtype=tf.float32)[:, None]
        angles = positions * tf.constant(self.frequencies, tf.float32)
        pairs = tf.stack([tf.sin(angles), tf.cos(angles)], axis=-1)
        return tf.reshape(pairs, (-1, 2 * len(self.frequencies)))


def _append(
    feature_grid: tf.Tensor, cells: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor
) -> tf.Tensor:
    """Append `rows` [H', R] and `columns` [W', C] to the valid cells."""
    shape = tf.shape(feature_grid)[:3]
    places = [
        tf.broadcast_to(rows[None, :, None], tf.concat([shape, rows.shape[-1:]], 0)),
        tf.broadcast_to(columns[None, None], tf.concat([shape, columns.shape[-1:]], 0)),
    ]
    valid = tf.cast(cells, feature_grid.dtype)[..., None]
    return tf.concat([feature_grid, *(place * valid for place in places)], axis=-1)
