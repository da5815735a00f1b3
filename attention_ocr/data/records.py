"""TFRecord schemas: the project's own, written and parsed, and other projects', parsed."""

import unicodedata
from typing import NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError

# With height and width, readers can sort or count sizes without decoding the images.
FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/text": tf.io.FixedLenFeature([], tf.string),
    "image/key": tf.io.FixedLenFeature([], tf.string),
    "image/height": tf.io.FixedLenFeature([], tf.int64),
    "image/width": tf.io.FixedLenFeature([], tf.int64),
}


def serialize_example(encoded: bytes, text: str, key: str, height: int, width: int) -> bytes:
    """Serialise one labelled image as a `tf.train.Example`.

    Args:
        encoded: The image file, see `images.image.normalize_file`.
        text: The label; stored in Unicode's composed form (NFC).
        key: Identifies the image, for example by its relative path.
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
    """Parse the output of `serialize_example`, in the graph.

    Args:
        serialized: String `[]` or `[B]`, serialised examples.

    Returns:
        A dictionary of `key`, `encoded` and `text`, string tensors of the shape of `serialized`.

    Raises:
        tf.errors.InvalidArgumentError: If an example lacks a feature. The message names it.
    """
    features = tf.io.parse_example(serialized, FEATURES)
    return {name: features[f"image/{name}"] for name in ("key", "encoded", "text")}


class RecordFormat(NamedTuple):
    """Feature names of a record format.

    Attributes:
        encoded: Feature of the image file.
        text: Feature of the label.
        key: Feature of the image's name; `None` if records have none.
    """

    encoded: str
    text: str
    key: str | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Names of all required features."""
        names = (self.encoded, self.text, self.key)
        return tuple(name for name in names if name)


RECORD_FORMATS = {
    "attention_ocr": RecordFormat("image/encoded", "image/text", "image/key"),
    # tensorflow/models, attention_ocr: French street name signs, four views side by side.
    "fsns": RecordFormat("image/encoded", "image/text"),
    # weinman/cnn_lstm_ctc_ocr, mjsynth-tfrecord.py.
    "weinman": RecordFormat("image/encoded", "text/string", "image/filename"),
    # emedvedev/attention-ocr (aocr), util/dataset.py.
    "aocr": RecordFormat("image", "label"),
}
"""Known formats; a file has the first one whose features its first record contains."""


def detect_format(serialized: bytes) -> str | None:
    """Return the name of the format of a record, if it is one of `RECORD_FORMATS`.

    Raises:
        ValueError: If the bytes are not a serialised `tf.train.Example`.
    """
    present = feature_names(serialized)
    for name, record_format in RECORD_FORMATS.items():
        if present.issuperset(record_format.features):
            return name
    return None


def feature_names(serialized: bytes) -> set[str]:
    """Return the names of the features of a serialised `tf.train.Example`.

    Raises:
        ValueError: If the bytes are not a serialised `tf.train.Example`.
    """
    try:
        return set(tf.train.Example.FromString(serialized).features.feature)
    except DecodeError as error:
        raise ValueError("Expected a serialised tf.train.Example. Received: other bytes") from error


def parse_record(
    serialized: tf.Tensor, place: tf.Tensor = "", *, record_format: RecordFormat
) -> dict[str, tf.Tensor]:
    """Parse one record of any format, in the graph.

    Args:
        serialized: String scalar.
        place: String scalar, the key of a record without one.
        record_format: Its feature names.

    Returns:
        `key`, `encoded`, `text` as stored, string scalars.

    Raises:
        tf.errors.InvalidArgumentError: If the record lacks a feature. The message names it.
    """
    names = (record_format.encoded, record_format.text, record_format.key)
    wanted = {name: tf.io.FixedLenFeature([], tf.string) for name in names if name}
    parsed = tf.io.parse_single_example(serialized, wanted)
    return {
        "key": parsed[record_format.key] if record_format.key else place,
        "encoded": parsed[record_format.encoded],
        "text": parsed[record_format.text],
    }


def composed(text: tf.Tensor) -> tf.Tensor:
    """Return `text` in NFC, in the graph, string scalars; ASCII is returned at no cost.

    Bytes that are not UTF-8 are returned unchanged.
    """
    is_ascii = tf.strings.length(text) == tf.strings.length(text, unit="UTF8_CHAR")
    normalized = tf.cond(
        is_ascii,
        lambda: text,
        lambda: tf.numpy_function(_compose, [text], tf.string, stateful=False),
    )
    return tf.ensure_shape(normalized, ())


def _compose(text: bytes) -> bytes:
    try:
        return unicodedata.normalize("NFC", text.decode("utf-8")).encode("utf-8")
    except UnicodeDecodeError:
        return text


def _bytes_feature(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int64_feature(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
