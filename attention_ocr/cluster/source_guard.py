"""Notices that a data source changes while a cluster reads it."""

import glob
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

from attention_ocr.data.source_spec import FOLDER_FILES, parse_source
from attention_ocr.data.storage import is_folder, is_remote, match_files, state_of

_BETWEEN_S = 20.0


class SourceChangedError(ValueError):
    """Raised for a source that has changed while it was read; the message names the file."""


class SourceGuard:
    """Compares size and time of change of the label and record files of data sources.

    Of files in a store, what it says of them is compared. Images in a folder are not compared: one
    that disappears is listed as missing.

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


def _stamps(source_names: Iterable[str]) -> dict[str, tuple[int, str]]:
    stamps = {}
    for source_name in source_names:
        for part in source_name.split(";"):
            name = parse_source(part).name
            for path in _files_of(name):
                with suppress(FileNotFoundError):
                    stamps[path] = state_of(path)
    return stamps


def _files_of(name: str) -> Iterator[str]:
    """Yield the files of a source that are compared, if they exist."""
    inside = [f"{name.rstrip('/')}/{file}" for file in FOLDER_FILES]
    if not is_remote(name):
        candidates = (name, *inside, *glob.glob(name))  # noqa: PTH207
        yield from filter(os.path.isfile, candidates)  # may be no path at all
    elif any(character in name for character in "*?["):
        yield from match_files(name)
    elif is_folder(name):
        yield from inside
    else:
        yield name
