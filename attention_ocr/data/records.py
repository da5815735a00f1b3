"""The schema of the project's TFRecords: what an example holds, written and parsed."""

import unicodedata

import tensorflow as tf

# Height and width spare a reader that only sorts or counts sizes from decoding the images.
FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/text": tf.io.FixedLenFeature([], tf.string),
    "image/key": tf.io.FixedLenFeature([], tf.string),
    "image/height": tf.io.FixedLenFeature([], tf.int64),
    "image/width": tf.io.FixedLenFeature([], tf.int64),
}


def serialize_example(encoded: bytes, text: str, key: str, height: int, width: int) -> bytes:
    """Write one labelled image as a `tf.train.Example`.

    Args:
        encoded: The image file, byte for byte: PNG, JPEG, BMP or GIF.
        text: The label; stored in Unicode's composed form (NFC).
        key: Names the image, for example its relative path.
        height: Height in pixels.
        width: Width in pixels.

    Returns:
        The serialised example.
    """
    features = {
        "image/encoded": _bytes_feature(encoded),
        "image/text": _bytes_feature(unicodedata.normalize("NFC", text).encode("utf-8")),
        "image/key": _bytes_feature(key.encode("utf-8")),
        "image/height": _int64_feature(height),
        "image/width": _int64_feature(width),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    # The order of a map's entries would otherwise differ from process to process.
    return bytes(example.SerializeToString(deterministic=True))


def parse_example(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Parse what `serialize_example` wrote, in the graph.

    Args:
        serialized: string `[]` or `[B]`, serialised examples.

    Returns:
        A dictionary of `key`, `encoded` and `text`, string tensors of the shape of `serialized`.

    Raises:
        tf.errors.InvalidArgumentError: If an example lacks a feature. The message names it.
    """
    features = tf.io.parse_example(serialized, FEATURES)
    return {name: features[f"image/{name}"] for name in ("key", "encoded", "text")}


def _bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int64_feature(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
