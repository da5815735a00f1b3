"""The step of a `tf.data` pipeline that decodes image files: one call into Python an image.

TensorFlow's own decoders read fewer formats, and guarding them against a broken file takes a
data set of its own for each image, four times the time of decoding by OpenCV. The call is a
function of the file alone: declared stateless, it may stand in a pipeline whose position is saved.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_ocr.images.decode import decode_array


def decode_any(value: tf.Tensor, is_path: bool = False) -> tf.Tensor:
    """Decode a file of any format that is read, in the graph, to the pixels of `images.decode`.

    Args:
        value: String scalar, the bytes of the file.
        is_path: Whether `value` is the path of the file instead, local or of one of TensorFlow's
            file systems.

    Returns:
        uint8 [h, w, 3]; [0, 0, 3] for a file that is missing or cannot be decoded.
    """
    decode = _decode_path if is_path else _decode_file
    image = tf.numpy_function(decode, [value], tf.uint8, stateful=False)
    return tf.ensure_shape(image, (None, None, 3))


def _decode_path(path: bytes) -> np.ndarray:
    try:
        return _decode_file(_read(path.decode("utf-8", "surrogateescape")))
    except (OSError, tf.errors.OpError):
        return _decode_file(b"")


def _read(path: str) -> bytes:
    if "://" not in path:
        return Path(path).read_bytes()
    with tf.io.gfile.GFile(path, "rb") as file:
        content: bytes = file.read()
    return content


def _decode_file(encoded: bytes) -> np.ndarray:
    image = decode_array(encoded)
    return np.zeros((0, 0, 3), np.uint8) if image is None else image
