"""The step of a `tf.data` pipeline that decodes image files: one Python call per image.

TensorFlow's own decoders read fewer formats, and guarding them against broken files takes a data
set per image, four times the time of decoding by OpenCV. The call depends on the file alone:
declared stateless, it may be part of a pipeline whose position is saved.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_ocr.images.decode import UnreadableImageError, decode


def decode_any(value: tf.Tensor, is_path: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
    """Decode a file of any supported format in the graph, like `images.decode`.

    Args:
        value: String scalar, the bytes of the file.
        is_path: Whether `value` is the path of the file instead, local or of one of TensorFlow's
            file systems.

    Returns:
        uint8 [h, w, 3] and string scalar: the image and an empty string, or [0, 0, 3] and the
        reason why the file is unreadable.
    """
    decode_one = _decode_path if is_path else _decode_file
    image, reason = tf.numpy_function(decode_one, [value], (tf.uint8, tf.string), stateful=False)
    return tf.ensure_shape(image, (None, None, 3)), tf.ensure_shape(reason, ())


def _decode_path(path: bytes) -> tuple[np.ndarray, bytes]:
    try:
        content = read_file(path.decode("utf-8", "surrogateescape"))
    except OSError as error:
        return _nothing(f"cannot be opened: {error.strerror or error}")
    return _decode_file(content)


def read_file(path: str) -> bytes:
    """Return the bytes of a file, local or of one of TensorFlow's file systems.

    Raises:
        OSError: If it cannot be opened or read.
    """
    if "://" not in path:
        return Path(path).read_bytes()
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            content: bytes = file.read()
    except tf.errors.OpError as error:
        raise OSError(0, str(error.message)) from error
    return content


def _decode_file(encoded: bytes) -> tuple[np.ndarray, bytes]:
    if not encoded:
        return _nothing("empty file")
    try:
        return decode(encoded), b""
    except UnreadableImageError as error:
        return _nothing(str(error))


def _nothing(reason: str) -> tuple[np.ndarray, bytes]:
    return np.zeros((0, 0, 3), np.uint8), reason.encode("utf-8", "replace")
