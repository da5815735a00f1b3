"""Compact tables of labelled images: a few dozen bytes each, accessed by index."""

import hashlib
import os
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from attention_ocr.data.storage import exists, is_remote, tensorflow_reads

if TYPE_CHECKING:
    # Imported late: label files are inspected without TensorFlow as well.
    import tensorflow as tf

PARTS = ("train", "eval", "fit", "validation")
SPLIT_RULES = ("order", "hash")
_VALIDATION_EVERY = 10


class StringTable:
    """A growing sequence of strings, stored as one block of UTF-8 and one of offsets.

    A list of Python strings takes several times the memory, and is copied into a graph.

    Args:
        strings: Initial strings.
    """

    def __init__(self, strings: Iterable[str] = ()) -> None:
        self._block, self._offsets = bytearray(), array("q", [0])
        for string in strings:
            self.append(string)

    def append(self, string: str) -> None:
        """Append a string."""
        self._block += string.encode("utf-8")
        self._offsets.append(len(self._block))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> str:
        index = range(len(self))[index]
        return self._block[self._offsets[index] : self._offsets[index + 1]].decode("utf-8")

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))

    def content(self) -> tuple[bytes, bytes]:
        """Return the two blocks, which are equal exactly for equal tables."""
        return bytes(self._block), self._offsets.tobytes()

    def lookup(self) -> "StringLookup":
        """Return the current table for use in a graph."""
        import tensorflow as tf

        return StringLookup(tf.constant(bytes(self._block)), tf.constant(np.array(self._offsets)))


class StringLookup:
    """A `StringTable` inside a graph.

    Args:
        block: String scalar.
        offsets: Int64 [n + 1].

    Call arguments:
        index: Int64 scalar.

    Returns:
        String scalar.
    """

    def __init__(self, block: "tf.Tensor", offsets: "tf.Tensor") -> None:
        self._block = block
        self._offsets = offsets

    def __call__(self, index: "tf.Tensor") -> "tf.Tensor":
        import tensorflow as tf

        start = self._offsets[index]
        return tf.strings.substr(self._block, start, self._offsets[index + 1] - start)


class ImageTable:
    """Labelled image files, as listed in a file.

    Keys are paths as they exist: backslashes of a list from Windows are read as slashes, and
    spaces around a path are dropped, if only the changed path exists.

    Args:
        name: The file that lists them, for messages.
        folder: Base folder of relative paths; may be remote.
        rows: Line number, path and text of each image, read once.
        require_images: Whether each image must exist; not checked in a remote folder.

    Raises:
        FileNotFoundError: If an image does not exist.
        ValueError: If there are no rows, one has no path, or two name the same image. The message
            names the line.
    """

    def __init__(
        self,
        name: str,
        folder: str,
        rows: Iterable[tuple[int, str, str]],
        require_images: bool = False,
    ) -> None:
        self.name = name
        self.folder = folder
        self.keys, self.texts = StringTable(), StringTable()
        self._schemes: set[str] = set()
        look = require_images and not is_remote(folder)
        lines, hashes = array("q"), array("q")
        for line, written, text in rows:
            if not written.strip() or "\0" in written:
                raise ValueError(f"{name}, line {line}: expected a path. Received: {written!r}")
            key = found_spelling(folder, written)
            if look and not exists(self.path_of(key)):
                raise FileNotFoundError(f"{name}, line {line}: no such image: {self.path_of(key)}")
            if is_remote(key):
                self._schemes.add(key[: key.index("://") + 3])
            lines.append(line)
            hashes.append(hash(os.path.normpath(key)))
            try:
                self.keys.append(key)
                self.texts.append(text)
            except UnicodeEncodeError as error:
                raise ValueError(
                    f"{name}, line {line}: expected Unicode text. Received: an unpaired surrogate "
                    f"in {error.object!r}"
                ) from error
        if not lines:
            raise ValueError(f"Expected images and their texts. Received: {name}, which has none")
        self._refuse_repeated(lines, np.frombuffer(hashes, np.int64))

    def __len__(self) -> int:
        return len(self.keys)

    def is_read_by_tensorflow(self) -> bool:
        """Return whether TensorFlow's own file systems read every image."""
        return all(map(tensorflow_reads, (self.folder, *self._schemes)))

    def path_of(self, key: str) -> str:
        """Return the path of the image that the table names `key`."""
        return path_under(self.folder, key)

    def path_in_graph(self, key: "tf.Tensor") -> "tf.Tensor":
        """Return the path of the image that the table names `key`, string scalars."""
        import tensorflow as tf

        if self.folder in ("", "."):
            return key
        absolute = tf.strings.regex_full_match(
            key, r"(?s)(/|[A-Za-z]:[\\/]|[a-z][a-z0-9+.-]*://).*"
        )
        joined = tf.strings.join([f"{self.folder.rstrip('/')}/", key])
        return tf.where(absolute, key, joined)

    def _refuse_repeated(self, lines: Sequence[int], hashes: np.ndarray) -> None:
        # `images/a.png` and `./images/a.png` are the same image. Hashes are compared first, as a
        # set of a million paths is large.
        order = np.argsort(hashes, kind="stable")
        repeated = hashes[order[1:]] == hashes[order[:-1]]
        suspects = np.unique(np.concatenate([order[1:][repeated], order[:-1][repeated]]))
        first_line: dict[str, int] = {}
        for index in suspects:
            key, line = self.keys[int(index)], lines[int(index)]
            first = first_line.setdefault(os.path.normpath(key), line)
            if first != line:
                raise ValueError(
                    f"{self.name}, line {line}: expected each image once. "
                    f"Received: {key!r}, which line {first} also names"
                )


