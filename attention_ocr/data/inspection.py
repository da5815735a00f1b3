"""Statistics and problems of a data source, found in one pass and little memory."""

import hashlib
import itertools
import os
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attention_ocr.data.image_sizes import BATCH_SIZE, cannot_be_opened, measure_file, unreadable
from attention_ocr.data.label_checks import LookAlike, label_problems, look_alikes
from attention_ocr.data.labels import label_rows
from attention_ocr.data.near_duplicates import HASH_WORDS, near_duplicates
from attention_ocr.data.tables import ImageTable, StringTable
from attention_ocr.io.progress import progress_bar
from attention_ocr.settings.image import ImageConfig
from attention_ocr.text.charset import Charset, normalize

if TYPE_CHECKING:
    from attention_ocr.data.measuring import Measured
    from attention_ocr.data.sources import Source

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


def inspect_source(
    source: "Source", inspection: Inspection, limit: int | None = None
) -> Inspection:
    """Read a source once and return `inspection`, filled.

    Args:
        source: The source to inspect.
        inspection: An empty inspection.
        limit: Maximum number of examples; required for endless sources.

    Raises:
        ValueError: If the source is endless and there is no limit, or a file of it is damaged.
    """
    # Imported late: label files are inspected without TensorFlow as well.
    from attention_ocr.data.measuring import measured

    return inspect_batches(measured(source, limit), inspection, source, limit)


def inspect_batches(
    batches: "Iterable[Measured]",
    inspection: Inspection,
    source: "Source",
    limit: int | None = None,
) -> Inspection:
    """Add measured rows to an inspection, finish it and return it.

    Args:
        batches: What `measuring.measured` or `measure_rows` returned, in the order of the source.
        inspection: An empty inspection.
        source: The source that they come from.
        limit: Maximum number of examples; required for endless sources.

    Raises:
        ValueError: If there are none, or the source is endless and there is no limit.
    """
    if limit is None:
        source.refuse_endless(", or --limit")
    with progress_bar("inspecting", limit or source.num_examples) as progress:
        for batch in batches:
            inspection.add(batch)
            progress.update(len(batch["key"]))
    if not inspection.num_examples:
        raise ValueError(f"Expected examples. Received: {source.spec.name}, which has none")
    inspection.finish()
    return inspection


def inspect_labels(
    path: str | os.PathLike[str], inspection: Inspection, limit: int | None = None
) -> Inspection:
    """Read a local label file and its images once, without TensorFlow; see `inspect_source`.

    Args:
        path: The label file.
        inspection: An empty inspection.
        limit: Maximum number of examples.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged; the message names the line.
    """
    path = Path(path)
    table = ImageTable(str(path), str(path.parent), label_rows(str(path)))
    rows = itertools.islice(zip(table.keys, table.texts, strict=True), limit)
    num_rows = len(table.keys) if limit is None else min(limit, len(table.keys))
    with progress_bar("inspecting", num_rows) as progress:
        while batch := list(itertools.islice(rows, BATCH_SIZE)):
            measured = [_measure_row(table.path_of(key), key, text) for key, text in batch]
            inspection.add({name: _column([row[name] for row in measured]) for name in measured[0]})
            progress.update(len(batch))
    inspection.finish()
    return inspection


def _measure_row(path: str, key: str, text: str) -> dict[str, Any]:
    """Return a row of `measuring.measured`, of a local file."""
    encoded = b""
    try:
        encoded = Path(path).read_bytes()
        found = measure_file(encoded)
    except OSError as error:
        found = unreadable(cannot_be_opened(error))
    raw_text = text.encode("utf-8")
    return {
        "key": key.encode("utf-8"),
        "text": raw_text,
        "height": found.height,
        "width": found.width,
        "reason": found.reason.encode("utf-8"),
        "hash": _hash_of(encoded) if encoded else -1,
        "perceptual_hash": found.look,
        "text_hash": _hash_of(raw_text),
    }


def _column(values: list[Any]) -> np.ndarray:
    if isinstance(values[0], np.ndarray):
        return np.stack(values)
    return np.array(values, object)


def _hash_of(content: bytes) -> int:
    """Return a hash, int64 and not negative."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") >> 1
