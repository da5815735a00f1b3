"""The lock of a work directory, which admits one run at a time."""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from absl import logging

from attention_ocr.io.processes import is_running, start_of

LOCK_FILE = "run.lock"
HEARTBEAT_S = 20.0
"""Time between two heartbeats."""
LIFELESS_S = 300.0
"""Time without a heartbeat after which a run on another machine counts as dead."""

_held: set[Path] = set()


class RunLock:
    """Keeps a second run out of a work directory inside a `with` block.

    The lock is a file with the host and the process of its run. A lock whose process has ended, as
    after `kill -9`, is taken over. Whether a process of another host is alive is inferred from the
    modification time of the file, which a live run renews.

    Args:
        work_dir: Existing work directory.
        worker: Index of the process in its run; each process has its own lock in the directory.

    Raises:
        ValueError: On entering, if another run has the directory.
    """

    def __init__(self, work_dir: Path, worker: int = 0) -> None:
        self.path = work_dir.resolve() / lock_name(worker)
        self._ended = threading.Event()
        self._beat = threading.Thread(target=self._renew, daemon=True, name="run lock")

    def __enter__(self) -> "RunLock":
        with _alone_in(self.path.parent):
            if not self._create():
                holder = _read(self.path)
                if self.path in _held or _lives(holder, self.path):
                    raise ValueError(in_use(self.path.parent, self.path, holder))
                logging.warning(
                    "taking over %s from process %s on %s, which has ended",
                    *(self.path, holder.get("process"), holder.get("host")),
                )
                self.path.unlink(missing_ok=True)
                if not self._create():
                    raise ValueError(f"Another run has just begun. Received: {self.path}")
        _held.add(self.path)
        self._beat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._beat.join()
        _held.discard(self.path)
        if _read(self.path) == identity():
            # On Windows a virus scanner may hold the file; a stale lock does no harm.
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)

    def _create(self) -> bool:
        try:
            with self.path.open("x", encoding="utf-8") as file:
                json.dump(identity(), file)
        except FileExistsError:
            return False
        return True

    def _renew(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            with contextlib.suppress(OSError):
                os.utime(self.path)


def lock_name(worker: int) -> str:
    """Return the name of the lock of a worker."""
    return LOCK_FILE if worker == 0 else f"worker_{worker}.{LOCK_FILE}"


def in_use(work_dir: object, lock: object, holder: Mapping[str, Any]) -> str:
    """Return the error message for a work directory that another run holds."""
    return (
        f"{work_dir} is in use by another run, process {holder.get('process')} on "
        f"{holder.get('host')}. Wait until it has ended, or train in another directory; if there "
        f"is no such run, delete {lock}."
    )


def identity() -> dict[str, Any]:
    """Return the identity of this process."""
    process = os.getpid()
    return {"host": socket.gethostname(), "process": process, "started": start_of(process)}


def _read(path: Path) -> dict[str, Any]:
    """Return the content of a lock; empty if it is missing or incomplete."""
    try:
        return read_holder(path.read_bytes())
    except OSError:
        return {}


def read_holder(content: bytes) -> dict[str, Any]:
    """Return the identity in a lock; empty if it is incomplete."""
    try:
        holder = json.loads(content)
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}


def _lives(holder: dict[str, Any], path: Path) -> bool:
    return is_alive(holder, lambda: _age_s(path))


def is_alive(holder: Mapping[str, Any], age_s: Callable[[], float]) -> bool:
    """Return whether the process that holds a lock is alive, as far as that can be known.

    Args:
        holder: Its identity.
        age_s: Returns the time since its last heartbeat, for a process of another host.
    """
    process = holder.get("process")
    if not isinstance(process, int):
        return False
    if holder.get("host") != socket.gethostname():
        return age_s() < LIFELESS_S
    # The number may have been reused since, in a container even by this process.
    return is_running(process) and holder.get("started") == start_of(process)


def _age_s(path: Path) -> float:
    """Return the time since a file was modified, by the clock of its file system."""
    now = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        now.touch()
        return now.stat().st_mtime - path.stat().st_mtime
    except OSError:
        return time.time() - path.stat().st_mtime
    finally:
        now.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Exclude other processes of this machine from the lock, where the platform supports it.

    Otherwise two runs that start at the same instant could both take over one stale lock.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems do not support locks.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
