"""The files of a sharded data set, complete or not at all.

A data set NAME in a folder consists of `NAME-00000-of-00008.tfrecord` and so on, and
`NAME.dataset.json`, which lists their contents and the skipped images. Shards are written under
temporary names and renamed when the last is complete; the JSON file is written after that. A run
that was killed thus leaves either no shards or some that `check_shards` refuses.
"""

import dataclasses
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attention_ocr.data.shared_folder import SharedFolder

_PARTIAL_SUFFIX = ".partial"
_SHARD_PATTERN = re.compile(r"(?P<name>.+)-\d{5}-of-\d{5}\.tfrecord")


@dataclasses.dataclass(frozen=True)
class SkippedImage:
    """An image that is not in the data set.

    Args:
        key: The image's key.
        reason: `"missing"`, `"unreadable"`, `"too_long"` or `"not_utf8"`.
        detail: Human-readable details.
    """

    key: str
    reason: str
    detail: str


@dataclasses.dataclass(frozen=True)
class Shard:
    """A finished file of records.

    Args:
        file: File name.
        num_examples: Number of images.
        num_bytes: File size.
    """

    file: str
    num_examples: int
    num_bytes: int


@dataclasses.dataclass(frozen=True)
class ShardContent:
    """What was written to one shard.

    Args:
        num_examples: Number of images.
        num_bytes: File size.
        skipped: Its skipped images.
        unknown_characters: Count of each character outside the charset, see `ShardsReport`.
    """

    num_examples: int
    num_bytes: int
    skipped: tuple[SkippedImage, ...]
    unknown_characters: dict[str, int]


@dataclasses.dataclass(frozen=True)
class ShardsReport:
    """Written and skipped images: the content of `NAME.dataset.json`.

    Args:
        num_examples: Number of images written.
        shards: The files, in order.
        skipped: The skipped images, in the order of the labels.
        unknown_characters: Count of each character outside the charset in the written labels, most
            frequent first; empty without a charset.
    """

    num_examples: int
    shards: tuple[Shard, ...]
    skipped: tuple[SkippedImage, ...]
    unknown_characters: dict[str, int]


class ShardFiles:
    """The files of one data set, under their temporary and final names.

    Args:
        folder: Folder of the files; a local path or an address.
        name: The data set's name: letters, digits, `_`, `-`, `.`.
        num_shards: Number of shards.

    Raises:
        ValueError: If the name has other characters.
    """

    def __init__(self, folder: str | os.PathLike[str], name: str, num_shards: int) -> None:
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(
                f"Expected a name of letters, digits, `_`, `-` and `.`. Received: {name!r}"
            )
        self.folder = SharedFolder(folder)
        self.name = name
        self.names = [
            f"{name}-{index:05}-of-{num_shards:05}.tfrecord" for index in range(num_shards)
        ]
        self.manifest = _manifest(name)

    @property
    def shards(self) -> list[Path]:
        """Local paths of the shards."""
        return [Path(self.folder.path, name) for name in self.names]

    @property
    def partial_shards(self) -> list[Path]:
        """Local paths of the shards while they are written."""
        return [Path(self.folder.path, _partial(name)) for name in self.names]

    @contextmanager
    def writing_partial(self, index: int) -> Iterator[Path]:
        """Yield a local file to write, which has become a shard's temporary file after the block.

        Args:
            index: Index of the shard.
        """
        if not self.folder.is_remote:
            yield self.partial_shards[index]
            return
        with self.folder.writing(_partial(self.names[index])) as path:
            yield path

    def prepare(self, overwrite: bool) -> None:
        """Create the folder, and remove what a killed run left in it.

        Args:
            overwrite: Whether `commit` may replace a data set of this name.

        Raises:
            FileExistsError: If there is one and `overwrite` is false.
        """
        self.folder.make()
        names = self.folder.names()
        if _partial(self.manifest) in names and self.manifest not in names:
            # A run was killed while it renamed the shards: the data set is incomplete.
            for shard in self._existing():
                self.folder.remove(shard)
        existing = self._existing()
        if existing and not overwrite:
            raise FileExistsError(
                f"Expected no data set {self.name!r} in {self.folder}, or permission to "
                f"overwrite it. Received: {self.folder.address(existing[0])}"
            )
        for name in [*self._existing(_PARTIAL_SUFFIX), _partial(self.manifest)]:
            self.folder.remove(name)

    def commit(
        self, report: ShardsReport, finished: Sequence[str] = (), origin: SharedFolder | None = None
    ) -> None:
        """Give the complete shards their final names, replacing an older data set.

        Args:
            report: Their contents.
            finished: Their names in `origin`; without it, they have their temporary names.
            origin: Folder in which they were written.
        """
        document = json.dumps(dataclasses.asdict(report), indent=2, ensure_ascii=False) + "\n"
        self.folder.write_text(_partial(self.manifest), document, whole=False)
        self.folder.remove(self.manifest)
        for shard in self._existing():
            self.folder.remove(shard)
        written = finished or [_partial(name) for name in self.names]
        for partial, name in zip(written, self.names, strict=True):
            (origin or self.folder).move(partial, self.folder, name)
        self.folder.move(_partial(self.manifest), self.folder, self.manifest)

    def remove_partial(self) -> None:
        """Remove shards that still have temporary names, if any."""
        for name in self.names:
            self.folder.remove(_partial(name))

    def _existing(self, suffix: str = "") -> list[str]:
        # With any number of shards, but not those of NAME-b, which a glob would match too.
        return [
            name
            for name in self.folder.names()
            if name.endswith(suffix) and _dataset_name(name.removesuffix(suffix)) == self.name
        ]


