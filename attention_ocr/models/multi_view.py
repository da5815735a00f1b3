"""Several views of one text: separate for the encoder, side by side for the attention."""

import tensorflow as tf


def split_views(
    images: tf.Tensor, image_sizes: tf.Tensor, num_views: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Split images into their views.

    Args:
        images: float [B, views * H, W, C], the views of an image one below the other.
        image_sizes: int32 [B, 2], height and width of one view without its padding.
        num_views: Number of views of an image.

    Returns:
        float [B * views, H, W, C] and int32 [B * views, 2].
    """
    height = images.shape[1] // num_views
    shape = (-1, height, tf.shape(images)[2], images.shape[3])
    return tf.reshape(images, shape), tf.repeat(image_sizes, num_views, axis=0)


def join_views(
    feature_grid: tf.Tensor, cells: tf.Tensor, num_views: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Concatenate the grids of an image's views horizontally (Wojna et al., 2017, section 3).

    The padding of all views is moved to the right, so that the valid columns are contiguous.

    Args:
        feature_grid: float [B * views, H', W', D], zero on the padding.
        cells: bool [B * views, H', W'], true on the content of the image.
        num_views: Number of views of an image.

    Returns:
        float [B, H', views * W', D], zero on the padding, and bool [B, H', views * W'].
    """
    shape = tf.shape(feature_grid)
    rows, columns, depth = feature_grid.shape[1], shape[2], feature_grid.shape[3]
    grid = tf.reshape(feature_grid, (-1, num_views, rows, columns, depth))
    grid = tf.transpose(grid, (0, 2, 1, 3, 4))  # [B, H', views, W', D]
    grid = tf.reshape(grid, (-1, rows, num_views * columns, depth))
    # All views of an image have the same size.
    first = cells[::num_views]
    widths = tf.reduce_sum(tf.cast(tf.reduce_any(first, axis=1), tf.int32), axis=-1)[:, None]
    place = tf.range(num_views * columns)[None]
    source = (place // widths) * columns + place % widths
    source = tf.where(place < num_views * widths, source, num_views * columns - 1)
    joined = tf.gather(grid, source, axis=2, batch_dims=1)
    valid_columns = place < num_views * widths
    joined_cells = tf.reduce_any(first, axis=2)[:, :, None] & valid_columns[:, None]
    return joined * tf.cast(joined_cells, grid.dtype)[..., None], joined_cells
