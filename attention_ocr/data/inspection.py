"""Statistics and problems of a data source, found in one pass and little memory."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from attention_ocr.data.label_checks import LookAlike, label_problems, look_alikes
from attention_ocr.data.near_duplicates import HASH_WORDS, near_duplicates, perceptual_hash
from attention_ocr.data.pipeline import explaining
from attention_ocr.data.sources import Source, Walk
from attention_ocr.data.tables import StringTable
from attention_ocr.images.decode import UnreadableImageError, decode_with_size
from attention_ocr.images.graph_fitting import read_or_empty
from attention_ocr.images.pipeline_decode import read_file
from attention_ocr.settings.image import ImageConfig
from attention_ocr.text.charset import Charset, normalize

UNREADABLE = "unreadable"
NOT_UTF8 = "not_utf8"
EMPTY = "empty"
TOO_LONG = "too_long"
UNKNOWN_CHARACTER = "unknown_character"
SHRUNK = "shrunk"
DUPLICATE = "duplicate"
CONTRADICTION = "contradiction"
NEAR_DUPLICATE = "near_duplicate"
NEAR_CONTRADICTION = "near_contradiction"
LOOK_ALIKE = "look_alike"

MEANINGS = {
    UNREADABLE: "image files that are missing or cannot be decoded",
    NOT_UTF8: "labels that are not UTF-8",
    EMPTY: "empty labels",
    TOO_LONG: "labels with more characters than the limit",
    UNKNOWN_CHARACTER: "labels with characters outside the charset",
    "outer_space": "labels with leading or trailing whitespace",
    "double_space": "labels with consecutive spaces",
    "normal_form": "labels that are not in Unicode's composed form (NFC)",
    "invisible": "labels with control characters or unusual spaces",
    "mixed_scripts": "labels with a word of several scripts",
    CONTRADICTION: "duplicate images with different labels",
    DUPLICATE: "duplicate images with the same label",
    NEAR_CONTRADICTION: "nearly equal images with different labels",
    NEAR_DUPLICATE: "nearly equal images with the same label",
    SHRUNK: "images that would be shrunk to fit the maximum width",
    LOOK_ALIKE: "characters that look like a more frequent one",
}
_BATCH_SIZE = 256

Measured = dict[str, np.ndarray]
"""Measurements of a batch of rows, by name."""


@dataclass
class Finding:
    """A possible problem.

    Attributes:
        count: Number of occurrences.
        examples: Key and label of the first occurrences; for duplicates, both keys.
    """

    count: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)


class Inspection:
    """The statistics of a source; they take a few dozen bytes per example.

    Args:
        image: Image settings, to tell which images would be shrunk.
        charset: Allowed characters; `None` allows any.
        max_length: Maximum characters of a label; `None` for no limit.
        num_named: Number of examples listed for each finding.

    Attributes:
        num_examples: Number of examples seen.
        findings: Problems found, by name (see `MEANINGS`).
        characters: Count of each character (NFC) in the labels.
        lengths: Number of labels by length in characters.
        widths: Number of readable images by width in pixels.
        heights: Number of readable images by height in pixels.
        look_alikes: Characters that look like more frequent ones.
        unreadable_reasons: Number of unreadable images by reason.
        reason_of: Reason by key, for the listed images.
    """

    def __init__(
        self,
        image: ImageConfig,
        charset: Charset | None = None,
        max_length: int | None = None,
        num_named: int = 20,
    ) -> None:
        self._image, self._charset, self._max_length = image, charset, max_length
        self._num_named = num_named
        self._keys = StringTable()
        self._hashes, self._text_hashes = array("q"), array("q")
        self._perceptual_hashes = array("q")
        self.num_examples = 0
        self.findings: dict[str, Finding] = {}
        self.characters: Counter[str] = Counter()
        self.lengths: Counter[int] = Counter()
        self.widths: Counter[int] = Counter()
        self.heights: Counter[int] = Counter()
        self.aspect_ratios: Counter[float] = Counter()
        self.look_alikes: list[LookAlike] = []
        self.unreadable_reasons: Counter[str] = Counter()
        self.reason_of: dict[str, str] = {}

    @property
    def missing_characters(self) -> dict[str, int]:
        """Count of each character in the labels that is outside the charset."""
        known = self._charset
        if known is None:
            return {}
        return {entry: count for entry, count in self.characters.items() if entry not in known}

    def add(self, batch: dict[str, np.ndarray]) -> None:
        """Count a batch of `_measured` rows."""
        names = ("key", "text", "height", "width", "reason")
        columns = (batch[name].tolist() for name in names)
        for raw_key, raw_text, height, width, reason in zip(*columns, strict=True):
            key = raw_key.decode("utf-8", errors="replace")
            self.num_examples += 1
            self._keys.append(key)
            self._add_label(key, raw_text)
            if reason:
                self._add_unreadable(key, raw_text, reason.decode("utf-8", errors="replace"))
            else:
                self._add_size(key, raw_text, height, width)
        self._hashes.extend(batch["hash"].tolist())
        self._text_hashes.extend(batch["text_hash"].tolist())
        self._perceptual_hashes.extend(batch["perceptual_hash"].ravel().tolist())

    def finish(self) -> None:
        """Find duplicates and look-alikes, after the last batch."""
        self.look_alikes = look_alikes(self.characters)
        for entry in self.look_alikes:
            self._find(LOOK_ALIKE, entry.character, entry.like)
        hashes = np.frombuffer(self._hashes, np.int64) if self._hashes else np.zeros(0, np.int64)
        order = np.argsort(hashes, kind="stable")
        same = hashes[order[1:]] == hashes[order[:-1]]
        # An image without a file has the hash -1.
        for place in np.flatnonzero(same & (hashes[order[1:]] != -1)):
            first, second = int(order[place]), int(order[place + 1])
            self._find_pair(first, second, DUPLICATE, CONTRADICTION)
        looks = np.array(self._perceptual_hashes, np.int64).reshape(-1, HASH_WORDS)
        for first, second in near_duplicates(looks):
            if hashes[first] != hashes[second]:
                self._find_pair(first, second, NEAR_DUPLICATE, NEAR_CONTRADICTION)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "num_examples": self.num_examples,
            "findings": {
                name: {"count": finding.count, "examples": finding.examples}
                for name, finding in self.findings.items()
            },
            "characters": dict(self.characters.most_common()),
            "missing_characters": self.missing_characters,
            "lengths": dict(sorted(self.lengths.items())),
            "widths": dict(sorted(self.widths.items())),
            "heights": dict(sorted(self.heights.items())),
            "aspect_ratios": dict(sorted(self.aspect_ratios.items())),
            "look_alikes": [entry._asdict() for entry in self.look_alikes],
            "unreadable_reasons": dict(self.unreadable_reasons.most_common()),
        }

    def _find(self, name: str, key: str, text: str) -> None:
        finding = self.findings.setdefault(name, Finding())
        finding.count += 1
        if len(finding.examples) < self._num_named:
            finding.examples.append((key, text))

    def _find_pair(self, first: int, second: int, same: str, different: str) -> None:
        agree = self._text_hashes[first] == self._text_hashes[second]
        self._find(same if agree else different, self._keys[second], self._keys[first])

    def _add_label(self, key: str, raw: bytes) -> None:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            self._find(NOT_UTF8, key, raw.decode("utf-8", errors="backslashreplace"))
            return
        problems = label_problems(text)
        text = normalize(text)
        self.characters.update(text)
        self.lengths[len(text)] += 1
        if not text:
            problems.append(EMPTY)
        if self._max_length is not None and len(text) > self._max_length:
            problems.append(TOO_LONG)
        if self._charset is not None and self._charset.unknown_characters(text):
            problems.append(UNKNOWN_CHARACTER)
        for name in problems:
            self._find(name, key, text)

    def _add_unreadable(self, key: str, raw: bytes, reason: str) -> None:
        self._find(UNREADABLE, key, raw.decode("utf-8", errors="backslashreplace"))
        self.unreadable_reasons[reason] += 1
        if len(self.reason_of) < self._num_named:
            self.reason_of[key] = reason

    def _add_size(self, key: str, raw: bytes, height: int, width: int) -> None:
        self.heights[height] += 1
        self.widths[width] += 1
        self.aspect_ratios[round(width / height, 1)] += 1
        # As `images.graph_fitting.fitted_size` decides it.
        if round(width * self._image.image_height / height) > self._image.max_image_width:
            self._find(SHRUNK, key, raw.decode("utf-8", errors="backslashreplace"))


def inspect_source(source: Source, inspection: Inspection, limit: int | None = None) -> Inspection:
    """Read a source once and return `inspection`, filled.

    Args:
        source: The source to inspect.
        inspection: An empty inspection.
        limit: Maximum number of examples; required for endless sources.

    Raises:
        ValueError: If the source is endless and there is no limit, or a file of it is damaged.
    """
    if limit is None and any(
        part.num_examples is None and part.spec.name == "synthetic"
        for part in source.parts or (source,)
    ):
        raise ValueError(
            f"{source.spec.name} is endless: set `num_examples=` or --limit. Received: neither"
        )
    return inspect_batches(measured(source, limit), inspection, source, limit)


def inspect_batches(
    batches: Iterable[Measured], inspection: Inspection, source: Source, limit: int | None = None
) -> Inspection:
    """Add measured rows to an inspection, finish it and return it.

    Args:
        batches: What `measured` or `measure_rows` returned, in the order of the source.
        inspection: An empty inspection.
        source: The source that they come from.
        limit: Maximum number of examples.

    Raises:
        ValueError: If there are none.
    """
    with tqdm(total=limit or source.num_examples, unit="image", disable=None) as progress:
        for batch in batches:
            inspection.add(batch)
            progress.update(len(batch["key"]))
    if not inspection.num_examples:
        raise ValueError(f"Expected examples. Received: {source.spec.name}, which has none")
    inspection.finish()
    return inspection


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
    """Measure rows, see `Source.rows`, in batches.

    Args:
        rows: The rows.
        num_workers: Parallel calls.
    """
    rows = rows.map(_measure, num_parallel_calls=num_workers)
    yield from rows.batch(_BATCH_SIZE).prefetch(2).as_numpy_iterator()


def _measure(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return key, text, size and hashes of a row, without the image itself."""
    if "image" in row:
        encoded = tf.io.serialize_tensor(row["image"])
        size, reason = tf.shape(row["image"]), tf.constant("")
        look = tf.numpy_function(perceptual_hash, [row["image"]], tf.int64, stateful=False)
    else:
        encoded = read_or_empty(row["path"]) if "path" in row else row["encoded"]
        size, look, reason = _size_in_graph(encoded, row.get("path", tf.constant("")))
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


def _size_in_graph(encoded: tf.Tensor, path: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return height and width of a file, int32 [2], its hash, and why it is unreadable, if so."""
    size, look, reason = tf.numpy_function(
        _size_or_reason, [encoded, path], (tf.int32, tf.int64, tf.string), stateful=False
    )
    return tf.ensure_shape(size, (2,)), look, tf.ensure_shape(reason, ())


def _size_or_reason(encoded: bytes, path: bytes) -> tuple[np.ndarray, np.ndarray, bytes]:
    try:
        if path and not encoded:
            encoded = read_file(path.decode("utf-8", "surrogateescape"))
        pixels, height, width = decode_with_size(encoded)
        return np.array([height, width], np.int32), perceptual_hash(pixels), b""
    except OSError as error:
        reason = f"cannot be opened: {error.strerror or error}"
    except UnreadableImageError as error:
        reason = str(error) if encoded else "empty file"
    no_look = np.zeros(HASH_WORDS, np.int64)
    return np.zeros(2, np.int32), no_look, reason.encode("utf-8", "replace")
