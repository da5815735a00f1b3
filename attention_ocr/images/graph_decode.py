"""Decode image files in the graph to the pixels of `images.decode`, where TensorFlow's ops can.

A SavedModel has no other decoder. Training and the engines decode other files in Python, see
`images.decode` and `images.pipeline_decode`.
"""

import tensorflow as tf

from attention_ocr.images.formats import (
    LIGHT_LUMA,
    LONG_SIDE,
    MANY_PIXELS,
    MAX_PIXELS,
    MAX_REDUCTION,
    SHORT_SIDE,
)
from attention_ocr.images.graph_orientation import (
    apply_orientation,
    exif_orientation,
    find_in_jpeg,
    find_in_png,
    may_have_exif,
)

PNG_SIGNATURE = b"\x89PNG"
BMP_SIGNATURE = b"BM"
GIF_SIGNATURE = b"GIF8"
JPEG_SIGNATURE = b"\xff\xd8\xff"

_WEBP_ANIMATION, _WEBP_EXIF = 0x02, 0x08
_GIF_EXTENSION, _GIF_IMAGE, _GIF_GRAPHIC_CONTROL = 0x21, 0x2C, 0xF9
_MAX_GIF_BLOCKS = 1000
_BMP_DEPTHS = (8, 24, 32)
_BMP_HEADER_BYTES = 40


@tf.autograph.experimental.do_not_convert
def decode_image(encoded: tf.Tensor) -> tf.Tensor:
    """Decode one file to the pixels of `images.decode.decode`, if `decodes_in_graph` holds.

    Args:
        encoded: string scalar, the bytes of the file.

    Returns:
        uint8 [h, w, 3].

    Raises:
        tf.errors.InvalidArgumentError: If the bytes are not such an image, are truncated, or
            announce more than `MAX_PIXELS`.
    """
    branches = [
        lambda: _decode_png(encoded, exif_orientation(encoded, find_in_png)),
        lambda: _decode_jpeg(encoded, exif_orientation(encoded, find_in_jpeg)),
        lambda: _decode_bmp(encoded),
        lambda: _decode_gif(encoded),
        lambda: _decode_webp(encoded),
        _refused,
    ]
    return tf.ensure_shape(tf.switch_case(_kind(encoded), branches), (None, None, 3))


@tf.autograph.experimental.do_not_convert
def decode_ordinary_image(encoded: tf.Tensor) -> tf.Tensor:
    """Decode a PNG or JPEG without EXIF data like `decode_image`, but faster."""
    image = tf.cond(
        tf.equal(_kind(encoded), _PNG), lambda: _decode_png(encoded), lambda: _decode_jpeg(encoded)
    )
    return tf.ensure_shape(image, (None, None, 3))


def is_ordinary(encoded: tf.Tensor) -> tf.Tensor:
    """Return whether `decode_ordinary_image` takes a file: bool scalar."""
    return (_kind(encoded) <= _JPEG) & ~may_have_exif(encoded)


@tf.autograph.experimental.do_not_convert
def decodes_in_graph(encoded: tf.Tensor) -> tf.Tensor:
    """Return whether `decode_image` gives the pixels of `images.decode.decode`: bool scalar.

    It does for every JPEG and PNG; for an uncompressed BMP of 8, 24 or 32 bits; for a GIF whose
    first frame fills the canvas and is opaque; for a WebP without animation or EXIF. Only the start
    of the file is checked: it may still be damaged.

    Args:
        encoded: string scalar, the bytes of the file.
    """
    branches = [
        lambda: tf.constant(True),
        lambda: tf.constant(True),
        lambda: _is_plain_bmp(encoded),
        lambda: _is_plain_gif(encoded),
        lambda: _is_plain_webp(encoded),
        lambda: tf.constant(False),
    ]
    return tf.switch_case(_kind(encoded), branches)


_PNG, _JPEG, _BMP, _GIF, _WEBP, _UNKNOWN = range(6)


