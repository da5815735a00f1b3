"""TFRecords: the project's own schema, written and parsed, and those of others, parsed."""

import unicodedata
from typing import NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError

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
        encoded: The image file, see `images.image.normalize_file`.
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


class RecordFormat(NamedTuple):
    """Names of the features of somebody's records.

    Attributes:
        encoded: of the image file.
        text: of the label.
        key: of the image's name; none where records have none.
    """

    encoded: str
    text: str
    key: str | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Names of all features that must be there."""
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
"""The formats, told apart by the first record: the first whose features it has."""


def detect_format(serialized: bytes) -> str | None:
    """Return the name of the format of a record, if it is one of `RECORD_FORMATS`.

    Raises:
        ValueError: no serialised `tf.train.Example`.
    """
    present = feature_names(serialized)
    for name, record_format in RECORD_FORMATS.items():
        if present.issuperset(record_format.features):
            return name
    return None


def feature_names(serialized: bytes) -> set[str]:
    """Return the names of the features of a serialised `tf.train.Example`.

    Raises:
        ValueError: it is none.
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
        serialized: string scalar.
        place: string scalar, the key of a record without one.
        record_format: names of its features.

    Returns:
        `key`, `encoded`, `text` as they lie there, string scalars.

    Raises:
        tf.errors.InvalidArgumentError: the record lacks a feature. The message names it.
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
    """Return `text` in NFC, in the graph; ASCII, which is, costs nothing. String scalars.

    Bytes that are not UTF-8 stay as they are.
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
