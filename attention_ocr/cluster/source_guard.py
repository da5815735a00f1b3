"""Notices that a data source changes while a cluster reads it."""

import glob
import os
import time
from collections.abc import Iterable

from attention_ocr.data.source_spec import FOLDER_FILES, parse_source
from attention_ocr.data.storage import is_remote

_BETWEEN_S = 20.0


class SourceChangedError(ValueError):
    """Raised for a source that has changed while it was read; the message names the file."""


class SourceGuard:
    """Compares size and time of change of the local label and record files of data sources.

    Images in a folder and remote files are not compared: one that disappears is listed as missing.

    Args:
        source_names: Source strings, or paths.
    """

    def __init__(self, *source_names: str) -> None:
        self._names = source_names
        self._before = _stamps(source_names)
        self._next_s = time.monotonic() + _BETWEEN_S

    def check_now_and_then(self) -> None:
        """Call `check`, at most every twenty seconds."""
        if time.monotonic() >= self._next_s:
            self.check()
            self._next_s = time.monotonic() + _BETWEEN_S

    def check(self) -> None:
        """Refuse a source that has changed.

        Raises:
            SourceChangedError: If a file is new, gone, or another one; the message names it.
        """
        now = _stamps(self._names)
        changed = sorted(
            path for path in {*now, *self._before} if now.get(path) != self._before.get(path)
        )
        if changed:
            raise SourceChangedError(
                "Expected a source that stays as it is while it is read; run the command again. "
                f"Received: {changed[0]}, which has changed"
            )


def _stamps(source_names: Iterable[str]) -> dict[str, tuple[int, int]]:
    stamps = {}
    for source_name in source_names:
        for part in source_name.split(";"):
            name = parse_source(part).name
            if is_remote(name):
                continue
            inside = [f"{name.rstrip('/')}/{file}" for file in FOLDER_FILES]
            for path in (name, *inside, *glob.glob(name)):  # noqa: PTH207
                if os.path.isfile(path):  # noqa: PTH113 - may be no path at all
                    status = os.stat(path)  # noqa: PTH116
                    stamps[path] = (status.st_size, status.st_mtime_ns)
    return stamps
