"""WebDataset shards: TAR archives of `name.jpg` with `name.txt` or `name.json`."""

import glob
import json
import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from attention_ocr.data.readers.indexed import SPLIT_OPTIONS, EncodedReader, indexed_source
from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import Source, digest_of
from attention_ocr.images.formats import IMAGE_SUFFIXES

KINDS = {
    **dict.fromkeys(IMAGE_SUFFIXES, "image"),
    **dict.fromkeys((".txt", ".text", ".gt.txt"), "text"),
    ".json": "JSON",
}
"""Kinds of files by suffix; others are not read."""
TEXT_MEMBERS = ("text", "label", "caption")
"""Members of a JSON object that may hold the text."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True)
class _Entry:
    """An example.

    Attributes:
        key: Its name in reports.
        text: Its text.
        shard: Path of the archive.
        start: First byte of its image there.
        size: Bytes of its image.
    """

    key: str
    text: str
    shard: str
    start: int
    size: int


def open_source(spec: SourceSpec) -> Source:
    """Open WebDataset shards, uncompressed: `words-*.tar`.

    Options: `text`, the member of `name.json` with the text; `every`, `part`, `group`.

    Raises:
        FileNotFoundError: If there is no shard.
        ValueError: If a shard is damaged or compressed, an image has no text, or two images
            have one name. The message names the files.
    """
    refuse_unknown_options(spec, (*SPLIT_OPTIONS, "text"))
    exists = os.path.exists(spec.name)  # noqa: PTH110
    shards = [spec.name] if exists else sorted(glob.glob(spec.name))  # noqa: PTH207
    if not shards:
        raise FileNotFoundError(f"No WebDataset shard found: {spec.name}")
    entries = [entry for shard in shards for entry in _entries(shard, spec.options.get("text", ""))]
    if not entries:
        raise ValueError(f"Expected images with texts in {spec.name}. Received: none")
    return indexed_source(spec, _WebDatasetReader(entries))


def _entries(shard: str, member: str) -> list[_Entry]:
    """Index a shard: texts are read, of images only their places are kept."""
    names: dict[tuple[str, str], str] = {}
    images: dict[str, tuple[int, int]] = {}
    texts: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for file, content in _files(shard):
        key, kind = _key_and_kind(file.name)
        first = names.setdefault((key, kind), file.name)
        if first != file.name:
            raise ValueError(
                f"{shard}: expected one {kind} file of the name {key}. "
                f"Received: {first}, {file.name}"
            )
        place = f"{shard}, {file.name}"
        if kind == "image":
            images[key] = file.offset_data, file.size
        elif kind == "text":
            texts[key] = _decoded(content, place).rstrip("\r\n")
        else:
            value = _value(_decoded(content, place), place, member)
            if value is not None:
                values[key] = value
    # Only a member that was asked for goes before a file of text.
    labels = texts | values if member else values | texts
    for key in images:
        label = labels.get(key)
        if not isinstance(label, str) or _SURROGATE.search(label):
            raise ValueError(
                f"{shard}: expected a text for the image {key}, in {key}.txt or as a string in "
                f"{key}.json. Received: {'none' if label is None else repr(label)[:80]}"
            )
    name = os.path.basename(shard)  # noqa: PTH119
    return [_Entry(f"{name}#{key}", labels[key], shard, *images[key]) for key in images]


def _files(shard: str) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Yield the files of examples in a shard, with their contents unless they are images."""
    try:
        # `r:` refuses compressed archives, which have no places to read from.
        with tarfile.open(shard, "r:") as archive:
            for file in archive:
                kind = _key_and_kind(file.name)[1] if file.isfile() else ""
                if kind:
                    content = None if kind == "image" else archive.extractfile(file)
                    yield file, content.read() if content else b""
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise ValueError(f"{shard}: expected an uncompressed TAR. Received: {error}") from error


def _key_and_kind(path: str) -> tuple[str, str]:
    """Return the name of the example that a file belongs to, and its kind; empty for others."""
    folder, _, base = path.rpartition("/")
    name, dot, suffix = base.partition(".")
    return f"{folder}/{name}".lstrip("/"), KINDS.get((dot + suffix).lower(), "")


def _decoded(content: bytes, place: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{place}: expected UTF-8. Received: {error}") from error


def _value(content: str, place: str, member: str) -> Any:
    """Return what a JSON object has in place of the text; None if it has nothing there."""
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place}: expected JSON. Received: {error}") from error
    if not isinstance(record, dict):
        return None
    found = (record.get(name) for name in ((member,) if member else TEXT_MEMBERS))
    return next((value for value in found if value is not None), None)


class _WebDatasetReader(EncodedReader):
    """The examples of shards."""

    def __init__(self, entries: list[_Entry]) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    def key(self, index: int) -> str:
        return self._entries[index].key

    def text(self, index: int) -> str:
        return self._entries[index].text

    def digest(self) -> str:
        parts = ((entry.key, entry.text, str(entry.size)) for entry in self._entries)
        return digest_of(*(part for entry in parts for part in entry))

    def read(self, index: int) -> tuple[bytes, ...]:
        entry = self._entries[int(index)]
        with open(entry.shard, "rb") as file:  # noqa: PTH123
            file.seek(entry.start)
            encoded = file.read(entry.size)
        return entry.key.encode(), entry.text.encode(), encoded
