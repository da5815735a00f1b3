"""The step of a pipeline that decodes: natively what TensorFlow does as fast, the rest in Python.

The call into Python is a function of its bytes alone. Said to be stateless, it can stand in a
pipeline whose position is saved.
"""

import numpy as np
import tensorflow as tf

from attention_ocr.images.decode import decode_array
from attention_ocr.images.graph_decode import decode_ordinary_image, is_ordinary
from attention_ocr.images.graph_fitting import or_blank, read_or_empty


def decode_any(value: tf.Tensor, is_path: bool = False, verified: bool = False) -> tf.Tensor:
    """Decode a file of any format that is read, in the graph, to the pixels of `images.decode`.

    Args:
        value: string scalar, the bytes of the file.
        is_path: Whether it is the path of the file instead.
        verified: Whether it was decoded once before, so that to guard against a broken one, which
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


def _decode_in_python(encoded: tf.Tensor) -> tf.Tensor:
    return tf.numpy_function(_decode_or_nothing, [encoded], tf.uint8, stateful=False)


def _decode_or_nothing(encoded: bytes) -> np.ndarray:
    image = decode_array(encoded)
    return np.zeros((0, 0, 3), np.uint8) if image is None else image
