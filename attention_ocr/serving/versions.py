"""The versions of a model on disk, and those that are served."""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from absl import logging

from attention_ocr.inference.locate import find_model, is_bundled
from attention_ocr.serving.errors import Code, ServingError
from attention_ocr.serving.interface import Load, ServedModel
from attention_ocr.serving.options import ALL, SAVED_MODEL, ServingOptions

MAX_VERSION = 2**63 - 1
"""Largest version number that TF Serving's messages can hold."""


class State(IntEnum):
    """State of a version; numbers and names of `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass
class Status:
    """State of a version, and the reason if it failed."""

    state: State
    code: Code = Code.OK
    message: str = ""


class Versions:
    """Keeps the wanted versions of a model loaded while directories come and go.

    A new version is loaded and warmed up while the current ones serve; they are unloaded once it
    is ready. If it cannot be loaded, they keep serving, and it is retried when its files change.

    Args:
        options: Settings of the server.
        load: Loads a version from its directory.
    """

    def __init__(self, options: ServingOptions, load: Load) -> None:
        self._options = options
        self._load = load
        self._files = options.model_files
        self._executor = ThreadPoolExecutor(1, "load")
        self._failed_files: dict[int, object] = {}
        self._ignored: set[str] = set()
        self.servables: dict[int, ServedModel] = {}
        self.statuses: dict[int, Status] = {}

    def get(self, name: str, version: int | None = None) -> ServedModel:
        """Return a version that is served, by default the newest.

        Raises:
            ServingError: If it is not served.
        """
        self._check_name(name, version)
        if version is None and self.servables:
            return self.servables[max(self.servables)]
        if version is None or version not in self.servables:
            raise _not_found(name, version)
        return self.servables[version]

    def status(self, name: str, version: int | None = None) -> dict[int, Status]:
        """Return the states of versions, the newest first; of all without a number.

        Raises:
            ServingError: If there are none.
        """
        self._check_name(name, version)
        found = {
            number: self.statuses[number]
            for number in sorted(self.statuses, reverse=True)
            if version in (None, number)
        }
        if not found:
            raise _not_found(name, version)
        return found

    def _check_name(self, name: str, version: int | None) -> None:
        if name != self._options.model_name:
            raise _not_found(name, version)

    async def watch(self) -> None:
        """Poll for new versions."""
        while True:
            await asyncio.sleep(self._options.file_system_poll_wait_seconds)
            await self.refresh()

    async def refresh(self) -> None:
        """Load new wanted versions, then unload those that are no longer wanted."""
        try:
            found = find_versions(self._options.model_base_path, self._files)
            self._name_ignored()
        except OSError as error:
            # A network share that is briefly unavailable must not take the model down.
            logging.warning("%s: %s", self._options.model_base_path, error.strerror)
            return
        wanted = self._wanted(found)
        for version in sorted(wanted - set(self.servables)):
            try:
                await self._add(version, found[version])
            except OSError as error:
                # A directory that disappears meanwhile must not end the polling.
                logging.warning("%s: %s", found[version], error.strerror)
        ready = wanted & set(self.servables)
        # Until a wanted version is loaded, served ones that still exist keep serving.
        kept = ready or set(self.servables) & set(found)
        for version in sorted(set(self.servables) - kept):
            self._remove(version)
        for version in set(self.statuses) - set(found) - set(self.servables):
            self.statuses[version].state = State.END
        for version in set(self._failed_files) - set(found):
            del self._failed_files[version]

    def _name_ignored(self) -> None:
        """Warn once about each numbered directory that is not a valid version."""
        numbered = _numbered(self._options.model_base_path, self._files)
        ignored = {path.name: path for path in numbered}
        ignored = {name: path for name, path in ignored.items() if not _is_version(path)}
        for name in sorted(set(ignored) - self._ignored):
            logging.warning(
                "Ignoring %s: version numbers are at most %d", ignored[name], MAX_VERSION
            )
        self._ignored = set(ignored)

    def _wanted(self, found: dict[int, Path]) -> set[int]:
        chosen = self._options.chosen_versions()
        if chosen is not None:
            return set(found) & chosen
        if self._options.model_versions == ALL or not found:
            return set(found)
        return {max(found)}

    async def _add(self, version: int, directory: Path) -> None:
        files = _fingerprint(directory)
        if self._failed_files.get(version) == files:
            return
        status = self.statuses[version] = Status(State.LOADING)
        loading = asyncio.get_running_loop().run_in_executor(
            self._executor, self._load, version, directory
        )
        await asyncio.wait([loading])
        error = loading.exception()
        if error is None:
            self.servables[version] = loading.result()
            self._failed_files.pop(version, None)
            status.state = State.AVAILABLE
            logging.info("%s: serving version %d", self._options.model_name, version)
            return
        self._failed_files[version] = files
        status.state, status.code, status.message = State.END, Code.INVALID_ARGUMENT, str(error)
        logging.error("%s: version %d: %s", self._options.model_name, version, error)

    def _remove(self, version: int) -> None:
        # In-flight requests keep a reference until they are done.
        del self.servables[version]
        self.statuses[version] = Status(State.END)
        gc.collect()
        logging.info("%s: unloaded version %d", self._options.model_name, version)

    def close(self) -> None:
        """Wait for the version that is being loaded, and load no more."""
        self._executor.shutdown()


def find_versions(base_path: Path, files: frozenset[str] = SAVED_MODEL) -> dict[int, Path]:
    """Return the versions in a directory: subdirectories with numeric names that hold a model.

    Numbers above `MAX_VERSION` are left out. A bundled model, `default` or `lines`, is its own
    version 1.

    Args:
        base_path: The directory.
        files: Files of which a model has one.

    Raises:
        OSError: If the directory cannot be read.
    """
    if is_bundled(base_path):
        return {1: find_model(base_path)}
    return {int(path.name): path for path in _numbered(base_path, files) if _is_version(path)}


def _numbered(base_path: Path, files: frozenset[str]) -> list[Path]:
    """Return the subdirectories with numeric names that hold a model."""
    if is_bundled(base_path):
        return []
    return [
        path
        for path in base_path.iterdir()
        if path.name.isascii()
        and path.name.isdecimal()
        and any((path / name).is_file() for name in files)
    ]


def _is_version(path: Path) -> bool:
    return int(path.name) <= MAX_VERSION


def _fingerprint(directory: Path) -> object:
    """Return a value that changes whenever a file of the directory does."""
    files = []
    for path in sorted(directory.rglob("*")):
        try:
            facts = path.stat()
        except OSError:
            continue
        files.append((str(path), facts.st_size, facts.st_mtime_ns))
    return files


def _not_found(name: str, version: int | None) -> ServingError:
    wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return ServingError(Code.NOT_FOUND, f"Servable not found for request: {wanted}")
