"""Atomic writes: a file is there whole or not at all."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY_SUFFIX = ".tmp"
"""Ends the name of a file while it is written; a leftover of a killed process can be deleted."""

_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file next to `path` that replaces it when the block succeeds.

    A block that fails leaves an existing file at `path`, and no temporary file. The content reaches
    the disk before the name does, so that a power cut cannot leave an empty file. Several
    processes may write the same path; the last one wins.

    Args:
        path: File to write.

    Yields:
        Temporary file to write to.

    Raises:
        OSError: If the file cannot be put in its place.
    """
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}{TEMPORARY_SUFFIX}")
    try:
        yield temporary
        sync_file(temporary)
        os.replace(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Make the content of a file survive a power cut.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    # Windows syncs only files that are open for writing.
    with path.open("rb+") as file, _ignoring_lack_of_support():
        os.fsync(file.fileno())


def sync_tree(folder: Path) -> None:
    """Make all files and names in a folder survive a power cut, as far as the platform can."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            sync_file(path)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the platform can."""
    # Windows cannot open a folder.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _ignoring_lack_of_support() -> Iterator[None]:
    """Ignore a file system that cannot sync (`EINVAL`, `ENOTSUP`); raise other errors."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
