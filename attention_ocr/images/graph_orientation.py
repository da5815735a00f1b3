"""The EXIF orientation of a JPEG or PNG file in the graph, see `images.orientation`."""

from collections.abc import Callable

import tensorflow as tf

_PADDING = 64
_MAX_PARTS = 10_000
"""Segments or chunks that are searched for an orientation; cameras write it into the first."""

_JPEG_SCAN, _JPEG_EXIF = 0xDA, 0xE1
_ORIENTATION_TAG = 0x0112
_BYTE, _SHORT, _LONG = 1, 3, 4


def may_have_exif(encoded: tf.Tensor) -> tf.Tensor:
    """Return whether the name of EXIF data occurs anywhere in a file: bool scalar."""
    # RE2 expects UTF-8; only \C matches any byte.
    return tf.strings.regex_full_match(encoded, r"(?s)\C*(Exif\x00\x00|eXIf)\C*")


def exif_orientation(encoded: tf.Tensor, find: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Return the orientation of a file: int32 scalar, 1 to 8; 1 for a file without any.

    Args:
        encoded: string scalar, the bytes of a file.
        find: `find_in_jpeg` or `find_in_png`.
    """

    def look() -> tf.Tensor:
        # The file is padded with zeros, which are not valid data.
        padding = tf.constant(b"\0" * _PADDING)
        content = tf.io.decode_raw(tf.strings.join([encoded, padding]), tf.uint8)
        return _orientation(content[find(content) :])

    return tf.cond(may_have_exif(encoded), look, lambda: tf.constant(1))


def apply_orientation(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Rotate or mirror `image` uint8 [h, w, 3] by its orientation, int32 scalar."""

    def rotate() -> tf.Tensor:
        # Orientations 5 to 8 swap height and width; then each axis may be mirrored.
        swapped = tf.transpose(image, tf.where(orientation >= 5, (1, 0, 2), (0, 1, 2)))
        rows = tf.where(tf.reduce_any(tf.equal(orientation, (3, 4, 7, 8))), -1, 1)
        columns = tf.where(tf.reduce_any(tf.equal(orientation, (2, 3, 6, 7))), -1, 1)
        return swapped[::rows, ::columns]

    return tf.cond(orientation > 1, rotate, lambda: image)


def _integer(content: tf.Tensor, start: tf.Tensor, count: int) -> tf.Tensor:
    """Decode a big-endian number of `count` bytes: int32 scalar; 0 after the end."""
    start = tf.clip_by_value(start, 0, tf.size(content) - count)
    number = tf.constant(0)
    for place in range(count):
        number = number * 256 + tf.cast(content[start + place], tf.int32)
    return number


def find_in_jpeg(content: tf.Tensor) -> tf.Tensor:
    """Return the offset of the TIFF header of the EXIF data, 0 without any: int32 scalar."""

    def goes_on(place: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
        marker = _integer(content, place, 2)
        return tf.equal(found, 0) & (marker > 0xFF00) & tf.not_equal(marker, 0xFF00 | _JPEG_SCAN)

    def look(place: tf.Tensor, found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        marker = _integer(content, place + 1, 1)
        is_exif = tf.equal(marker, _JPEG_EXIF) & tf.equal(
            _integer(content, place + 4, 4), int.from_bytes(b"Exif", "big")
        )
        # Of several fill bytes before a marker, the last belongs to it.
        step = tf.where(tf.equal(marker, 0xFF), 1, 2 + _integer(content, place + 2, 2))
        return place + step, tf.where(is_exif, place + 10, found)

    _, found = tf.while_loop(goes_on, look, (2, 0), maximum_iterations=_MAX_PARTS)
    return found


def find_in_png(content: tf.Tensor) -> tf.Tensor:
    """Return the offset of the EXIF data, 0 without any: int32 scalar."""
    end = tf.size(content) - _PADDING

    def goes_on(place: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
        return tf.equal(found, 0) & (place > 0) & (place < end)

    def look(place: tf.Tensor, found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        is_exif = tf.equal(_integer(content, place + 4, 4), int.from_bytes(b"eXIf", "big"))
        length = _integer(content, place, 4)
        # A length beyond the end ends the search.
        step = tf.where((length < 0) | (length > end), end, 12 + length)
        return place + step, tf.where(is_exif, place + 8, found)

    _, found = tf.while_loop(goes_on, look, (8, 0), maximum_iterations=_MAX_PARTS)
    return found


def _orientation(tiff: tf.Tensor) -> tf.Tensor:
    """Return the orientation in the first directory of TIFF data: int32 scalar."""
    is_little = tf.reduce_all(tf.equal(tiff[:4], tuple(b"II*\0")))
    is_big = tf.reduce_all(tf.equal(tiff[:4], tuple(b"MM\0*")))

    def number(values: tf.Tensor) -> tf.Tensor:
        """Return the numbers of `values` uint8 [n, bytes]: int32 [n]."""
        values = tf.cast(tf.cond(is_little, lambda: values[:, ::-1], lambda: values), tf.int32)
        total = tf.zeros_like(values[:, 0])
        for place in range(values.shape[1]):
            total = total * 256 + values[:, place]
        return total

    offset = number(tf.slice(tiff, [4], [4])[None])[0]
    offset = tf.where((offset < 8) | (offset > tf.size(tiff) - 14), 0, offset)
    count = number(tf.slice(tiff, [offset], [2])[None])[0]
    count = tf.minimum(count, (tf.size(tiff) - offset - 2) // 12)
    entries = tf.reshape(tiff[offset + 2 : offset + 2 + 12 * count], (-1, 12))
    kind, length = number(entries[:, 2:4]), number(entries[:, 4:8])
    value = tf.where(
        tf.equal(kind, _SHORT),
        number(entries[:, 8:10]),
        tf.where(tf.equal(kind, _LONG), number(entries[:, 8:12]), number(entries[:, 8:9])),
    )
    is_integer = tf.reduce_any(tf.equal(kind[:, None], (_BYTE, _SHORT, _LONG)), axis=1)
    is_it = tf.equal(number(entries[:, 0:2]), _ORIENTATION_TAG) & is_integer
    is_valid = (
        is_it
        & tf.equal(length, 1)
        & (value >= 1)
        & (value <= 8)
        & (offset > 0)
        & (is_little | is_big)
    )
    return tf.reduce_max(tf.concat([[1], tf.where(is_valid, value, 1)], 0))
