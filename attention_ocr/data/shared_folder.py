"""A folder that several machines write to: a shared disk or an object store."""

import errno
import functools
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attention_ocr.data.object_store import ObjectStore, open_store
from attention_ocr.data.storage import is_remote
from attention_ocr.io.atomic_write import TEMPORARY_SUFFIX, whole_file

_DRAFT = re.compile(rf"\.[0-9a-f]{{12}}{re.escape(TEMPORARY_SUFFIX)}$")


class SharedFolder:
    """Files by name; each is there whole or not at all.

    Local folders rename finished files; object stores put objects whole. It pickles.

    Args:
        path: A local path, or an address such as `gs://bucket/folder` or `s3://bucket/folder`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path).rstrip("/") or "/"
        self.is_remote = is_remote(self.path)

    def __str__(self) -> str:
        return self.path

    def make(self) -> None:
        """Create the folder if it is missing."""
        if self.is_remote:
            self._store.make_folder()
        else:
            Path(self.path).mkdir(parents=True, exist_ok=True)

    def names(self) -> list[str]:
        """Return the sorted names of its files; none if there is no folder."""
        if self.is_remote:
            return self._store.entries()
        with suppress(FileNotFoundError):
            return sorted(os.listdir(self.path))  # noqa: PTH208 - names, not paths
        return []

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes; None if it is not there."""
        if self.is_remote:
            return self._store.size(name)
        with suppress(FileNotFoundError):
            return Path(self.path, name).stat().st_size
        return None

    def read_text(self, name: str) -> str | None:
        """Return the text of a UTF-8 file; None if it is not there."""
        if self.is_remote:
            content = self._store.read(name)
            return None if content is None else content.decode("utf-8")
        with suppress(FileNotFoundError):
            return Path(self.path, name).read_text(encoding="utf-8")
        return None

    def write_text(self, name: str, text: str, whole: bool = True) -> None:
        """Write a UTF-8 file.

        Args:
            name: Name of the file.
            text: Its content.
            whole: Whether the file must be there whole or not at all; a draft need not.
        """
        if not whole:
            self.write_draft(name, text.encode("utf-8"))
            return
        with self.writing(name) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def write_draft(self, name: str, content: bytes) -> None:
        """Write a file without waiting for the disk; a kill may leave a part of it."""
        if self.is_remote:
            self._store.write(name, content)
        else:
            Path(self.path, name).write_bytes(content)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Yield a local file to write, which becomes the file `name` when the block succeeds.

        Raises:
            OSError: If it cannot be written; nothing is left under `name`, or the older file.
        """
        if not self.is_remote:
            with whole_file(Path(self.path, name)) as temporary:
                yield temporary
            return
        with tempfile.TemporaryDirectory(prefix="attention-ocr-") as folder:
            temporary = Path(folder, name)
            yield temporary
            self._store.upload(temporary, name)

    def move(self, name: str, folder: "SharedFolder", new_name: str) -> None:
        """Move a file to a folder of the same disk or store, replacing a file there."""
        if self.is_remote:
            self._store.move(name, folder.address(new_name))
        else:
            os.replace(Path(self.path, name), Path(folder.path, new_name))

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        if self.is_remote:
            self._store.remove(name)
        else:
            Path(self.path, name).unlink(missing_ok=True)

    def remove_drafts(self) -> None:
        """Remove files that a killed process had not finished."""
        for name in self.names():
            if _DRAFT.search(name):
                self.remove(name)

    def remove_all(self, last: str = "") -> None:
        """Remove the files, and the folder if nothing else is in it.

        Args:
            last: Name of the file that is removed after all others.
        """
        for name in sorted(self.names(), key=last.__eq__):
            self.remove(name)
        if self.is_remote:
            self._store.remove_folder()
            return
        try:
            Path(self.path).rmdir()
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise

    def address(self, name: str) -> str:
        """Return the path or address of a file."""
        return f"{self.path.rstrip('/')}/{name}"

    @property
    def _store(self) -> ObjectStore:
        return _opened(self.path)


@functools.cache
def _opened(address: str) -> ObjectStore:
    """Return the store of an address; it is opened once, as tasks bring only the address."""
    return open_store(address)
