"""A work directory on object storage: a local copy that is written back at each checkpoint."""

import contextlib
import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from attention_ocr.data.object_store import ObjectStore, open_store
from attention_ocr.data.storage import is_remote
from attention_ocr.io.atomic_write import TEMPORARY_SUFFIX
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.training.run_lock import (
    HEARTBEAT_S,
    LOCK_FILE,
    identity,
    in_use,
    is_alive,
    lock_name,
    read_holder,
)

_OF_WORKER = re.compile(r"(checkpoints|events)/worker_(\d+)/.*", re.DOTALL)
_INDEX = ".index"


@dataclass(frozen=True)
class LocalDirectory:
    """A work directory on this machine.

    Attributes:
        path: The directory.
        publish: Writes what has changed to its address; does nothing for a local one.
    """

    path: Path
    publish: Callable[[], None]


@contextlib.contextmanager
def local_directory(work_dir: str | os.PathLike[str], worker: int = 0) -> Iterator[LocalDirectory]:
    """Yield a work directory itself, or a local copy of one that is on object storage.

    A copy is in the temporary folder of the system. It is written back when `publish` is called,
    and when the block ends. Error messages name the address.

    Args:
        work_dir: A local path, or an address such as `gs://bucket/runs/mine`.
        worker: Index of this process in its run.

    Raises:
        OSError: If the store cannot be read or written.
        ValueError: If another run has the address.
    """
    if not is_remote(os.fspath(work_dir)):
        yield LocalDirectory(Path(work_dir), lambda: None)
        return
    store = open_store(os.fspath(work_dir))
    with tempfile.TemporaryDirectory(prefix="attention-ocr-") as folder, RemoteLock(store, worker):
        copy = RemoteCopy(store, Path(folder), worker)
        copy.fetch()
        logging.info("training in %s, a copy of %s", folder, store.address)
        try:
            yield LocalDirectory(Path(folder), copy.publish)
        except BaseException as error:
            error.args = tuple(
                argument.replace(folder, store.address) if isinstance(argument, str) else argument
                for argument in error.args
            )
            # The first error counts.
            with contextlib.suppress(OSError):
                copy.publish()
            raise
        copy.publish()


def settings_at(work_dir: str | os.PathLike[str]) -> Config | None:
    """Return the settings in a work directory, local or on object storage; None without any.

    Raises:
        ValueError: If they are damaged.
    """
    if not is_remote(os.fspath(work_dir)):
        return Config.load(Path(work_dir)) if Path(work_dir, CONFIG_FILE).is_file() else None
    content = open_store(os.fspath(work_dir)).read(CONFIG_FILE)
    if content is None:
        return None
    with tempfile.TemporaryDirectory(prefix="attention-ocr-") as folder:
        Path(folder, CONFIG_FILE).write_bytes(content)
        return Config.load(Path(folder))


class RemoteCopy:
    """A local copy of a work directory on object storage.

    Each worker has one: it fetches the model, its own checkpoints and those of the first worker,
    and writes what it owns. The first worker owns all that no other does.

    Args:
        store: The work directory on object storage.
        folder: Its local copy.
        worker: Index of this process in its run.
    """

    def __init__(self, store: ObjectStore, folder: Path, worker: int = 0) -> None:
        self._store = store
        self._folder = folder
        self._worker = worker
        self._published: dict[str, tuple[int, int]] = {}

    def fetch(self) -> None:
        """Copy what the run continues from; no worker may be writing."""
        for name in self._store.names():
            if not self._is_needed(name):
                continue
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._store.download(name, path)
            if self._owns(name):
                self._published[name] = _stamp(path)

    def publish(self) -> None:
        """Write new and changed files, and remove deleted ones.

        A checkpoint exists once its index does: the index is written last and removed first.
        """
        found = {
            path.relative_to(self._folder).as_posix(): _stamp(path)
            for path in self._folder.rglob("*")
            if path.is_file()
        }
        own = {name: stamp for name, stamp in found.items() if self._owns(name)}
        for name in sorted(own, key=lambda name: (name.endswith(_INDEX), name)):
            if self._published.get(name) != own[name]:
                self._store.upload(self._folder / name, name)
                self._published[name] = own[name]
        gone = self._published.keys() - own.keys()
        for name in sorted(gone, key=lambda name: (not name.endswith(_INDEX), name)):
            self._store.remove(name)
            del self._published[name]

    def _is_needed(self, name: str) -> bool:
        match = _OF_WORKER.fullmatch(name)
        if match is None:
            # Reports and exports are in folders.
            return "/" not in name and not name.endswith(LOCK_FILE)
        return match[1] == "checkpoints" and int(match[2]) in (0, self._worker)

    def _owns(self, name: str) -> bool:
        if name.endswith((LOCK_FILE, TEMPORARY_SUFFIX)):
            return False
        match = _OF_WORKER.fullmatch(name)
        return (0 if match is None else int(match[2])) == self._worker


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


class RemoteLock:
    """Keeps a second run out of a work directory on object storage, like `RunLock`.

    A store has no lock that admits exactly one: two runs that start within a second may both begin.

    Args:
        store: The work directory.
        worker: Index of the process in its run.

    Raises:
        ValueError: On entering, if another run has the directory.
    """

    def __init__(self, store: ObjectStore, worker: int = 0) -> None:
        self._store = store
        self._name = lock_name(worker)
        self._ended = threading.Event()
        self._beat = threading.Thread(target=self._renew, daemon=True, name="remote lock")

    def __enter__(self) -> "RemoteLock":
        holder = read_holder(self._store.read(self._name) or b"")
        written = holder.pop("beat", None)
        beat = written if isinstance(written, float) else 0.0
        if is_alive(holder, lambda: time.time() - beat):
            lock = f"{self._store.address}/{self._name}"
            raise ValueError(in_use(self._store.address, lock, holder))
        self._write()
        self._beat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._beat.join()
        # A stale lock does no harm.
        with contextlib.suppress(OSError):
            if self._is_held():
                self._store.remove(self._name)

    def _is_held(self) -> bool:
        holder = read_holder(self._store.read(self._name) or b"")
        holder.pop("beat", None)
        return holder == identity()

    def _write(self) -> None:
        # By the clock of this host: stores report the time of a change in many ways.
        content = json.dumps(identity() | {"beat": time.time()})
        self._store.write(self._name, content.encode("utf-8"))

    def _renew(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            with contextlib.suppress(OSError):
                self._write()
