"""WebDataset shards: TAR archives of `name.jpg` with `name.txt` or `name.json`."""

import glob
import json
import os
import tarfile
from dataclasses import dataclass

from attention_ocr.data.readers.indexed import SPLIT_OPTIONS, EncodedReader, indexed_source
from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import Source, digest_of
from attention_ocr.images.formats import IMAGE_SUFFIXES

TEXT_SUFFIXES = (".txt", ".text", ".gt.txt")
TEXT_MEMBERS = ("text", "label", "caption")
"""Members of a JSON object that may hold the text."""


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
        ValueError: If a shard is damaged or compressed, or an image has no text.
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
    images: dict[str, tuple[int, int]] = {}
    texts: dict[str, str] = {}
    try:
        # `r:` refuses compressed archives, which have no places to read from.
        with tarfile.open(shard, "r:") as archive:
            for file in archive:
                if not file.isfile():
                    continue
                folder, _, base = file.name.rpartition("/")
                name, dot, suffix = base.partition(".")
                key, suffix = f"{folder}/{name}".lstrip("/"), (dot + suffix).lower()
                if suffix in IMAGE_SUFFIXES:
                    images[key] = file.offset_data, file.size
                elif suffix in TEXT_SUFFIXES or suffix == ".json":
                    content = archive.extractfile(file)
                    text = _text(content.read() if content else b"", suffix, member)
                    if text is not None:
                        texts[key] = text
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise ValueError(f"{shard}: expected an uncompressed TAR. Received: {error}") from error
    for key in images:
        if key not in texts:
            raise ValueError(
                f"{shard}: expected a text for the image {key}, {key}.txt or {key}.json. "
                "Received: none"
            )
    name = os.path.basename(shard)  # noqa: PTH119
    return [_Entry(f"{name}#{key}", texts[key], shard, *images[key]) for key in images]


def _text(content: bytes, suffix: str, member: str) -> str | None:
    decoded = content.decode("utf-8")
    if suffix != ".json":
        return decoded.rstrip("\r\n")
    record = json.loads(decoded)
    if not isinstance(record, dict):
        return None
    names = (member,) if member else TEXT_MEMBERS
    return next((str(record[name]) for name in names if name in record), None)


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
