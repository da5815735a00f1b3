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
from collections.abc import Iterable
from pathlib import Path

_PARTIAL_SUFFIX = ".partial"
_SHARD_PATTERN = re.compile(r"(?P<name>.+)-\d{5}-of-\d{5}\.tfrecord")


@dataclasses.dataclass(frozen=True)
class SkippedImage:
    """An image that is not in the data set.

    Args:
        key: The image's key.
        reason: `"missing"`, `"unreadable"` or `"too_long"`.
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
        folder: Folder of the files.
        name: The data set's name: letters, digits, `_`, `-`, `.`.
        num_shards: Number of shards.

    Raises:
        ValueError: If the name has other characters.
    """

    def __init__(self, folder: Path, name: str, num_shards: int) -> None:
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(
                f"Expected a name of letters, digits, `_`, `-` and `.`. Received: {name!r}"
            )
        self.folder = folder
        self.name = name
        self.shards = [
            folder / f"{name}-{index:05}-of-{num_shards:05}.tfrecord" for index in range(num_shards)
        ]
        self.partial_shards = [_partial(path) for path in self.shards]
        self.manifest = _manifest(folder, name)

    def prepare(self, overwrite: bool) -> None:
        """Create the folder, and remove what a killed run left in it.

        Args:
            overwrite: Whether `commit` may replace a data set of this name.

        Raises:
            FileExistsError: If there is one and `overwrite` is false.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        partial_manifest = _partial(self.manifest)
        if partial_manifest.exists() and not self.manifest.exists():
            # A run was killed while it renamed the shards: the data set is incomplete.
            for path in self._existing():
                path.unlink()
        existing = self._existing()
        if existing and not overwrite:
            raise FileExistsError(
                f"Expected no data set {self.name!r} in {self.folder}, or permission to "
                f"overwrite it. Received: {existing[0]}"
            )
        for path in [*self._existing(_PARTIAL_SUFFIX), partial_manifest]:
            path.unlink(missing_ok=True)

    def commit(self, report: ShardsReport) -> None:
        """Rename the complete shards to their final names, replacing an older data set.

        Args:
            report: Their contents.
        """
        document = json.dumps(dataclasses.asdict(report), indent=2, ensure_ascii=False) + "\n"
        _partial(self.manifest).write_text(document, encoding="utf-8")
        self.manifest.unlink(missing_ok=True)
        for path in self._existing():
            path.unlink()
        for partial, shard in zip(self.partial_shards, self.shards, strict=True):
            os.replace(partial, shard)
        os.replace(_partial(self.manifest), self.manifest)

    def remove_partial(self) -> None:
        """Remove shards that still have temporary names, if any."""
        for path in self.partial_shards:
            path.unlink(missing_ok=True)

    def _existing(self, suffix: str = "") -> list[Path]:
        # With any number of shards, but not those of NAME-b, which a glob would match too.
        return [
            path
            for path in sorted(self.folder.iterdir())
            if path.name.endswith(suffix)
            and _dataset_name(path.name.removesuffix(suffix)) == self.name
        ]


def check_shards(paths: Iterable[Path]) -> None:
    """Refuse shards that are incomplete or were changed since.

    Files without a `NAME.dataset.json`, as other programs write them, pass.

    Args:
        paths: TFRecord files of one data set or several.

    Raises:
        ValueError: If the run that wrote a shard was killed, or a shard of a data set is missing,
            of another size, or not one of its own. The message names the file.
    """
    given: dict[tuple[Path, str], set[str]] = {}
    for path in paths:
        name = _dataset_name(path.name)
        if name is not None:
            given.setdefault((path.parent, name), set()).add(path.name)
    for (folder, name), files in given.items():
        manifest = _manifest(folder, name)
        if manifest.exists():
            _check_against_manifest(manifest, files)
        elif _partial(manifest).exists():
            raise ValueError(
                "Expected a finished data set. "
                f"Received: {folder / min(files)}, whose writing was cut short; write it again"
            )


def _check_against_manifest(manifest: Path, files: set[str]) -> None:
    shards = json.loads(manifest.read_text(encoding="utf-8"))["shards"]
    sizes = {shard["file"]: shard["num_bytes"] for shard in shards}
    foreign = sorted(files - sizes.keys())
    if foreign:
        raise ValueError(
            f"Expected the shards that {manifest} lists. Received: {manifest.parent / foreign[0]}"
        )
    for file, num_bytes in sizes.items():
        path = manifest.parent / file
        found = f"{path.stat().st_size} bytes" if path.exists() else "no such file"
        if found != f"{num_bytes} bytes":
            raise ValueError(
                f"Expected {path} of {num_bytes} bytes, as {manifest.name} says. Received: {found}"
            )


def _dataset_name(file: str) -> str | None:
    match = _SHARD_PATTERN.fullmatch(file)
    return match["name"] if match else None


def _manifest(folder: Path, name: str) -> Path:
    return folder / f"{name}.dataset.json"


def _partial(path: Path) -> Path:
    return Path(f"{path}{_PARTIAL_SUFFIX}")
