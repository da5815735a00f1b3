"""From pixels to network inputs in NumPy, for engines without TensorFlow.

The inputs equal those of `images.graph_fitting.fit_image` up to rounding.
"""

import functools
import math
import struct
from collections.abc import Callable

import cv2
import numpy as np

from attention_ocr.settings.image import STRETCHED_RATIOS, WIDTH_MULTIPLE, ImageConfig

_FLOAT32 = struct.Struct("f")

_MAX_GATHERED = 2**18
"""Largest number of values that are gathered to be resized at once; more go line by line."""


def round_up_width(width: int) -> int:
    """Return the next multiple of `WIDTH_MULTIPLE`."""
    return width + -width % WIDTH_MULTIPLE


def fit_array(
    image: np.ndarray | None,
    settings: ImageConfig,
    padded_width: Callable[[int], int] = round_up_width,
) -> tuple[np.ndarray, np.ndarray]:
    """Scale one image to the input of the network, see `images.graph_fitting.fitted_size`.

    Args:
        image: uint8 [h, w, 3]; None, or an empty image, gives a blank input.
        settings: Image settings.
        padded_width: Returns w' for the width of the content, in pixels.

    Returns:
        `image`: float32 [views * H, w', C] in [-1, 1], the views stacked vertically, zero on the
            padding: right of the content, and below shrunk content.
        `image_size`: int32 [2], height and width of the content, or of a view, in pixels.
    """
    num_views = settings.num_views
    if image is None or image.size == 0 or image.shape[1] < num_views:
        image = np.full((1, num_views, 3), 128, np.uint8)
    values = _to_gray(image) if settings.image_channels == 1 else image.astype(np.float32)
    width = values.shape[1] // num_views
    height, fitted_width = _fitted_size(values.shape[0], width, settings)
    shape = (settings.input_height, padded_width(fitted_width), settings.image_channels)
    padded = np.zeros(shape, np.float32)
    for view in range(num_views):
        part = values[:, view * width : (view + 1) * width]
        top = view * settings.image_height
        fitted = padded[top : top + height, :fitted_width]
        np.divide(_resize(part, height, fitted_width), np.float32(127.5), out=fitted)
        fitted -= 1.0
    return padded, np.array([height, fitted_width], np.int32)


def _fitted_size(height: int, width: int, settings: ImageConfig) -> tuple[int, int]:
    # Each step is rounded to float32 like in the graph, so that halves round the same way.
    scale, stretch = _float32(settings.image_height / height), 1.0
    if round(_float32(width * scale)) > settings.max_image_width:
        scale = _float32(settings.max_image_width / width)
    elif settings.narrow_stretch != 1.0:
        # Both are exact in float32.
        narrowest, widest = STRETCHED_RATIOS
        missing = _float32(widest - _float32(width / height))
        share = min(max(_float32(missing / (widest - narrowest)), 0.0), 1.0)
        stretch = _float32(1.0 + _float32(_float32(settings.narrow_stretch - 1.0) * share))
    fitted_height = round(_float32(height * scale))
    fitted_width = round(_float32(_float32(width * scale) * stretch))
    return (
        min(max(fitted_height, 1), settings.image_height),
        min(max(fitted_width, 1), settings.max_image_width),
    )


def _float32(value: float) -> float:
    """Round to float32; exact for a sum, a product or a quotient of two such numbers."""
    # NumPy scalars take several times as long.
    rounded: float = _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    return rounded


def _to_gray(image: np.ndarray) -> np.ndarray:
    """Return the luma of `image` uint8 [h, w, 3] (ITU-R BT.601): float32 [h, w, 1]."""
    # `cv2.transform` would wake OpenCV's threads for any image, which takes longer than the rest.
    return cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2GRAY)[..., None]


def _resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize `image` float32 [h, w, C], bilinear with antialiasing."""
    if image.shape[:2] == (height, width):
        return image
    resized = _resize_rows(_resize_rows(image, height), width)
    # No weight is negative: only rounding exceeds the range of pixels.
    np.minimum(resized, np.float32(255), out=resized)
    return resized


def _resize_rows(image: np.ndarray, height: int) -> np.ndarray:
    """Resize the rows of `image` float32 [h, w, C], and transpose it: [w, height, C]."""
    places, weights = resize_weights(image.shape[0], height)
    _, width, channels = image.shape
    if places.size * width * channels <= _MAX_GATHERED:
        # `take` is faster than an index, and a matrix product would wake every BLAS thread.
        gathered = image.reshape(-1, width * channels).take(places, axis=0)
        columns = np.einsum("nk,nkv->vn", weights, gathered)
        return columns.reshape(width, channels, height).transpose(0, 2, 1)
    resized = np.zeros((height, *image.shape[1:]), np.float32)
    for place, weight in zip(places.T, weights.T, strict=True):
        resized += image[place] * weight[:, None, None]
    return np.ascontiguousarray(resized.transpose(1, 0, 2))


@functools.lru_cache(maxsize=1024)
def resize_weights(size: int, new_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the source pixels of each new pixel of an axis, and their weights.

    The weights are triangles as wide as two pixels of the coarser grid, cut off at the border and
    scaled to a sum of 1, as in `tf.image.resize`: bilinear with antialiasing, which only affects
    shrinking.

    Args:
        size: Pixels of the axis.
        new_size: Pixels of the resized axis.

    Returns:
        `places` int [new_size, k] and `weights` float32 [new_size, k]; read-only.

    Example:
        >>> places, weights = resize_weights(2, 4)
        >>> weights.tolist()
        [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    # In float32, like TensorFlow.
    one, half = np.float32(1), np.float32(0.5)
    step = one / (np.float32(new_size) / np.float32(size))
    radius = max(step, one)
    centers = (np.arange(new_size, dtype=np.float32) + half) * step
    # No more pixels have a weight: those whose centre is less than a radius away.
    span = min(math.ceil(2 * radius), size)
    starts = np.clip(np.floor(centers - radius - half).astype(int) + 1, 0, size - span)
    places = starts[:, None] + np.arange(span)
    distances = np.abs(places.astype(np.float32) + half - centers[:, None]) / radius
    weights = np.maximum(one - distances, np.float32(0))
    weights /= weights.sum(axis=1, keepdims=True)
    for array in (places, weights):
        array.flags.writeable = False
    return places, weights
