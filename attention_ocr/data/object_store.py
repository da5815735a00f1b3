"""Whole objects below an address: `gs://` through TensorFlow, other schemes through fsspec."""

from pathlib import Path
from typing import Any, Protocol

from attention_ocr.data.storage import (
    explaining_store,
    file_system,
    is_remote,
    tensorflow_reads,
)


class ObjectStore(Protocol):
    """Objects by name, relative to an address; names may contain slashes.

    Objects are put whole: one that exists is complete.
    """

    address: str

    def names(self) -> list[str]:
        """Return the sorted names of all objects."""
        ...

    def entries(self) -> list[str]:
        """Return the sorted names of objects and folders, without what is in the folders."""
        ...

    def size(self, name: str) -> int | None:
        """Return the size of an object in bytes; None if it does not exist."""
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

    def move(self, name: str, address: str) -> None:
        """Give an object another address in the same store, replacing an object there."""
        ...

    def remove(self, name: str) -> None:
        """Remove an object if it exists."""
        ...

    def make_folder(self) -> None:
        """Make the folder of the address, in a store that has folders; never a bucket."""
        ...

    def remove_folder(self) -> None:
        """Remove the folder of the address if it exists and is empty."""
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
        # Google's store has no folders, and would get an empty object in place of one.
        self._has_folders = not address.startswith("gs://")

    def names(self) -> list[str]:
        found = []
        with explaining_store(self.address, "listed"):
            # Stores that have no folders find none that is missing.
            for folder, _, names in self._files.walk(self.address):
                inner = str(folder).removeprefix(self.address).strip("/")
                found += [f"{inner}/{name}" if inner else str(name) for name in names if name]
        return sorted(found)

    def entries(self) -> list[str]:
        with explaining_store(self.address, "listed"):
            try:
                return sorted(
                    filter(None, (n.strip("/") for n in self._files.listdir(self.address)))
                )
            except self._missing:
                return []

    def size(self, name: str) -> int | None:
        with explaining_store(self._path(name)):
            try:
                return int(self._files.stat(self._path(name)).length)
            except self._missing:
                return None

    def read(self, name: str) -> bytes | None:
        with explaining_store(self._path(name)):
            try:
                with self._files.GFile(self._path(name), "rb") as file:
                    content: bytes = file.read()
                    return content
            except self._missing:
                return None

    def write(self, name: str, content: bytes) -> None:
        with explaining_store(self._path(name), "written"):
            self._make_parent(name)
            with self._files.GFile(self._path(name), "wb") as file:
                file.write(content)

    def download(self, name: str, path: Path) -> None:
        with explaining_store(self._path(name)):
            self._files.copy(self._path(name), str(path), overwrite=True)

    def upload(self, path: Path, name: str) -> None:
        with explaining_store(self._path(name), "written"):
            self._make_parent(name)
            self._files.copy(str(path), self._path(name), overwrite=True)

    def move(self, name: str, address: str) -> None:
        with explaining_store(self._path(name), "moved"):
            self._files.rename(self._path(name), address, overwrite=True)

    def remove(self, name: str) -> None:
        with explaining_store(self._path(name), "removed"):
            try:
                self._files.remove(self._path(name))
            except self._missing:
                return

    def make_folder(self) -> None:
        if self._has_folders:
            with explaining_store(self.address, "written"):
                self._files.makedirs(self.address)

    def remove_folder(self) -> None:
        if self._has_folders and not self.entries():
            with explaining_store(self.address, "removed"):
                if self._files.isdir(self.address):
                    self._files.rmtree(self.address)

    def _path(self, name: str) -> str:
        return f"{self.address}/{name}"

    def _make_parent(self, name: str) -> None:
        if self._has_folders:
            self._files.makedirs(self._path(name).rpartition("/")[0])


class _FsspecStore:
    """A store of fsspec."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._files: Any = file_system(address)
        self._root = str(self._files._strip_protocol(address)).rstrip("/")
        # Object stores have buckets instead, which must not come into being by a misspelt name.
        self._has_folders = bool(self._files.root_marker)

    def names(self) -> list[str]:
        with explaining_store(self.address, "listed"):
            self._files.invalidate_cache()
            found = map(str, self._files.find(self._root))
            return sorted(path.removeprefix(self._root).lstrip("/") for path in found)

    def entries(self) -> list[str]:
        with explaining_store(self.address, "listed"):
            self._files.invalidate_cache()
            try:
                found = self._files.ls(self._root, detail=False)
            except FileNotFoundError:
                return []
            return sorted(str(path).rstrip("/").rpartition("/")[2] for path in found)

    def size(self, name: str) -> int | None:
        with explaining_store(self._address(name)):
            self._files.invalidate_cache()
            try:
                return int(self._files.info(self._path(name))["size"])
            except FileNotFoundError:
                return None

    def read(self, name: str) -> bytes | None:
        with explaining_store(self._address(name)):
            try:
                content: bytes = self._files.cat_file(self._path(name))
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes) -> None:
        with explaining_store(self._address(name), "written"):
            self._make_parent(name)
            self._files.pipe_file(self._path(name), content)

    def download(self, name: str, path: Path) -> None:
        with explaining_store(self._address(name)):
            self._files.get_file(self._path(name), str(path))

    def upload(self, path: Path, name: str) -> None:
        with explaining_store(self._address(name), "written"):
            self._make_parent(name)
            self._files.put_file(str(path), self._path(name))

    def move(self, name: str, address: str) -> None:
        with explaining_store(self._address(name), "moved"):
            self._files.mv(self._path(name), self._files._strip_protocol(address))

    def remove(self, name: str) -> None:
        with explaining_store(self._address(name), "removed"):
            try:
                self._files.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def make_folder(self) -> None:
        if self._has_folders:
            with explaining_store(self.address, "written"):
                self._files.makedirs(self._root, exist_ok=True)

    def remove_folder(self) -> None:
        if self._has_folders and not self.entries():
            with explaining_store(self.address, "removed"):
                if self._files.exists(self._root):
                    self._files.rmdir(self._root)

    def _address(self, name: str) -> str:
        return f"{self.address}/{name}"

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _make_parent(self, name: str) -> None:
        if self._has_folders:
            self._files.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)