def path_under(folder: str, path: str) -> str:
    """Return where a path is that may be relative to a folder, local or remote."""
    if folder in ("", ".") or is_remote(path) or Path(path).is_absolute():
        return path
    return f"{folder.rstrip('/')}/{path}"


def found_spelling(folder: str, written: str) -> str:
    """Return the path of a listed image in the spelling that exists, see `ImageTable`.

    Args:
        folder: Base folder of relative paths; may be remote.
        written: The path as it is listed.
    """
    if "\\" not in written and written == written.strip():
        return written
    if is_remote(folder):
        # Checking each would take a request; object stores use slashes.
        return written.strip().replace("\\", "/")
    # A network share (\\server\share) keeps its backslashes.
    slashed = written if written.startswith("\\\\") else written.replace("\\", "/")
    spellings = [slashed, written] if os.sep == "\\" else [written, slashed]
    spellings += [spelling.strip() for spelling in spellings]
    return next((path for path in spellings if exists(path_under(folder, path))), spellings[0])


def split_indices(
    keys: Sequence[str] | StringTable, every: int, part: str, group: str = "", by: str = "order"
) -> np.ndarray:
    """Return the indices of a part of the images: one of every `every` is held out.

    Args:
        keys: Keys of all images.
        every: Of the sorted images, those at the positions `every - 1`, `2 * every - 1`, … are
            held out.
        part: `"eval"` for the held-out images, `"train"` for the rest; `"validation"` for every
            tenth of `"train"`, to monitor a run, and `"fit"` for the remainder of `"train"`.
        group: A regular expression whose first group, matched at the start of a key, names the
            unit that must not be split: the document or the writer. Groups are then held out
            instead of images. Empty: each image is a group.
        by: `"order"`, or `"hash"`: the hash of a key, or of the name of a group, decides instead of
            its position. An image then stays in its part when others are added, and a part has
            about its share of the images, at least one.

    Returns:
        Int64, the indices of the part's images in the order of their keys.

    Raises:
        ValueError: If `every` is below 2, `part` or `by` is unknown, the part would be empty,
            `group` is not a regular expression with a group, or a key does not match it.
    """
    if every < 2:
        raise ValueError(f"Expected `every` to be 2 or more. Received: every={every}")
    if part not in PARTS:
        raise ValueError(f"Expected `part` to be one of {', '.join(PARTS)}. Received: {part!r}")
    if by not in SPLIT_RULES:
        raise ValueError(f"Expected `by` to be one of {', '.join(SPLIT_RULES)}. Received: {by!r}")
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)
    names, places = [keys[int(index)] for index in order], np.arange(len(order))
    if group:
        unique, places = np.unique(_names_of_groups(names, group), return_inverse=True)
        names = unique.tolist()
    choose = _chosen_by_order if by == "order" else _chosen_by_hash
    groups = np.arange(len(names))
    held_out = choose(names, every, "held out")
    groups = groups[held_out if part == "eval" else ~held_out]
    if part in ("fit", "validation"):
        watched = choose([names[index] for index in groups], _VALIDATION_EVERY, "validation")
        groups = groups[watched if part == "validation" else ~watched]
    if not len(groups):
        raise ValueError(
            f"Expected images for part={part!r} with every={every}. "
            f"Received: {len(names)} {'groups' if group else 'images'}"
        )
    return order[np.isin(places, groups)]


def _chosen_by_order(names: Sequence[str], every: int, purpose: str) -> np.ndarray:
    """Return which of the sorted names are chosen, bool [names]: every `every`-th."""
    del purpose
    return np.arange(len(names)) % every == every - 1


def _chosen_by_hash(names: Sequence[str], every: int, purpose: str) -> np.ndarray:
    """Return which names are chosen, bool [names], independently of each other.

    Of two or more names, one at least is chosen and one is not.

    Args:
        names: Names of images or groups.
        every: One in so many is chosen, on average.
        purpose: Choices for different purposes are independent.
    """
    seed = hashlib.sha256(purpose.encode("utf-8"))
    draws = np.empty(len(names), np.uint64)
    for index, name in enumerate(names):
        digest = seed.copy()
        digest.update(name.encode("utf-8", errors="surrogateescape"))
        draws[index] = int.from_bytes(digest.digest()[:8], "big")
    chosen = draws < np.uint64(2**64 // every)
    if len(names) > 1:
        chosen[draws.argmin()], chosen[draws.argmax()] = True, False
    return chosen


def _names_of_groups(keys: Iterable[str], group: str) -> list[str]:
    """Return the name of the group of each key."""
    try:
        pattern = re.compile(group)
    except re.error as error:
        raise ValueError(
            f"Expected `group` to be a regular expression. Received: {group!r} ({error})"
        ) from error
    if not pattern.groups:
        raise ValueError(f"Expected `group` to have a group (…). Received: {group!r}")
    names = []
    for key in keys:
        match = pattern.match(key)
        # The group itself may be optional.
        if match is None or match[1] is None:
            raise ValueError(f"Expected keys that match group={group}. Received: {key!r}")
        names.append(match[1])
    return names