def check_shards(paths: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse shards that are incomplete or were changed since.

    Files without a `NAME.dataset.json`, as other programs write them, pass.

    Args:
        paths: TFRecord files of one data set or several, local or remote.

    Raises:
        ValueError: If the run that wrote a shard was killed, or a shard of a data set is missing,
            of another size, or not one of its files. The message names the file.
    """
    given: dict[tuple[str, str], set[str]] = {}
    for path in paths:
        folder, file = os.path.split(os.fspath(path))
        name = _dataset_name(file)
        if name is not None:
            given.setdefault((folder, name), set()).add(file)
    for (folder, name), files in given.items():
        shared = SharedFolder(folder or ".")
        manifest = _manifest(name)
        if manifest in (present := set(shared.names())):
            _check_against_manifest(shared, manifest, files, present)
        elif _partial(manifest) in present:
            raise ValueError(
                "Expected a finished data set. "
                f"Received: {shared.address(min(files))}, whose writing was cut short; "
                "write it again"
            )


def _check_against_manifest(
    folder: SharedFolder, manifest: str, files: set[str], present: set[str]
) -> None:
    shards = json.loads(folder.read_text(manifest) or "")["shards"]
    sizes = {shard["file"]: shard["num_bytes"] for shard in shards}
    foreign = sorted(files - sizes.keys())
    if foreign:
        raise ValueError(
            f"Expected the shards that {folder.address(manifest)} lists. "
            f"Received: {folder.address(foreign[0])}"
        )
    if folder.is_remote:
        # A store has whole objects only, and to ask it for a thousand sizes takes half a minute.
        sizes = {file: num_bytes for file, num_bytes in sizes.items() if file not in present}
    for file, num_bytes in sizes.items():
        size = folder.size(file)
        found = "no such file" if size is None else f"{size} bytes"
        if size != num_bytes:
            raise ValueError(
                f"Expected {folder.address(file)} of {num_bytes} bytes, as {manifest} says. "
                f"Received: {found}"
            )


def _dataset_name(file: str) -> str | None:
    match = _SHARD_PATTERN.fullmatch(file)
    return match["name"] if match else None


def _manifest(name: str) -> str:
    return f"{name}.dataset.json"


def _partial(name: str) -> str:
    return f"{name}{_PARTIAL_SUFFIX}"
