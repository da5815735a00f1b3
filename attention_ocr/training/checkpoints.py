"""Checkpoints: the complete state of a run, from which it resumes bit-exactly."""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import tensorflow as tf
from absl import logging

from attention_ocr.io.atomic_write import sync_file, sync_folder, whole_file

CHECKPOINTS = "checkpoints"
# TensorFlow's errors for a truncated checkpoint: `OpError` for its index, `IndexError` for its
# data, `AssertionError` for missing variables.
_DAMAGED = (tf.errors.OpError, IndexError, ValueError, AssertionError)


class Group(Protocol):
    """The processes that resume together, see `workers.Workers`."""

    index: int
    count: int

    def gather(self, numbers: Sequence[int]) -> list[list[int]]:
        """Return the numbers of every process."""
        ...

    def all_true(self, claim: bool) -> bool:
        """Return whether a claim holds for every process."""
        ...


class _Alone:
    """A process that resumes by itself."""

    index = 0
    count = 1

    def gather(self, numbers: Sequence[int]) -> list[list[int]]:
        return [list(numbers)]

    def all_true(self, claim: bool) -> bool:
        return claim


def _other_data(_step: int, _record: Mapping[str, Any] | None, failed: bool) -> str:
    if not failed:
        return ""
    return "the training data have changed since it was saved, and are read from the beginning"


