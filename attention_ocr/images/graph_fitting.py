"""From image files to network inputs in the graph, for training and exports alike."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from attention_ocr.images.graph_decode import decode_image, decode_ordinary_image, is_ordinary
from attention_ocr.settings.image import STRETCHED_RATIOS, WIDTH_MULTIPLE, ImageConfig

__all__ = [
    "decode_image",
    "decode_or_blank",
    "fit_image",
    "fitted_size",
    "or_blank",
    "read_or_empty",
    "unpad_image",
]


def decode_or_blank(encoded: tf.Tensor) -> tf.Tensor:
    """Decode one file like `decode_image`; an image without pixels if that fails."""
    # A guard costs time for each op inside, whether it runs or not.
    image = tf.cond(
        is_ordinary(encoded),
        lambda: or_blank(decode_ordinary_image, encoded),
        lambda: or_blank(decode_image, encoded),
    )
    return tf.ensure_shape(image, (None, None, 3))


def or_blank(decode: Callable[[tf.Tensor], tf.Tensor], encoded: tf.Tensor) -> tf.Tensor:
    """Decode one file; an image without pixels if that fails.

    Args:
        decode: From string scalars to images uint8 [h, w, 3].
        encoded: string scalar, the bytes of the file.

    Returns:
        uint8 [h, w, 3]; [0, 0, 3] for a file that cannot be decoded.
    """
    image = _or_default(decode, encoded, tf.zeros((0, 0, 3), tf.uint8))
    return tf.ensure_shape(image, (None, None, 3))


def read_or_empty(path: tf.Tensor) -> tf.Tensor:
    """Return the bytes of the file at `path`, empty if it cannot be read; string scalars."""
    return _or_default(tf.io.read_file, path, tf.constant(b""))


def _or_default(
    function: Callable[[tf.Tensor], tf.Tensor], value: tf.Tensor, default: tf.Tensor
) -> tf.Tensor:
    # A failing op ends the whole graph; inside a data set it ends only that data set.
    result = tf.data.Dataset.from_tensors(value).map(function).ignore_errors()
    default = tf.data.Dataset.from_tensors(default)
    return result.concatenate(default).take(1).get_single_element()


def fitted_size(
    size: tf.Tensor, settings: ImageConfig, stretch: float | tf.Tensor = 1.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the size at which an image enters the network.

    An image is scaled to the input height; one that would then be too wide is shrunk as a whole, so
    that letters keep their proportions. Others are widened by `narrow_stretch` and `stretch`, up to
    the largest width.

    Args:
        size: int32 [2], height and width in pixels, above 0.
        settings: Image settings.
        stretch: float32 scalar, additional factor of the width.

    Returns:
        int32 [2], height and width in pixels, and a bool scalar: whether the image was shrunk to
        fit the width.
    """
    height, width = tf.unstack(tf.cast(size, tf.float32))
    scale = settings.image_height / height
    shrunk = tf.round(width * scale) > settings.max_image_width
    scale = tf.where(shrunk, settings.max_image_width / width, scale)
    if settings.narrow_stretch != 1.0:
        narrowest, widest = STRETCHED_RATIOS
        share = tf.clip_by_value((widest - width / height) / (widest - narrowest), 0.0, 1.0)
        stretch *= 1.0 + (settings.narrow_stretch - 1.0) * share
    # A shrunk image has no room to be widened, and is not narrowed either.
    factor = tf.where(shrunk, 1.0, stretch)
    fitted = tf.cast(tf.round(tf.stack([height * scale, width * scale * factor])), tf.int32)
    limits = tf.constant([settings.image_height, settings.max_image_width])
    return tf.clip_by_value(fitted, 1, limits), shrunk


def fit_image(
    image: tf.Tensor, settings: ImageConfig, stretch: float | tf.Tensor = 1.0
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Scale one image to the input of the network, see `fitted_size`.

    Args:
        image: uint8 or float32 [h, w, 1 or 3] in [0, 255]; without pixels, the result is blank.
        settings: Image settings. Several views are cut from left to right; remaining columns on the
            right are dropped.
        stretch: float32 scalar, factor of the width.

    Returns:
        `image`: float32 [views * H, w', C] in [-1, 1], the views stacked vertically, zero on the
            padding: right of the content up to a multiple of `WIDTH_MULTIPLE`, and below shrunk
            content.
        `image_size`: int32 [2], height and width of the content, or of a view, in pixels.
        `shrunk`: bool, whether the image was too wide.
    """
    num_views = settings.num_views
    has_pixels = (tf.size(image) > 0) & (tf.shape(image)[1] >= num_views)
    image = tf.cond(has_pixels, lambda: image, lambda: _blank_like(image, num_views))
    image = _to_channels(tf.cast(image, tf.float32), settings.image_channels)
    views = image[None] if num_views == 1 else _cut_views(image, num_views)
    size = tf.shape(views)[1:3]
    fitted, shrunk = fitted_size(size, settings, stretch)
    scaled = tf.cond(
        tf.reduce_all(tf.equal(size, fitted)), lambda: views, lambda: _resize(views, fitted)
    )
    scaled = scaled / 127.5 - 1.0
    missing = settings.image_height - fitted[0], -fitted[1] % WIDTH_MULTIPLE
    padded = tf.pad(scaled, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)))
    shape = (settings.input_height, fitted[1] + missing[1], settings.image_channels)
    stacked = tf.reshape(padded, shape)
    shape = (settings.input_height, None, settings.image_channels)
    return tf.ensure_shape(stacked, shape), fitted, shrunk


def unpad_image(image: np.ndarray, image_size: np.ndarray, num_views: int = 1) -> np.ndarray:
    """Return the content of an input of `fit_image`, without padding, views side by side.

    Args:
        image: float [views * H, W, C] in [-1, 1].
        image_size: int [2], height and width of the content, or of a view.
        num_views: Number of views.

    Returns:
        uint8 [h, views * w, C].
    """
    height, width = image_size
    views = [view[:height, :width] for view in np.split(image, num_views)]
    pixels = np.clip((np.concatenate(views, axis=1) + 1.0) * 127.5, 0.0, 255.0)
    return pixels.round().astype(np.uint8)


def _blank_like(image: tf.Tensor, num_views: int) -> tf.Tensor:
    return tf.cast(tf.fill((1, num_views, image.shape[-1]), 128), image.dtype)


def _cut_views(image: tf.Tensor, num_views: int) -> tf.Tensor:
    """Cut `image` [h, w, C] into `num_views` of equal width: [views, h, w', C]."""
    width = tf.shape(image)[1] // num_views
    views = tf.reshape(image[:, : num_views * width], (-1, num_views, width, image.shape[-1]))
    return tf.transpose(views, (1, 0, 2, 3))


def _resize(image: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    # Without antialiasing, large photographs lose thin strokes; enlarging needs none, and the plain
    # kernel is twice as fast.
    resized = tf.cond(
        tf.reduce_any(size < tf.shape(image)[1:3]),
        lambda: tf.image.resize(image, size, antialias=True),
        lambda: tf.image.resize(image, size),
    )
    return tf.clip_by_value(resized, 0.0, 255.0)


def _to_channels(image: tf.Tensor, channels: int) -> tf.Tensor:
    if image.shape[-1] == channels:
        return image
    if channels == 3:
        return tf.tile(image, (1, 1, 3))
    # ITU-R BT.601 luma, as in JPEG.
    return tf.tensordot(image, tf.constant([[0.299], [0.587], [0.114]]), 1)
