"""Sizes and hashes of the rows of a source, in the graph that reads them."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from attention_ocr.data.image_sizes import BATCH_SIZE, cannot_be_opened, size_or_reason
from attention_ocr.data.pipeline import explaining
from attention_ocr.data.sources import Source, Walk
from attention_ocr.images.graph_fitting import read_or_empty
from attention_ocr.images.pipeline_decode import read_file


def measured(source: Source, limit: int | None) -> Iterator[dict[str, np.ndarray]]:
    """Yield batches of key, text, size and hashes.

    Args:
        source: The source.
        limit: Maximum number of examples.
    """
    remaining = -1 if limit is None else limit
    for part in source.parts or (source,):
        walk = Walk()
        rows = part.rows(walk).take(remaining)
        rows = rows.map(_measure, num_parallel_calls=walk.num_workers)
        with explaining(part):
            for batch in rows.batch(BATCH_SIZE).prefetch(2).as_numpy_iterator():
                if remaining > 0:
                    remaining -= len(batch["key"])
                yield batch
        if remaining == 0:
            return


def _measure(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return key, text, size and hashes of a row, without the image itself."""
    if "image" in row:
        encoded = tf.io.serialize_tensor(row["image"])
        size, reason = tf.shape(row["image"]), tf.constant("")
    else:
        encoded = read_or_empty(row["path"]) if "path" in row else row["encoded"]
        size, reason = _size_in_graph(encoded, row.get("path", tf.constant("")))
    largest = np.iinfo(np.int64).max
    return {
        "key": row["key"],
        "text": row["text"],
        "height": size[0],
        "width": size[1],
        "reason": reason,
        "hash": tf.where(
            tf.strings.length(encoded) > 0, tf.strings.to_hash_bucket_fast(encoded, largest), -1
        ),
        "text_hash": tf.strings.to_hash_bucket_fast(row["text"], largest),
    }


def _size_in_graph(encoded: tf.Tensor, path: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return height and width of a file, int32 [2], and the reason if it is unreadable."""
    size, reason = tf.numpy_function(
        _size_or_reason, [encoded, path], (tf.int32, tf.string), stateful=False
    )
    return tf.ensure_shape(size, (2,)), tf.ensure_shape(reason, ())


def _size_or_reason(encoded: bytes, path: bytes) -> tuple[np.ndarray, bytes]:
    try:
        if path and not encoded:
            encoded = read_file(path.decode("utf-8", "surrogateescape"))
    except OSError as error:
        return np.zeros(2, np.int32), cannot_be_opened(error).encode("utf-8", "replace")
    height, width, reason = size_or_reason(encoded)
    return np.array([height, width], np.int32), reason.encode("utf-8", "replace")
