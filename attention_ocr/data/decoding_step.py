"""The step of a pipeline that decodes: natively what TensorFlow does as fast, the rest in Python.

The call into Python is a function of its bytes alone. Said to be stateless, it can stand in a
pipeline whose position is saved.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_ocr.data.files import is_remote
from attention_ocr.data.graph_decoding import decode_ordinary_image, is_ordinary
from attention_ocr.data.images import or_blank, read_or_empty
from attention_ocr.data.pixels import UnreadableImageError, decode, decode_array


def decode_any(value: tf.Tensor, is_path: bool = False, verified: bool = False) -> tf.Tensor:
    """Decode a file of any format that is read, in the graph, to the pixels of `pixels.decode`.

    Args:
        value: string scalar, the bytes of the file.
        is_path: whether it is the path of the file instead.
        verified: whether it was decoded once before, so that to guard against a broken one, which
            takes as long as to decode it, is not needed.

    Returns:
        uint8 [h, w, 3]; [0, 0, 3] for a file that is missing or cannot be decoded.
    """

    def decode_natively(value: tf.Tensor) -> tf.Tensor:
        encoded = tf.io.read_file(value) if is_path else value
        return tf.cond(
            is_ordinary(encoded),
            lambda: decode_ordinary_image(encoded),
            lambda: tf.zeros((0, 0, 3), tf.uint8),
        )

    image = decode_natively(value) if verified else or_blank(decode_natively, value)
    # A few kinds of JPEG and PNG are those of Python alone.
    image = tf.cond(
        tf.size(image) > 0,
        lambda: image,
        lambda: _decode_in_python(read_or_empty(value) if is_path else value),
    )
    return tf.ensure_shape(image, (None, None, 3))


def why_without_pixels(image: tf.Tensor, value: tf.Tensor, is_path: bool = False) -> tf.Tensor:
    """Return, in the graph, why `decode_any` has given no pixels; empty where it has.

    What has none is decoded again for its reason, what has some pays for nothing.

    Args:
        image: uint8 [h, w, 3], what `decode_any` has returned.
        value: string scalar, as it was given to `decode_any`.
        is_path: likewise.
    """

    def ask() -> tf.Tensor:
        encoded = read_or_empty(value) if is_path else value
        path = value if is_path else tf.constant("")
        return tf.numpy_function(_ask_decoder, [encoded, path], tf.string, stateful=False)

    reason = tf.cond(tf.size(image) > 0, lambda: tf.constant(""), ask)
    return tf.ensure_shape(reason, ())


def _ask_decoder(encoded: bytes, path: bytes) -> bytes:
    try:
        decode(encoded)
    except UnreadableImageError as error:
        return why_unreadable(error, encoded, path).encode("utf-8", errors="replace")
    # It is there again, after it was not.
    return b"cannot be opened"


def why_unreadable(error: UnreadableImageError, encoded: bytes, path: bytes) -> str:
    """Return what the decoder says of a file, or what is wrong with one that has no bytes.

    Args:
        error: of the decoder.
        encoded: the bytes of the file, none where it cannot be opened.
        path: of the file, empty where there is none.
    """
    if encoded:
        return str(error)
    place = path.decode("utf-8", errors="surrogateescape")
    if is_remote(place):
        return "no such file, or an empty one"
    if place:
        try:
            with Path(place).open("rb"):
                pass
        except OSError as failure:
            return f"cannot be opened: {failure.strerror}"
    return "empty file"


def _decode_in_python(encoded: tf.Tensor) -> tf.Tensor:
    return tf.numpy_function(_decode_or_nothing, [encoded], tf.uint8, stateful=False)


def _decode_or_nothing(encoded: bytes) -> np.ndarray:
    image = decode_array(encoded)
    return np.zeros((0, 0, 3), np.uint8) if image is None else image
