"""The input pipeline: from examples to batches.

Order of the stages and why: shuffle small items (paths, records), then decode; drop unusable
examples before they take a place in a batch; bucket, so that a batch has no more padding and
decoder steps than its examples need; encode texts per batch.
"""

import contextlib
import math
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from attention_ocr.data.augmentation.augment import augment
from attention_ocr.data.augmentation.joining import join_words
from attention_ocr.data.sources import LEXICON, Selection, Source, Walk
from attention_ocr.images.graph_fitting import fit_image
from attention_ocr.settings.augmentation import AugmentationConfig, parse_policy
from attention_ocr.settings.config import Config
from attention_ocr.settings.data import DataConfig
from attention_ocr.settings.image import WIDTH_MULTIPLE, ImageConfig
from attention_ocr.text.charset import END_ID, START_ID, Charset
from attention_ocr.text.charset_in_graph import encode_in_graph

UNREADABLE = "unreadable image"
TOO_LONG = "label longer than max_length"
NOT_UTF8 = "label that is not UTF-8"
ORIGINAL_SIZES = "original_sizes"
"""Height and width of the image files, in batches of `evaluation_batches`."""
NUM_TRIED = 10_000
"""Maximum number of examples checked before training to find a usable one."""
WINDOW = 1_000
"""Number of recent examples over which the share of unreadable ones is computed."""
MIN_JUDGED = 50
"""Minimum number of examples before that share is checked."""
_LOGGED_COUNTS = frozenset(10**power for power in range(10))


class SkipReport:
    """Lists and counts the examples that a pipeline skips; thread-safe.

    The 1st, 10th, 100th, … example skipped for each reason is logged.

    Args:
        num_names: Number of keys kept for each reason, with the decoder's message.
        fails: Whether the first skipped example ends the pipeline.
        max_unreadable: Maximum share of unreadable images among the last `WINDOW` examples; a
            higher share ends the pipeline.

    Attributes:
        counts: Number of skipped examples by reason.
        failure: The error that ended the pipeline, or empty.
    """

    def __init__(
        self, num_names: int = 20, fails: bool = False, max_unreadable: float = 1.0
    ) -> None:
        self.fails = fails
        self.failure = ""
        self._num_names = num_names
        self._max_unreadable = max_unreadable
        self._lock = threading.Lock()
        self._details: dict[str, dict[str, str]] = {}
        self._unreadable: deque[int] = deque()
        self.counts: Counter[str] = Counter()

    def add(self, key: str, reason: str, number: int = -1, detail: str = "") -> None:
        """Count a skipped example; it counts in every epoch.

        Args:
            key: Key of the example.
            reason: Why it is skipped.
            number: Index of the example among all examples; negative if unknown.
            detail: Details of the reason; examples are counted by reason only.

        Raises:
            ValueError: If `fails` is set, or too many images are unreadable.
        """
        with self._lock:
            self.counts[reason] += 1
            count = self.counts[reason]
            detail = detail.removeprefix(f"{reason}: ")
            named = f"{key} ({detail})" if detail else key
            details = self._details.setdefault(reason, {})
            if key in details or len(details) < self._num_names:
                details[key] = detail
            if self.fails:
                self.failure = f"{reason}: {named}"
            elif reason == UNREADABLE and number >= 0:
                self.failure = self._too_many(named, number)
            if self.failure:
                raise ValueError(self.failure)
        if number >= 0 and count in _LOGGED_COUNTS:
            logging.warning("left out %d times so far: %s: %s", count, reason, named)

    def _too_many(self, named: str, number: int) -> str:
        self._unreadable.append(number)
        while self._unreadable[0] <= number - WINDOW:
            self._unreadable.popleft()
        num_seen, num_unreadable = min(number + 1, WINDOW), len(self._unreadable)
        if num_seen < MIN_JUDGED or num_unreadable <= self._max_unreadable * num_seen:
            return ""
        return (
            f"{num_unreadable} of the last {num_seen} images cannot be read, {named} for example, "
            f"more than max_unreadable={self._max_unreadable} of them"
        )

    def lines(self) -> list[str]:
        """Return a line for each reason: its count, and keys grouped by detail."""
        with self._lock:
            return [
                f"left out {count} times: {reason}: {_by_detail(self._details[reason])}"
                for reason, count in sorted(self.counts.items())
            ]


def _by_detail(details: Mapping[str, str]) -> str:
    keys: dict[str, list[str]] = {}
    for key, detail in sorted(details.items()):
        keys.setdefault(detail, []).append(key)
    return "; ".join(
        f"{', '.join(names)} ({detail})" if detail else ", ".join(names)
        for detail, names in keys.items()
    )