class Checkpoints:
    """Saves and restores the state of a run.

    Args:
        directory: Directory of the checkpoints, beside that of the first process of a group.
        state: Saved objects by name: variables, lists of variables, iterators.
        keep: Number of newest checkpoints to keep.
        remake: Functions that recreate objects of `state`, by name, that a checkpoint may not fit:
            the position of an iterator cannot be restored over other data.
        reason_to_remake: Returns why they are recreated, or an empty string if they are not. Called
            with the step of a checkpoint, its record if it has one, and whether restoring failed.
        group: The processes of the run.

    Attributes:
        state: Saved objects, including recreated ones.
        restored: The restored checkpoint, if any.
    """

    def __init__(
        self,
        directory: Path,
        state: dict[str, Any],
        keep: int,
        remake: Mapping[str, Callable[[], Any]] = MappingProxyType({}),
        reason_to_remake: Callable[[int, Mapping[str, Any] | None, bool], str] = _other_data,
        group: Group | None = None,
    ) -> None:
        self.state = dict(state)
        self.directory = directory
        self.restored: Path | None = None
        self._remake = remake
        self._reason_to_remake = reason_to_remake
        self._group = group or _Alone()
        self._checkpoint = tf.train.Checkpoint(**state)
        # Processes that are killed together may differ by one checkpoint: the previous one is
        # kept, so that they have one in common.
        self._keep = keep if self._group.count == 1 else max(keep, 2)
        _clear_left_overs(directory)
        self._manager = self._make_manager()

    def _make_manager(self) -> tf.train.CheckpointManager:
        def make() -> tf.train.CheckpointManager:
            # The manager would remove older checkpoints before a new one is safely on disk, so it
            # may keep more than `save` does.
            return tf.train.CheckpointManager(
                self._checkpoint, str(self.directory), self._keep + 2, checkpoint_name="step"
            )

        try:
            return make()
        except ValueError:
            # TensorFlow's list of checkpoints is damaged; the checkpoints may still be intact.
            (self.directory / "checkpoint").unlink()
            return make()

    def save(self, step: int, record: Mapping[str, Any] | None = None) -> None:
        """Write a checkpoint; older ones are removed once it is complete.

        Args:
            step: Number of the step.
            record: JSON values that describe how it was made.

        Raises:
            OSError: If it cannot be written, for example because the disk is full.
        """
        try:
            if record is not None:
                # The record comes first, so that every checkpoint has one.
                self.directory.mkdir(parents=True, exist_ok=True)
                with whole_file(_record_file(self._path(step))) as temporary:
                    temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            self._manager.save(checkpoint_number=step)
        except tf.errors.OpError as error:
            message = f"Cannot write a checkpoint to {self.directory}: {error.message}"
            raise OSError(message) from error
        for file in self.directory.glob(f"step-{step}.*"):
            sync_file(file)
        sync_folder(self.directory)
        # Later checkpoints, unreadable or not shared by all workers, belong to an abandoned run.
        until_now = [other for other in self.steps() if other <= step]
        self._remove(set(self.steps()) - set(until_now[: self._keep]))

    def steps(self) -> list[int]:
        """Return the steps of the existing checkpoints, newest first."""
        return _steps(self.directory)

    def restore(self) -> bool:
        """Restore the newest complete checkpoint that every process of the group has.

        Returns:
            Whether there was one.

        Raises:
            ValueError: If there are checkpoints, but none can be read or none is common to all.
        """
        # In a shared directory every process sees the checkpoints of the first one, too: the
        # network is the same for all, the position in the data is not.
        first = self.directory.with_name("worker_0")
        own, seen = self.steps(), set(self.steps())
        if self._group.count > 1:
            seen |= set(_steps(first))
        everyone = self._group.gather(own)
        everyone_sees = self._group.gather(sorted(seen, reverse=True))
        common = _common(everyone) or _common(everyone_sees)
        if not any(everyone):
            return False
        for step in common:
            path = self._path(step) if step in own else first / f"step-{step}"
            if self._group.all_true(self._restore_one(step, path, step in own)):
                self.restored = path
                if self._group.count > 1:
                    self._remove_newer_than(step)
                return True
        if not common:
            held = "; ".join(f"worker {i}: {steps or 'none'}" for i, steps in enumerate(everyone))
            raise ValueError(
                f"The workers must have a checkpoint of the same step in {self.directory.parent}. "
                f"Received: steps of {held}"
            )
        paths = ", ".join(str(self._path(step)) for step in common)
        raise ValueError(f"No checkpoint in {self.directory} can be read: {paths}")

    def record(self) -> Mapping[str, Any] | None:
        """Return the record of the restored checkpoint; None if it has none."""
        return _read_record(self.restored) if self.restored else None

    def record_of(self, step: int) -> Mapping[str, Any] | None:
        """Return the record of a checkpoint; None if it has none."""
        return _read_record(self._path(step))

    def _path(self, step: int) -> Path:
        return self.directory / f"step-{step}"

    def _restore_one(self, step: int, path: Path, is_own: bool) -> bool:
        """Restore one checkpoint, recreate what does not fit, and return whether that succeeded."""
        record = _read_record(path)
        reason = self._reason_to_remake(step, record, False)
        problem = "it is damaged, or of another network"
        if is_own and not reason:
            try:
                # A name too few or too many means another network.
                self._checkpoint.restore(str(path)).assert_consumed()
            except _DAMAGED as error:
                problem = str(error).splitlines()[0]
            else:
                logging.info("resuming from %s", path)
                return True
        reason = reason or self._reason_to_remake(step, record, True)
        if self._restore_but_remade(path, reason):
            return True
        logging.error("checkpoint %s cannot be read, trying an older one: %s", path, problem)
        return False

    def _restore_but_remade(self, path: Path, reason: str) -> bool:
        """Restore what has to fit, recreate the rest, and return whether that succeeded."""
        if not self._remake:
            return False
        fixed = {name: value for name, value in self.state.items() if name not in self._remake}
        try:
            status = tf.train.Checkpoint(**fixed).restore(str(path))
            status.assert_existing_objects_matched().expect_partial()
        except _DAMAGED:
            return False
        logging.warning("resuming from %s; %s", path, reason)
        # An iterator that failed to restore is exhausted.
        for name, make in self._remake.items():
            self.replace(name, make())
        return True

    def replace(self, name: str, value: Any) -> None:
        """Save `value` under a name of the state from now on."""
        self.state[name] = value
        setattr(self._checkpoint, name, value)

    def _remove_newer_than(self, step: int) -> None:
        """Remove checkpoints that not every process has, so that no later run uses them."""
        newer = {other for other in self.steps() if other > step}
        self._remove(newer)
        for other in sorted(newer):
            logging.warning("removed %s, which not every worker has", self._path(other))

    def _remove(self, steps: Iterable[int]) -> None:
        for step in steps:
            for file in self.directory.glob(f"step-{step}.*"):
                file.unlink(missing_ok=True)


def _steps(directory: Path) -> list[int]:
    # From the files, not from TensorFlow's list of them, which may be damaged.
    numbers = (path.stem.removeprefix("step-") for path in directory.glob("step-*.index"))
    return sorted((int(number) for number in numbers if number.isdecimal()), reverse=True)


def _common(everyone: list[list[int]]) -> list[int]:
    """Return the steps common to all lists, newest first."""
    return sorted(set.intersection(*map(set, everyone)), reverse=True)


def _record_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _read_record(path: Path) -> Mapping[str, Any] | None:
    try:
        record = json.loads(_record_file(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _clear_left_overs(directory: Path) -> None:
    """Remove incomplete files of a killed process."""
    whole = {path.stem for path in directory.glob("step-*.index")}
    left = [*directory.glob("step-*_temp*"), *directory.glob("*.tmp*")]
    left += [path for path in directory.glob("step-*.*") if path.name.split(".")[0] not in whole]
    for path in left:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
    if left:
        logging.info("removed %d incomplete files of a killed run in %s", len(left), directory)
