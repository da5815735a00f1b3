"""A store of buckets in memory, which fsspec reaches at `bucket://`, and which fails on request."""

import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import fsspec
from fsspec.spec import AbstractFileSystem


class BucketStore(AbstractFileSystem):  # type: ignore[misc]
    """Objects in buckets; like S3, it has no folders, and makes a bucket where one is asked for.

    Attributes:
        objects: Contents by `bucket/name`.
        buckets: Names of the buckets.
        failure: What is raised by every request, if anything.
        num_requests: Number of objects that were read.
    """

    protocol = "bucket"
    objects: ClassVar[dict[str, bytes]] = {}
    buckets: ClassVar[set[str]] = set()
    failure: ClassVar[Exception | None] = None
    num_requests: ClassVar[int] = 0

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """Return what is directly below a path, or at it."""
        path = self._checked(path)
        entries = {}
        for name, content in self.objects.items():
            if name == path:
                entries[name] = {"name": name, "size": len(content), "type": "file"}
                entries[name]["etag"] = str(hash(content))
            elif name.startswith(f"{path}/"):
                inner, _, rest = name[len(path) + 1 :].partition("/")
                if rest:
                    folder = f"{path}/{inner}"
                    entries[folder] = {"name": folder, "size": 0, "type": "directory"}
                else:
                    entries[name] = {"name": name, "size": len(content), "type": "file"}
                    entries[name]["etag"] = str(hash(content))
        if not entries and path not in self.buckets:
            raise FileNotFoundError(path)
        found = [entries[name] for name in sorted(entries)]
        return found if detail else [entry["name"] for entry in found]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return what `ls` says of an object, a folder or a bucket."""
        path = self._checked(path)
        entries = self.ls(path)
        own = [entry for entry in entries if entry["name"] == path]
        return dict(own[0]) if own else {"name": path, "size": 0, "type": "directory"}

    def exists(self, path: str, **_: Any) -> bool:
        """Return whether something is there; other than fsspec's own, it fails with the store."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def isdir(self, path: str) -> bool:
        """Return whether there is a folder, as `exists` does."""
        return self.exists(path) and self.info(path)["type"] == "directory"

    def cat_file(self, path: str, *_: Any, **__: Any) -> bytes:
        """Return the content of an object."""
        path = self._checked(path)
        BucketStore.num_requests += 1
        if path not in self.objects:
            raise FileNotFoundError(path)
        return self.objects[path]

    def pipe_file(self, path: str, value: bytes, **_: Any) -> None:
        """Write an object."""
        self.objects[self._checked(path)] = value

    def put_file(self, lpath: str, rpath: str, *_: Any, **__: Any) -> None:
        """Copy a local file to an object."""
        self.pipe_file(rpath, Path(lpath).read_bytes())

    def get_file(self, rpath: str, lpath: str, *_: Any, **__: Any) -> None:
        """Copy an object to a local file."""
        Path(lpath).write_bytes(self.cat_file(rpath))

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        """Copy an object."""
        self.pipe_file(path2, self.cat_file(path1))

    def rm_file(self, path: str) -> None:
        """Remove an object; none is no error."""
        self.objects.pop(self._checked(path), None)

    def _rm(self, path: str) -> None:
        self.rm_file(path)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a bucket, as s3fs does."""
        self.buckets.add(self._strip_protocol(path).partition("/")[0])

    def _open(self, path: str, mode: str = "rb", *_: Any, **__: Any) -> io.BytesIO:
        assert mode == "rb"
        return io.BytesIO(self.cat_file(path))

    def _checked(self, path: str) -> str:
        if self.failure is not None:
            raise self.failure
        path = str(self._strip_protocol(path))
        if path.partition("/")[0] not in self.buckets:
            raise FileNotFoundError("The specified bucket does not exist")
        return path


@contextmanager
def bucket() -> Iterator[str]:
    """Yield the address of an empty bucket."""
    fsspec.register_implementation("bucket", BucketStore, clobber=True)
    name = uuid.uuid4().hex
    BucketStore.buckets.add(name)
    try:
        yield f"bucket://{name}"
    finally:
        BucketStore.failure = None
        BucketStore.objects.clear()
        BucketStore.buckets.clear()


def put_folder(folder: Path, address: str) -> None:
    """Copy the files of a local folder."""
    root = address.removeprefix("bucket://")
    for path in folder.rglob("*"):
        if path.is_file():
            BucketStore.objects[f"{root}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()


def objects_at(address: str) -> dict[str, bytes]:
    """Return the contents of all objects below an address, by name."""
    root = f"{address.removeprefix('bucket://')}/"
    return {
        name.removeprefix(root): content
        for name, content in BucketStore.objects.items()
        if name.startswith(root)
    }