def _kind(encoded: tf.Tensor) -> tf.Tensor:
    """Return the index of a file's format above, by its first bytes: int32 scalar."""
    start = tf.strings.substr(encoded, 0, 16)
    signatures = (PNG_SIGNATURE, JPEG_SIGNATURE, BMP_SIGNATURE, GIF_SIGNATURE, b"RIFF")
    matches = [
        tf.equal(tf.strings.substr(start, 0, len(signature)), signature) for signature in signatures
    ]
    matches[_WEBP] &= tf.equal(_at(start, 8, 4), b"WEBP")
    return tf.cast(tf.argmax(tf.stack([*matches, tf.constant(True)])), tf.int32)


def _at(encoded: tf.Tensor, start: int, count: int) -> tf.Tensor:
    """Return bytes of a file, padded with zeros if it is too short."""
    part = tf.strings.substr(encoded, 0, start + count)
    return tf.strings.substr(
        tf.strings.join([part, tf.constant(b"\0" * (start + count))]), start, count
    )


def _numbers_at(
    encoded: tf.Tensor, start: int, count: int, dtype: tf.DType, little_endian: bool = True
) -> tf.Tensor:
    """Decode `count` bytes as numbers: int64 vector."""
    part = _at(encoded, start, count)
    return tf.cast(tf.io.decode_raw(part, dtype, little_endian=little_endian), tf.int64)


def _checked(encoded: tf.Tensor, size: tf.Tensor, is_plain: bool | tf.Tensor = True) -> tf.Tensor:
    """Return the file if it may be decoded, by its size, int64 [2], and by `is_plain`."""
    few = tf.abs(tf.reduce_prod(size)) <= MAX_PIXELS
    check = tf.raw_ops.Assert(
        condition=few & is_plain, data=["Expected an image that can be decoded. Received:", size]
    )
    # In eager mode there is no op to wait for.
    with tf.control_dependencies([] if check is None else [check]):
        return tf.identity(encoded)


def _refused() -> tf.Tensor:
    # There is no image: the check fails.
    name = _checked(tf.constant(""), tf.zeros((2,), tf.int64), tf.constant(False))
    return tf.zeros((0, 0, 3), tf.uint8) + tf.cast(tf.strings.length(name), tf.uint8)


def over_contrast(image: tf.Tensor) -> tf.Tensor:
    """Blend like `images.decode.over_contrast`: float32 [h, w, 3], whole numbers.

    Args:
        image: uint8 or float32 [h, w, 4] in [0, 255], RGBA.
    """
    alpha = tf.cast(image[..., 3], tf.int32)
    red, green, blue = tf.unstack(tf.cast(image[..., :3], tf.int32), 3, axis=-1)
    brightness = _total((299 * red + 587 * green + 114 * blue) * alpha)
    weight = _total(alpha)
    is_light = (weight > 0) & (brightness >= LIGHT_LUMA * 1000 * weight)
    backdrop = tf.where(is_light, 0.0, 255.0)
    share = tf.cast(image[..., 3:], tf.float32) / 255.0
    return tf.round(tf.cast(image[..., :3], tf.float32) * share + backdrop * (1.0 - share))


def _total(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(values, tf.int64))


