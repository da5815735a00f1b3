"""From image files to network inputs, in the graph: one way for training, export and reading."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from attention_ocr.settings.image import (
    MAX_PIXELS,
    STRETCHED_RATIOS,
    WIDTH_MULTIPLE,
    ImageConfig,
)

PNG_SIGNATURE = b"\x89PNG"
BMP_SIGNATURE = b"BM"
GIF_SIGNATURE = b"GIF8"
JPEG_SIGNATURE = b"\xff\xd8\xff"


def decode_image(encoded: tf.Tensor) -> tf.Tensor:
    """Decode one PNG, JPEG, BMP or GIF file to colour.

    Transparent pixels of a PNG are laid over white, 16 bits become 8, CMYK becomes RGB, and of an
    animation the first frame is taken.

    Args:
        encoded: string scalar, the bytes of the file.

    Returns:
        uint8 [h, w, 3].

    Raises:
        tf.errors.InvalidArgumentError: the bytes are no such image, are cut short, or announce
            more than `MAX_PIXELS`.
    """
    few_pixels = tf.debugging.assert_less_equal(
        _announced_pixels(encoded), tf.constant(MAX_PIXELS, tf.int64)
    )
    # Eagerly there is nothing to wait for.
    with tf.control_dependencies([] if few_pixels is None else [few_pixels]):
        encoded = tf.identity(encoded)
    image = tf.case(
        [
            (_begins_with(encoded, PNG_SIGNATURE), lambda: _decode_png(encoded)),
            (_begins_with(encoded, BMP_SIGNATURE), lambda: _decode_bmp(encoded)),
            (_begins_with(encoded, JPEG_SIGNATURE), lambda: _decode_jpeg(encoded)),
        ],
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    return tf.ensure_shape(image, (None, None, 3))


def _announced_pixels(encoded: tf.Tensor) -> tf.Tensor:
    """Return height times width as the header has it: int64; 0 for a form that is not known."""
    # A file may end within its header; the decoder says so.
    header = tf.strings.join([tf.strings.substr(encoded, 0, 32), tf.constant(b"\0" * 32)])

    def sizes(start: int, count: int, dtype: tf.DType, little_endian: bool = True) -> tf.Tensor:
        part = tf.strings.substr(header, start, count)
        return tf.cast(tf.io.decode_raw(part, dtype, little_endian=little_endian), tf.int64)

    def webp(kind: bytes) -> tf.Tensor:
        """Match the first chunk of a WebP file."""
        is_webp = tf.equal(tf.strings.substr(header, 0, 4), b"RIFF")
        return is_webp & tf.equal(tf.strings.substr(header, 8, 8), b"WEBP" + kind)

    def webp_canvas() -> tf.Tensor:
        places = tf.constant([1, 256, 65536], tf.int64)
        return tf.reduce_sum(tf.reshape(sizes(24, 6, tf.uint8), (2, 3)) * places, axis=1) + 1

    def webp_lossless() -> tf.Tensor:
        (bits,) = tf.unstack(sizes(21, 4, tf.int32), 1)
        return tf.bitwise.right_shift(bits, tf.constant([0, 14], tf.int64)) % 2**14 + 1

    announced = tf.case(
        [
            (_begins_with(header, PNG_SIGNATURE), lambda: sizes(16, 8, tf.int32, False)),
            (_begins_with(header, BMP_SIGNATURE), lambda: sizes(18, 8, tf.int32)),
            (_begins_with(header, GIF_SIGNATURE), lambda: sizes(6, 4, tf.uint16)),
            (
                _begins_with(header, JPEG_SIGNATURE),
                lambda: tf.cast(tf.io.extract_jpeg_shape(encoded)[:2], tf.int64),
            ),
            (webp(b"VP8 "), lambda: sizes(26, 4, tf.uint16) % 2**14),
            (webp(b"VP8L"), webp_lossless),
            (webp(b"VP8X"), webp_canvas),
        ],
        lambda: tf.zeros((2,), tf.int64),
    )
    return tf.abs(tf.reduce_prod(announced))


def _begins_with(encoded: tf.Tensor, signature: bytes) -> tf.Tensor:
    return tf.equal(tf.strings.substr(encoded, 0, len(signature)), signature)


def _decode_jpeg(encoded: tf.Tensor) -> tf.Tensor:
    # The accurate transform is that of every other decoder: pixels are then the same everywhere.
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def _decode_png(encoded: tf.Tensor) -> tf.Tensor:
    """Decode a PNG and lay it over white."""
    image = tf.io.decode_png(encoded, channels=4)
    # A picture without transparency gets the alpha that is the largest value of its own bit depth:
    # 255 from 8 bits on, but 1 at one bit.
    bit_depth = tf.cast(_bytes_at(encoded, 24, 1)[0], tf.int32)
    opaque_alpha = tf.cast(tf.minimum(tf.bitwise.left_shift(1, bit_depth) - 1, 255), tf.uint8)

    opaque = tf.reduce_all(tf.equal(image[..., 3], opaque_alpha))
    return tf.cond(opaque, lambda: image[..., :3], lambda: tf.cast(lay_over_white(image), tf.uint8))


def lay_over_white(image: tf.Tensor) -> tf.Tensor:
    """Return what shows of a picture with transparency: float32 [h, w, 3], whole numbers.

    Args:
        image: uint8 or float32 [h, w, 4] in [0, 255], RGBA.
    """
    alpha = tf.cast(image[..., 3:], tf.float32) / 255.0
    return tf.round(tf.cast(image[..., :3], tf.float32) * alpha + 255.0 * (1.0 - alpha))


def _decode_bmp(encoded: tf.Tensor) -> tf.Tensor:
    """Decode a BMP; of one with a palette, TensorFlow itself returns the indices."""
    image = tf.io.decode_bmp(encoded)
    palette_end = _integer_at(encoded, 10)
    palette_start = 14 + _integer_at(encoded, 14)

    def look_up() -> tf.Tensor:
        palette = _bytes_at(encoded, palette_start, palette_end - palette_start)
        colours = tf.reshape(palette, (-1, 4))[:, 2::-1]  # [colours, BGR and nothing] -> RGB
        return tf.gather(colours, tf.cast(image[..., 0], tf.int32))

    return tf.cond(tf.equal(tf.shape(image)[-1], 1), look_up, lambda: image[..., :3])


def _bytes_at(encoded: tf.Tensor, start: int | tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    return tf.io.decode_raw(tf.strings.substr(encoded, start, count), tf.uint8)


def _integer_at(encoded: tf.Tensor, start: int) -> tf.Tensor:
    return tf.io.decode_raw(tf.strings.substr(encoded, start, 4), tf.int32, little_endian=True)[0]


def decode_or_blank(encoded: tf.Tensor, is_path: bool = False) -> tf.Tensor:
    """Decode one file as `decode_image` does, or return an image without pixels if that fails.

    Args:
        encoded: string scalar, the bytes of the file.
        is_path: whether it is the path of the file instead.

    Returns:
        uint8 [h, w, 3]; [0, 0, 3] for a file that is missing or cannot be decoded.
    """

    def decode(value: tf.Tensor) -> tf.Tensor:
        return decode_image(tf.io.read_file(value) if is_path else value)

    image = _or_default(decode, encoded, tf.zeros((0, 0, 3), tf.uint8))
    return tf.ensure_shape(image, (None, None, 3))


def read_or_empty(path: tf.Tensor) -> tf.Tensor:
    """Return the bytes of the file at `path`, none if it cannot be read; string scalars."""
    return _or_default(tf.io.read_file, path, tf.constant(b""))


def _or_default(
    function: Callable[[tf.Tensor], tf.Tensor], value: tf.Tensor, default: tf.Tensor
) -> tf.Tensor:
    # An op that fails ends the whole graph; inside a data set of its own it ends only that.
    result = tf.data.Dataset.from_tensors(value).map(function).ignore_errors()
    default = tf.data.Dataset.from_tensors(default)
    return result.concatenate(default).take(1).get_single_element()


def fitted_size(
    size: tf.Tensor, settings: ImageConfig, stretch: float | tf.Tensor = 1.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the size at which an image enters the network.

    It is scaled to the height of the network, up or down; one that would then be too wide is
    shrunk as a whole, so that letters keep their proportions. What fits is widened by
    `narrow_stretch` and `stretch`, up to the largest width.

    Args:
        size: int32 [2], height and width in pixels, above 0.
        settings: the height, the largest width, and how much narrow images are widened.
        stretch: float32 scalar, by which the width is multiplied beside.

    Returns:
        int32 [2], height and width in pixels, and a bool scalar: whether it had to be shrunk to
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
    # One that had to be shrunk has no room to be widened, and is not narrowed either.
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
        settings: of the image. Its views, if there are several, are cut out of it from left to
            right; columns that remain on the right are dropped.
        stretch: float32 scalar, by which the width is multiplied.

    Returns:
        `image`: float32 [views * H, w', C] in [-1, 1], the views one below the other. Right of the
            picture (and below one that had to be shrunk) stand zeros, up to a multiple of
            `WIDTH_MULTIPLE`.
        `image_size`: int32 [2], height and width of the picture in it, or of a view; pixels.
        `shrunk`: bool, whether the picture was too wide.
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


def picture_of(image: np.ndarray, image_size: np.ndarray, num_views: int = 1) -> np.ndarray:
    """Return the picture that `fit_image` made an input of, without padding, its views in a row.

    Args:
        image: float [views * H, W, C] in [-1, 1].
        image_size: int [2], height and width of the picture in it, or of a view.
        num_views: of the picture.

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
    # Without antialiasing a large photograph loses thin strokes; enlarging needs none, and the
    # plain kernel is twice as fast.
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
