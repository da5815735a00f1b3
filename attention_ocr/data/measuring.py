"""Sizes and hashes of the rows of a source, in the graph that reads them."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from attention_ocr.data.image_sizes import BATCH_SIZE, cannot_be_opened, measure_file, unreadable
from attention_ocr.data.near_duplicates import HASH_WORDS, perceptual_hash
from attention_ocr.data.pipeline import explaining
from attention_ocr.data.sources import Source, Walk
from attention_ocr.images.graph_fitting import read_or_empty
from attention_ocr.images.pipeline_decode import read_file

Measured = dict[str, np.ndarray]
"""Measurements of a batch of rows, by name."""


def measured(source: Source, limit: int | None) -> Iterator[Measured]:
    """Measure the rows of a source, in batches.

    Args:
        source: The source.
        limit: Maximum number of examples.
    """
    remaining = -1 if limit is None else limit
    for part in source.parts or (source,):
        walk = Walk()
        with explaining(part):
            for batch in measure_rows(part.rows(walk).take(remaining), walk.num_workers):
                if remaining > 0:
                    remaining -= len(batch["key"])
                yield batch
        if remaining == 0:
            return


def measure_rows(rows: tf.data.Dataset, num_workers: int = tf.data.AUTOTUNE) -> Iterator[Measured]:
    """Measure rows, see `Source.rows`, in batches of key, text, size and hashes.

    Args:
        rows: The rows.
        num_workers: Parallel calls.
    """
    rows = rows.map(_measure, num_parallel_calls=num_workers)
    yield from rows.batch(BATCH_SIZE).prefetch(2).as_numpy_iterator()


def _measure(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return key, text, size and hashes of a row, without the image itself."""
    if "image" in row:
        has_pixels = tf.size(row["image"]) > 0
        encoded = tf.where(has_pixels, tf.io.serialize_tensor(row["image"]), "")
        size, reason = tf.shape(row["image"]), row.get("reason", tf.constant(""))
        reason = tf.where(has_pixels | (reason != ""), reason, "image without pixels")
        look = tf.numpy_function(perceptual_hash, [row["image"]], tf.int64, stateful=False)
    else:
        encoded = read_or_empty(row["path"]) if "path" in row else row["encoded"]
        size, look, reason = _measure_file_in_graph(encoded, row.get("path", tf.constant("")))
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
        "perceptual_hash": tf.ensure_shape(look, (HASH_WORDS,)),
        "text_hash": tf.strings.to_hash_bucket_fast(row["text"], largest),
    }


def _measure_file_in_graph(
    encoded: tf.Tensor, path: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return height and width of a file, int32 [2], its hash, and why it is unreadable, if so."""
    size, look, reason = tf.numpy_function(
        _measure_one, [encoded, path], (tf.int32, tf.int64, tf.string), stateful=False
    )
    return tf.ensure_shape(size, (2,)), look, tf.ensure_shape(reason, ())


def _measure_one(encoded: bytes, path: bytes) -> tuple[np.ndarray, np.ndarray, bytes]:
    try:
        if path and not encoded:
            encoded = read_file(path.decode("utf-8", "surrogateescape"))
        found = measure_file(encoded)
    except OSError as error:
        found = unreadable(cannot_be_opened(error))
    size = np.array([found.height, found.width], np.int32)
    return size, found.look, found.reason.encode("utf-8", "replace")
