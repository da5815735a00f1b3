"""Millions of labelled images by their index, in a few dozen bytes each."""

import os
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_ocr.data.storage import exists, is_remote

PARTS = ("train", "eval", "fit", "validation")
_VALIDATION_EVERY = 10


class StringTable:
    """A growing sequence of strings in one block of UTF-8 and one of offsets.

    A list of Python strings takes several times the memory, and a graph that holds one copies it.

    Args:
        strings: what it begins with.
    """

    def __init__(self, strings: Iterable[str] = ()) -> None:
        self._block, self._offsets = bytearray(), array("q", [0])
        for string in strings:
            self.append(string)

    def append(self, string: str) -> None:
        """Add a string at the end."""
        self._block += string.encode("utf-8")
        self._offsets.append(len(self._block))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> str:
        return self._block[self._offsets[index] : self._offsets[index + 1]].decode("utf-8")

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))

    def content(self) -> tuple[bytes, bytes]:
        """Return all of it in two blocks, which differ wherever a string differs."""
        return bytes(self._block), self._offsets.tobytes()

    def lookup(self) -> "StringLookup":
        """Return the table, as it is now, for a graph."""
        return StringLookup(tf.constant(bytes(self._block)), tf.constant(np.array(self._offsets)))


class StringLookup:
    """A `StringTable` inside a graph.

    Args:
        block: string scalar.
        offsets: int64 [n + 1].

    Call arguments:
        index: int64 scalar.

    Returns:
        string scalar.
    """

    def __init__(self, block: tf.Tensor, offsets: tf.Tensor) -> None:
        self._block = block
        self._offsets = offsets

    def __call__(self, index: tf.Tensor) -> tf.Tensor:
        start = self._offsets[index]
        return tf.strings.substr(self._block, start, self._offsets[index + 1] - start)


class ImageTable:
    """Labelled image files, as some file lists them.

    Keys are paths as they are found: a backslash of a list from Windows is read as a slash, and
    spaces around a path are dropped, where there is an image of that name and none of the name as
    it is written.

    Args:
        name: the file that lists them, for messages.
        folder: where the relative ones of the paths start; may be remote.
        rows: of each image the line that names it, its path and its text, read once.
        require_images: whether each image has to be there; in a remote folder none is looked for.

    Raises:
        FileNotFoundError: an image is not there.
        ValueError: there is no row, one has no path, or two name one image. The message names the
            line.
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
        look = require_images and not is_remote(folder)
        lines, hashes = array("q"), array("q")
        for line, written, text in rows:
            if not written.strip() or "\0" in written:
                raise ValueError(f"{name}, line {line}: expected a path. Received: {written!r}")
            key = self._found(written)
            if look and not exists(self.path_of(key)):
                raise FileNotFoundError(f"{name}, line {line}: no such image: {self.path_of(key)}")
            lines.append(line)
            hashes.append(hash(os.path.normpath(key)))
            try:
                self.keys.append(key)
                self.texts.append(text)
            except UnicodeEncodeError as error:
                raise ValueError(
                    f"{name}, line {line}: expected Unicode text. Received: half of a surrogate "
                    f"pair in {error.object!r}"
                ) from error
        if not lines:
            raise ValueError(f"Expected images and their texts. Received: {name}, which has none")
        self._refuse_repeated(lines, np.frombuffer(hashes, np.int64))

    def __len__(self) -> int:
        return len(self.keys)

    def path_of(self, key: str) -> str:
        """Return the path of the image that the table names `key`."""
        if self.folder in ("", ".") or is_remote(key) or Path(key).is_absolute():
            return key
        return f"{self.folder.rstrip('/')}/{key}"

    def _found(self, written: str) -> str:
        """Return the path of an image, as a list gives it, in the form that is there."""
        if "\\" not in written and written == written.strip():
            return written
        if is_remote(self.folder):
            # To look for each would take a request; stores name their objects with slashes.
            return written.strip().replace("\\", "/")
        # The share of a server (\\server\share) keeps the two backslashes it begins with.
        slashed = written if written.startswith("\\\\") else written.replace("\\", "/")
        forms = [slashed, written] if os.sep == "\\" else [written, slashed]
        forms += [form.strip() for form in forms]
        return next((form for form in forms if exists(self.path_of(form))), forms[0])

    def path_in_graph(self, key: tf.Tensor) -> tf.Tensor:
        """Return the path of the image that the table names `key`, string scalars."""
        if self.folder in ("", "."):
            return key
        absolute = tf.strings.regex_full_match(
            key, r"(?s)(/|[A-Za-z]:[\\/]|[a-z][a-z0-9+.-]*://).*"
        )
        joined = tf.strings.join([f"{self.folder.rstrip('/')}/", key])
        return tf.where(absolute, key, joined)

    def _refuse_repeated(self, lines: Sequence[int], hashes: np.ndarray) -> None:
        # `images/a.png` and `./images/a.png` are one image. Numbers are compared first, because a
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
                    f"Received: {key!r}, which line {first} names too"
                )


def split_indices(
    keys: Sequence[str] | StringTable, every: int, part: str, group: str = ""
) -> np.ndarray:
    """Return which images a part holds: of each `every` in a row of sorted keys the last is out.

    Args:
        keys: of all images.
        every: one image in so many is held out: of the sorted images, those at the positions
            `every - 1`, `2 * every - 1`, …
        part: `"eval"` for the images held out, `"train"` for the rest; `"validation"` for every
            tenth of `"train"`, by which a run is watched, and `"fit"` for what is left then.
        group: a regular expression whose first group, matched at the start of a key, names what
            must not be torn apart: the document, or the writer. One group in so many is held out
            then. Empty: each image is a group.

    Returns:
        int64, the indices of the part's images in the order of their keys.

    Raises:
        ValueError: `every` is below 2, `part` is unknown, the part would be empty, `group` is no
            regular expression with a group, or a key does not match it.
    """
    if every < 2:
        raise ValueError(f"Expected `every` to be 2 or more. Received: every={every}")
    if part not in PARTS:
        raise ValueError(f"Expected `part` to be one of {', '.join(PARTS)}. Received: {part!r}")
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)
    places = _places_of_groups(keys, order, group) if group else np.arange(len(order))
    num_groups = len(np.unique(places))
    held_out = places % every == every - 1
    inside = held_out if part == "eval" else ~held_out
    if part in ("fit", "validation"):
        places = np.unique(places[inside], return_inverse=True)[1]
        watched = places % _VALIDATION_EVERY == _VALIDATION_EVERY - 1
        chosen = order[inside][watched if part == "validation" else ~watched]
    else:
        chosen = order[inside]
    if not len(chosen):
        raise ValueError(
            f"Expected images for part={part!r} with every={every}. "
            f"Received: {num_groups} {'groups' if group else 'images'}"
        )
    return chosen


def _places_of_groups(
    keys: Sequence[str] | StringTable, order: np.ndarray, group: str
) -> np.ndarray:
    """Return for each key, in `order`, the place of its group among the sorted groups."""
    try:
        pattern = re.compile(group)
    except re.error as error:
        raise ValueError(
            f"Expected `group` to be a regular expression. Received: {group!r} ({error})"
        ) from error
    if not pattern.groups:
        raise ValueError(f"Expected `group` to have a group (…). Received: {group!r}")
    names = []
    for index in order:
        key = keys[int(index)]
        match = pattern.match(key)
        if match is None:
            raise ValueError(f"Expected keys that match group={group}. Received: {key!r}")
        names.append(match.group(1))
    return np.unique(names, return_inverse=True)[1]
