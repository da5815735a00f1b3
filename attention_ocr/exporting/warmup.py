"""The warm-up file of an export: requests that a server replays before it serves clients.

The first calls of a graph are many times slower than later ones. Name and format are TF Serving's:
a TFRecord of `PredictionLog` messages.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from attention_ocr.data.record_lengths import check_record_lengths

WARMUP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"
NUM_IMAGES = 4
MAX_RECORDS = 1000
"""Largest number of records that TF Serving accepts."""


def write_warmup(saved_model: Path, images: Path, signature: str = "serving_default") -> int:
    """Write the warm-up file of a SavedModel: some images one by one, then as one batch.

    Args:
        saved_model: Directory of a version.
        images: Directory whose first non-empty `*.png` are taken.
        signature: Signature of the requests; its one input is `images`, string [B].

    Returns:
        The number of requests.

    Raises:
        OSError: If the file cannot be written.
    """
    paths = [path for path in sorted(images.glob("*.png")) if path.stat().st_size]
    files = [path.read_bytes() for path in paths[:NUM_IMAGES]]
    batches = [[file] for file in files] + [files] * (len(files) > 1)
    path = saved_model / WARMUP_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tf.io.TFRecordWriter(str(path)) as writer:
            for batch in batches:
                writer.write(_prediction_log(batch, signature))
    except tf.errors.OpError as error:
        raise OSError(f"Cannot write {path}: {error.message}") from error
    return len(batches)


def read_warmup(saved_model: Path) -> Iterator[Any]:
    """Yield the `PredictionLog` messages of a warm-up file; nothing without the file.

    Raises:
        ValueError: If the file is damaged, or holds more than `MAX_RECORDS`.
    """
    from google.protobuf.message import DecodeError
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    path = saved_model / WARMUP_FILE
    if not path.is_file():
        return
    try:
        check_record_lengths(path)
    except ValueError as error:
        raise ValueError(f"{path} is damaged and cannot be read: {error}") from error
    try:
        for index, record in enumerate(tf.data.TFRecordDataset(str(path))):
            if index == MAX_RECORDS:
                raise ValueError(f"Expected at most {MAX_RECORDS} requests. Received: {path}")
            yield PredictionLog.FromString(record.numpy())
    except (tf.errors.OpError, DecodeError) as error:
        reason = getattr(error, "message", str(error)).splitlines()[0]
        raise ValueError(f"{path} is damaged and cannot be read: {reason}") from error


def _prediction_log(files: Sequence[bytes], signature: str) -> bytes:
    # Imported here: only exports and servers need these messages.
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    log = PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    request.inputs["images"].CopyFrom(tf.make_tensor_proto(files, tf.string, (len(files),)))
    serialized: bytes = log.SerializeToString()
    return serialized