def _decode_jpeg(encoded: tf.Tensor, orientation: tf.Tensor | None = None) -> tf.Tensor:
    size = tf.cast(tf.io.extract_jpeg_shape(encoded)[:2], tf.int64)
    checked = _checked(encoded, size)

    def decode(ratio: int) -> tf.Tensor:
        # The accurate transform gives the same pixels as every other decoder.
        return tf.io.decode_jpeg(checked, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE")

    def reduced() -> tf.Tensor:
        factor = _reduction(size)
        return tf.case(
            [(tf.equal(factor, 2), lambda: decode(2)), (tf.equal(factor, 4), lambda: decode(4))],
            lambda: decode(8),
        )

    image = tf.cond(_reduction(size) > 1, reduced, lambda: decode(1))
    return image if orientation is None else apply_orientation(image, orientation)


def _decode_png(encoded: tf.Tensor, orientation: tf.Tensor | None = None) -> tf.Tensor:
    size = _numbers_at(encoded, 16, 8, tf.int32, little_endian=False)
    image = tf.io.decode_png(_checked(encoded, size), channels=4)
    # The alpha of an opaque image is the largest value of its bit depth: 255 from 8 bits on, but 1
    # at one bit.
    (bit_depth,) = tf.unstack(_numbers_at(encoded, 24, 1, tf.uint8), 1)
    largest = tf.bitwise.left_shift(tf.constant(1, tf.int64), bit_depth) - 1
    opaque_alpha = tf.cast(tf.minimum(largest, 255), tf.uint8)
    opaque = tf.reduce_all(tf.equal(image[..., 3], opaque_alpha))
    shown = tf.cond(opaque, lambda: image[..., :3], lambda: _shown(image))
    shown = _reduced(shown, size)
    return shown if orientation is None else apply_orientation(shown, orientation)


def _is_plain_bmp(encoded: tf.Tensor) -> tf.Tensor:
    (header_bytes,) = tf.unstack(_numbers_at(encoded, 14, 4, tf.int32), 1)
    (depth,) = tf.unstack(_numbers_at(encoded, 28, 2, tf.uint16), 1)
    (compression,) = tf.unstack(_numbers_at(encoded, 30, 4, tf.int32), 1)
    is_known = tf.reduce_any(tf.equal(depth, _BMP_DEPTHS))
    return is_known & tf.equal(compression, 0) & (header_bytes >= _BMP_HEADER_BYTES)


def _decode_bmp(encoded: tf.Tensor) -> tf.Tensor:
    """Decode a BMP; for one with a palette, TensorFlow returns indices."""
    size = tf.abs(_numbers_at(encoded, 18, 8, tf.int32))
    checked = _checked(encoded, size, _is_plain_bmp(encoded))
    image = tf.io.decode_bmp(checked)
    return _reduced(_with_bmp_palette(image, checked), size)


def _with_bmp_palette(image: tf.Tensor, encoded: tf.Tensor) -> tf.Tensor:
    def look_up() -> tf.Tensor:
        palette_end, header_bytes = tf.unstack(_numbers_at(encoded, 10, 8, tf.int32), 2)
        start = tf.cast(14 + header_bytes, tf.int32)
        count = tf.cast(palette_end, tf.int32) - start
        palette = tf.io.decode_raw(tf.strings.substr(encoded, start, count), tf.uint8)
        colours = tf.reshape(palette, (-1, 4))[:, 2::-1]  # [colours, BGR and nothing] -> RGB
        return tf.gather(colours, tf.cast(image[..., 0], tf.int32))

    return tf.cond(tf.equal(tf.shape(image)[-1], 1), look_up, lambda: image[..., :3])


def _is_plain_gif(encoded: tf.Tensor) -> tf.Tensor:
    """Return whether the first frame fills the canvas and has no transparent colour."""
    # The file is padded with zeros, which end every loop.
    content = tf.io.decode_raw(tf.strings.join([encoded, tf.constant(b"\0" * 16)]), tf.uint8)
    last = tf.size(content) - 16

    def value(place: tf.Tensor) -> tf.Tensor:
        return tf.cast(content[tf.minimum(place, last)], tf.int32)

    def after_blocks(place: tf.Tensor) -> tf.Tensor:
        (end,) = tf.while_loop(
            lambda place: value(place) > 0,
            lambda place: (place + 1 + value(place),),
            (place,),
            maximum_iterations=_MAX_GIF_BLOCKS,
        )
        return end + 1

    def next_extension(place: tf.Tensor, transparent: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        is_control = tf.equal(value(place + 1), _GIF_GRAPHIC_CONTROL)
        flag = is_control & tf.equal(value(place + 3) % 2, 1)
        return after_blocks(place + 2), transparent | flag

    flags = value(tf.constant(10))
    palette = tf.where(flags >= 128, 3 * tf.bitwise.left_shift(2, flags % 8), 0)
    place, transparent = tf.while_loop(
        lambda place, _: tf.equal(value(place), _GIF_EXTENSION),
        next_extension,
        (13 + palette, tf.constant(False)),
        maximum_iterations=_MAX_GIF_BLOCKS,
    )
    place = tf.minimum(place, last)
    fills = tf.reduce_all(tf.equal(content[place + 1 : place + 5], 0)) & tf.reduce_all(
        tf.equal(content[place + 5 : place + 9], content[6:10])
    )
    return tf.equal(value(place), _GIF_IMAGE) & fills & ~transparent


def _decode_gif(encoded: tf.Tensor) -> tf.Tensor:
    size = _numbers_at(encoded, 6, 4, tf.uint16)
    checked = _checked(encoded, size, _is_plain_gif(encoded))
    return _reduced(tf.io.decode_image(checked, channels=3, expand_animations=False), size)


def _is_plain_webp(encoded: tf.Tensor) -> tf.Tensor:
    (flags,) = tf.unstack(_numbers_at(encoded, 20, 1, tf.uint8), 1)
    is_still = tf.equal(tf.bitwise.bitwise_and(flags, _WEBP_ANIMATION | _WEBP_EXIF), 0)
    return is_still | tf.not_equal(_at(encoded, 12, 4), b"VP8X")


def _webp_size(encoded: tf.Tensor) -> tf.Tensor:
    """Return the sides of a WebP file: int64 [2]; 0 if its first chunk is unknown."""
    name = _at(encoded, 12, 4)
    places = tf.constant([1, 256, 65536], tf.int64)
    canvas = tf.reshape(_numbers_at(encoded, 24, 6, tf.uint8), (2, 3)) * places
    lossless = _numbers_at(encoded, 21, 8, tf.int64) // tf.constant([1, 2**14], tf.int64)
    sizes = {
        b"VP8 ": _numbers_at(encoded, 26, 4, tf.uint16) % 2**14,
        b"VP8L": lossless % 2**14 + 1,
        b"VP8X": tf.reduce_sum(canvas, axis=1) + 1,
    }
    return tf.add_n([size * tf.cast(tf.equal(name, key), tf.int64) for key, size in sizes.items()])


def _decode_webp(encoded: tf.Tensor) -> tf.Tensor:
    size = _webp_size(encoded)
    checked = _checked(encoded, size, _is_plain_webp(encoded))
    image = tf.io.decode_image(checked, channels=0, expand_animations=False)
    image = tf.ensure_shape(image, (None, None, None))
    shown = tf.cond(tf.equal(tf.shape(image)[-1], 4), lambda: _shown(image), lambda: image[..., :3])
    return _reduced(tf.ensure_shape(shown, (None, None, 3)), size)


def _shown(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(over_contrast(image), tf.uint8)


def _reduction(size: tf.Tensor) -> tf.Tensor:
    """Return `images.formats.reduction` of a size, int64 [2]: int64 scalar."""
    factors = tf.constant([2**power for power in range(MAX_REDUCTION.bit_length())], tf.int64)
    pixels, short, long = tf.reduce_prod(size), tf.reduce_min(size), tf.reduce_max(size)
    possible = (pixels >= MANY_PIXELS * factors**2) & (
        (short >= SHORT_SIDE * factors) | (long >= LONG_SIDE * factors)
    )
    return tf.reduce_max(tf.where(possible, factors, 1))


def _reduced(image: tf.Tensor, announced: tf.Tensor) -> tf.Tensor:
    """Reduce `image` uint8 [h, w, 3] of the announced size, int64 [2], to block means."""
    factor = tf.cast(_reduction(announced), tf.int32)

    def means() -> tf.Tensor:
        size = tf.shape(image)[:2] // factor
        whole = image[: size[0] * factor, : size[1] * factor]
        return tf.cast(tf.round(tf.raw_ops.ResizeArea(images=whole[None], size=size)[0]), tf.uint8)

    return tf.cond(factor > 1, means, lambda: image)
