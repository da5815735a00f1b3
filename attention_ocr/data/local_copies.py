"""Local copies of remote files, for what reads local files only."""

import functools
import hashlib
import tempfile
import threading
from collections import defaultdict
from pathlib import Path

from attention_ocr.data.object_store import open_store

_lock = threading.Lock()
_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


def local_copy(address: str) -> str:
    """Return the path of a copy of a remote file.

    It is made on the first call, in the temporary folder of the system (`TMPDIR`), and removed
    when the process ends.

    Args:
        address: Address of the file.

    Raises:
        FileNotFoundError: If the file does not exist.
        OSError: If it cannot be copied; a `StoreError` if that is the store's fault.
    """
    folder, _, name = address.rpartition("/")
    digest = hashlib.sha256(address.encode("utf-8")).hexdigest()[:16]
    # Of threads that call a cached function for the first time, each may make a folder.
    with _lock:
        parent, copying = _folder().name, _locks[address]
    copy = Path(parent, f"{digest}-{name}")
    with copying:
        if not copy.exists():
            partial = copy.with_name(f"{copy.name}.partial")
            open_store(folder).download(name, partial)
            partial.replace(copy)
    return str(copy)


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="attention-ocr-")
