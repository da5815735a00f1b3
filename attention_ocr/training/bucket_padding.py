"""Padding of batches to few shapes, as a compiled training step is compiled once per shape."""

from bisect import bisect_left

import tensorflow as tf

from attention_ocr.settings.config import Config
from attention_ocr.settings.image import WIDTH_MULTIPLE


def pad_to_bucket(batch: dict[str, tf.Tensor], config: Config) -> dict[str, tf.Tensor]:
    """Pad images and texts of a batch to the limits of its bucket.

    There is one shape per pair of limits from `bucket_widths` and `bucket_lengths`, the largest
    being those of the model.

    Args:
        batch: Batch as described by `training.step.input_signature`.
        config: The settings.
    """
    data, model = config.data, config.model
    widths = [-(-limit // WIDTH_MULTIPLE) * WIDTH_MULTIPLE for limit in data.bucket_widths]
    width = _limit([*widths, config.image.max_image_width], batch["images"].shape[2])
    # The end token is part of the text.
    lengths = [limit + 1 for limit in (*data.bucket_lengths, model.max_length)]
    length = _limit(lengths, batch["targets"].shape[1])
    padded = {"images": _padded(batch["images"], 2, width), "image_sizes": batch["image_sizes"]}
    return padded | {
        name: _padded(batch[name], 1, length)
        for name in ("decoder_inputs", "targets", "target_weights")
    }


def _limit(limits: list[int], size: int) -> int:
    """Return the smallest sufficient limit; the size itself if there is none."""
    index = bisect_left(sorted(limits), size)
    return sorted(limits)[index] if index < len(limits) else size


def _padded(values: tf.Tensor, axis: int, size: int) -> tf.Tensor:
    """Return `values` zero-padded along an axis; 0 is also the padding token."""
    paddings = [(0, 0)] * values.shape.rank
    paddings[axis] = (0, size - values.shape[axis])
    return tf.pad(values, paddings)
