"""Whole objects below an address: `gs://` through TensorFlow, other schemes through fsspec."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from attention_ocr.data.storage import file_system, is_remote, tensorflow_reads


class ObjectStore(Protocol):
    """Objects by name, relative to an address; names may contain slashes.

    Objects are put whole: one that exists is complete.
    """

    address: str

    def names(self) -> list[str]:
        """Return the sorted names of all objects."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return the content of an object; None if it does not exist."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write an object."""
        ...

    def download(self, name: str, path: Path) -> None:
        """Copy an object to a local file."""
        ...

    def upload(self, path: Path, name: str) -> None:
        """Copy a local file to an object."""
        ...

    def remove(self, name: str) -> None:
        """Remove an object if it exists."""
        ...


def open_store(address: str) -> ObjectStore:
    """Return the objects below an address.

    Args:
        address: Such as `gs://bucket/folder`; a scheme that TensorFlow or fsspec knows.

    Raises:
        ImportError: If the address needs the extra `remote`, which is not installed.
        ValueError: If it is not an address of a store.
    """
    if not is_remote(address) or not address.partition("://")[2].strip("/"):
        raise ValueError(f"Expected an address, such as gs://bucket/folder. Received: {address!r}")
    address = address.rstrip("/")
    return _TensorFlowStore(address) if tensorflow_reads(address) else _FsspecStore(address)


class _TensorFlowStore:
    """A store of TensorFlow's file systems."""

    def __init__(self, address: str) -> None:
        import tensorflow as tf

        self.address = address
        self._files = tf.io.gfile
        self._missing = tf.errors.NotFoundError
        self._error = tf.errors.OpError

    def names(self) -> list[str]:
        found = []
        with self._explaining("listed"):
            # Stores that have no folders find none that is missing.
            for folder, _, names in self._files.walk(self.address):
                inner = str(folder).removeprefix(self.address).strip("/")
                found += [f"{inner}/{name}" if inner else str(name) for name in names if name]
        return sorted(found)

    def read(self, name: str) -> bytes | None:
        with self._explaining("read", name):
            try:
                with self._files.GFile(self._path(name), "rb") as file:
                    content: bytes = file.read()
                    return content
            except self._missing:
                return None

    def write(self, name: str, content: bytes) -> None:
        with self._explaining("written", name):
            self._make_folder(name)
            with self._files.GFile(self._path(name), "wb") as file:
                file.write(content)

    def download(self, name: str, path: Path) -> None:
        with self._explaining("read", name):
            self._files.copy(self._path(name), str(path), overwrite=True)

    def upload(self, path: Path, name: str) -> None:
        with self._explaining("written", name):
            self._make_folder(name)
            self._files.copy(str(path), self._path(name), overwrite=True)

    def remove(self, name: str) -> None:
        with self._explaining("removed", name):
            try:
                self._files.remove(self._path(name))
            except self._missing:
                return

    def _path(self, name: str) -> str:
        return f"{self.address}/{name}"

    def _make_folder(self, name: str) -> None:
        # Google's store has none, and would get an empty object in its place.
        if not self.address.startswith("gs://"):
            self._files.makedirs(self._path(name).rpartition("/")[0])

    @contextmanager
    def _explaining(self, done: str, name: str = "") -> Iterator[None]:
        try:
            yield
        except self._error as error:
            where = self._path(name) if name else self.address
            raise OSError(f"{where} cannot be {done}: {error.message.splitlines()[0]}") from error


class _FsspecStore:
    """A store of fsspec."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._files: Any = file_system(address)
        self._root = str(self._files._strip_protocol(address)).rstrip("/")

    def names(self) -> list[str]:
        with self._explaining("listed"):
            self._files.invalidate_cache()
            found = map(str, self._files.find(self._root))
            return sorted(path.removeprefix(self._root).lstrip("/") for path in found)

    def read(self, name: str) -> bytes | None:
        with self._explaining("read", name):
            try:
                content: bytes = self._files.cat_file(self._path(name))
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes) -> None:
        with self._explaining("written", name):
            self._make_folder(name)
            self._files.pipe_file(self._path(name), content)

    def download(self, name: str, path: Path) -> None:
        with self._explaining("read", name):
            self._files.get_file(self._path(name), str(path))

    def upload(self, path: Path, name: str) -> None:
        with self._explaining("written", name):
            self._make_folder(name)
            self._files.put_file(str(path), self._path(name))

    def remove(self, name: str) -> None:
        with self._explaining("removed", name):
            try:
                self._files.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _make_folder(self, name: str) -> None:
        self._files.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)

    @contextmanager
    def _explaining(self, done: str, name: str = "") -> Iterator[None]:
        try:
            yield
        except Exception as error:  # stores raise their own errors
            where = f"{self.address}/{name}".rstrip("/")
            lines = str(error).splitlines() or [type(error).__name__]
            raise OSError(f"{where} cannot be {done}: {lines[0]}") from error