def training_batches(
    source: Source,
    config: Config,
    charset: Charset,
    report: SkipReport | None = None,
    shard: tuple[int, int] = (0, 1),
    start: int = 0,
    selection: Selection | None = None,
) -> tf.data.Dataset:
    """Return endless shuffled batches whose iterator position can be saved and restored.

    Args:
        source: Source of the examples.
        config: Image, model (`max_length`) and data settings; `training.seed` seeds the order.
        charset: Maps texts to token ids.
        report: Records every skipped example; None makes one that nobody sees.
        shard: `(index, count)` of this process among those that share the source.
        start: Number of examples that all processes together have already consumed.
        selection: Selects rendered images, see `Walk`.

    Returns:
        A data set of batches: `images` float32 [B, H, W, C] in [-1, 1], zero on the padding;
        `image_sizes` int32 [B, 2]; `decoder_inputs` int32 [B, T], start and text; `targets` int32
        [B, T], text and end; `target_weights` float32 [B, T], 1 on text and end; `text` and `key`
        string [B]; `shrunk` bool [B]. B is the batch size per process.

    Raises:
        ValueError: If none of the first examples can be trained on; the message says why.
    """
    report = report or SkipReport()
    data = config.data
    order = (config.training.seed, data.shuffle_buffer)
    walk = Walk(*order, _num_workers(config), shard, start, selection=selection)
    _check_some_are_usable(source, config, shard)
    # The index gives the report the share of bad examples and seeds the draws of an example; it is
    # saved with the pipeline's position.
    augmentation = config.augmentation
    seed = (config.training.seed, shard[0] << 24)
    max_length = config.model.max_length
    dataset = source.examples(walk).enumerate()
    dataset = dataset.filter(lambda number, example: _usable(example, max_length, report, number))
    dataset = dataset.map(
        lambda number, example: _prepare(
            example, config.image, _draw_stretch(augmentation, seed, number)
        ),
        num_parallel_calls=walk.num_workers,
    )
    if augmentation.join_words:
        dataset = _with_joined_words(dataset, config, charset, seed)
    dataset = _in_buckets(dataset, data, data.batch_size // shard[1])
    if augmentation.augmentation and augmentation.augmentation_strength:
        # The batch index, saved as well, seeds every draw.
        dataset = dataset.enumerate(start // data.batch_size).map(
            lambda index, batch: _augmented(batch, index, seed, augmentation),
            num_parallel_calls=walk.num_workers,
        )
    dataset = dataset.map(
        lambda batch: with_targets(batch, charset), num_parallel_calls=walk.num_workers
    )
    return _with_options(dataset.prefetch(2))


def _in_buckets(dataset: tf.data.Dataset, data: DataConfig, batch_size: int) -> tf.data.Dataset:
    """Return batches of examples of similar widths and lengths."""
    return dataset.group_by_window(
        lambda example: _bucket(example, data.bucket_widths, data.bucket_lengths),
        lambda _, group: group.padded_batch(batch_size, drop_remainder=True),
        window_size=batch_size,
    )


def _with_joined_words(
    dataset: tf.data.Dataset, config: Config, charset: Charset, seed: tuple[int, int]
) -> tf.data.Dataset:
    if " " not in charset:
        raise ValueError("`join_words` needs a charset with a space. Received: a charset without")
    return join_words(
        dataset,
        config.augmentation.join_words,
        WIDTH_MULTIPLE,
        config.image.max_image_width,
        config.model.max_length,
        seed,
    )


@contextlib.contextmanager
def explaining(source: Source, report: SkipReport | None = None) -> Iterator[None]:
    """Convert TensorFlow errors of reading a source inside the `with` block.

    Raises:
        ValueError: If reading fails; the message names the example or the file.
    """
    try:
        yield
    except tf.errors.OpError as error:
        reason = (report.failure if report else "") or source.find_damage()
        reason = reason or str(error.message).strip().splitlines()[0]
        raise ValueError(f"Could not read {source.spec.name}: {reason}") from error


def evaluation_batches(
    source: Source, config: Config, shard: tuple[int, int] = (0, 1)
) -> tf.data.Dataset:
    """Return every example of a source once, in order.

    An unreadable image is replaced by a blank one.

    Args:
        source: The examples.
        config: The settings.
        shard: `(index, count)`: this process takes each `count`-th example.

    Returns:
        A data set of batches: `images` float32 [B, H, W, C], `image_sizes` int32 [B, 2],
        `original_sizes` int32 [B, 2] of the files, `text` and `key` string [B], `shrunk` and
        `readable` bool [B], and `lexicon` string [B] if the source has a lexicon per image. The
        last batch may be smaller.
    """
    dataset = source.examples(Walk(num_workers=_num_workers(config), shard=shard))
    dataset = dataset.map(
        lambda example: (
            _prepare(example, config.image) | {ORIGINAL_SIZES: tf.shape(example["image"])[:2]}
        ),
        num_parallel_calls=_num_workers(config),
    )
    dataset = dataset.padded_batch(config.data.eval_batch_size)
    return _with_options(dataset.prefetch(2))


def _num_workers(config: Config) -> int:
    return config.data.data_workers or tf.data.AUTOTUNE


def _with_options(dataset: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    options.deterministic = True
    # There is no external state to save: the ops that tf.data considers stateful (decoding that
    # may fail, rendering) are pure functions of their inputs.
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    return dataset.with_options(options)


def _check_some_are_usable(source: Source, config: Config, shard: tuple[int, int]) -> None:
    # An endless source of unusable examples would never yield a batch.
    report = SkipReport(num_names=3)
    examples = source.examples(Walk(num_workers=_num_workers(config), shard=shard)).take(NUM_TRIED)
    usable = examples.filter(lambda example: _usable(example, config.model.max_length, report))
    with explaining(source, report):
        found = any(True for _ in usable.take(1))
    if not found:
        reasons = "; ".join(report.lines()) or "there are none for this process"
        raise ValueError(f"No example of {source.spec.name} can be trained on: {reasons}")


def _usable(
    example: dict[str, tf.Tensor],
    max_length: int,
    report: SkipReport,
    number: tf.Tensor | int = -1,
) -> tf.Tensor:
    """Return whether an example can be trained on; report it if not."""

    def tell(
        key: bytes, number: np.int64, readable: np.bool_, valid: np.bool_, detail: bytes
    ) -> np.bool_:
        reason = UNREADABLE if not readable else TOO_LONG if valid else NOT_UTF8
        key_text, detail_text = (part.decode("utf-8", errors="replace") for part in (key, detail))
        report.add(key_text, reason, int(number), detail_text)
        return np.bool_(False)

    readable = tf.size(example["image"]) > 0
    text = example["text"]
    valid = text == tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
    fits = tf.strings.length(text, unit="UTF8_CHAR") <= max_length
    usable = tf.cond(
        readable & valid & fits,
        lambda: True,
        lambda: tf.numpy_function(
            tell,
            [example["key"], number, readable, valid, example["reason"]],
            tf.bool,
            stateful=False,
        ),
    )
    return tf.ensure_shape(usable, ())


def _draw_stretch(
    settings: AugmentationConfig, seed: tuple[int, int], index: tf.Tensor
) -> float | tf.Tensor:
    least, most = settings.min_stretch, settings.max_stretch
    if least == most:
        return least
    # A different seed from those of `augment`, which are numbered by batch.
    seeds = tf.stack([tf.constant(seed[0], tf.int64), seed[1] - 1 - index])
    power = tf.random.stateless_uniform((), seeds, math.log(least), math.log(most))
    return tf.exp(power)


def _prepare(
    example: dict[str, tf.Tensor], settings: ImageConfig, stretch: float | tf.Tensor = 1.0
) -> dict[str, tf.Tensor]:
    image, image_size, shrunk = fit_image(example["image"], settings, stretch)
    prepared = {
        "images": image,
        "image_sizes": image_size,
        "text": example["text"],
        "key": example["key"],
        "shrunk": shrunk,
        "readable": tf.size(example["image"]) > 0,
    }
    return prepared | ({LEXICON: example[LEXICON]} if LEXICON in example else {})


def _augmented(
    batch: dict[str, tf.Tensor],
    index: tf.Tensor,
    seed: tuple[int, int],
    settings: AugmentationConfig,
) -> dict[str, tf.Tensor]:
    images = augment(
        batch["images"],
        batch["image_sizes"],
        tf.stack([seed[0], seed[1] + tf.cast(index, tf.int32)]),
        parse_policy(settings.augmentation),
        settings.augmentation_strength,
    )
    return batch | {"images": images}


def _bucket(
    example: dict[str, tf.Tensor], widths: Sequence[int], lengths: Sequence[int]
) -> tf.Tensor:
    width = tf.shape(example["images"])[1]
    length = tf.strings.length(example["text"], unit="UTF8_CHAR")
    width_bucket = tf.reduce_sum(tf.cast(width > tf.constant(widths, tf.int32), tf.int64))
    length_bucket = tf.reduce_sum(tf.cast(length > tf.constant(lengths, tf.int32), tf.int64))
    return width_bucket * (len(lengths) + 1) + length_bucket


def with_targets(batch: dict[str, tf.Tensor], charset: Charset) -> dict[str, tf.Tensor]:
    """Return a batch with `decoder_inputs`, `targets` and `target_weights` of its texts."""
    token_ids = encode_in_graph(charset, batch["text"])
    num_texts = tf.shape(batch["text"])[0]
    start, end = tf.fill((num_texts, 1), START_ID), tf.fill((num_texts, 1), END_ID)
    targets = tf.concat([token_ids, end], axis=1)
    weights = tf.sequence_mask(targets.row_lengths(), dtype=tf.float32)
    return batch | {
        "decoder_inputs": tf.concat([start, token_ids], axis=1).to_tensor(),
        "targets": targets.to_tensor(),
        "target_weights": weights,
    }
