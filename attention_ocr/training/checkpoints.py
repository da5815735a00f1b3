"""Checkpoints: everything a run needs to go on as if nothing had happened."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tensorflow as tf
from absl import logging

CHECKPOINTS = "checkpoints"
# What TensorFlow raises for a checkpoint that is cut short: `OpError` itself for its index, an
# `IndexError` for its data, an `AssertionError` for variables that it lacks.
_DAMAGED = (tf.errors.OpError, IndexError, ValueError, AssertionError)


class Checkpoints:
    """Saves and restores the state of a run.

    Args:
        directory: where the checkpoints lie.
        state: what is saved, by name: variables, lists of variables, iterators.
        keep: newest checkpoints that stay.
        remake: makes those of `state` anew, by name, that a checkpoint may not fit: an iterator
            over other data cannot go on where the old one was.

    Attributes:
        state: what is saved, with what was made anew.
    """

    def __init__(
        self,
        directory: Path,
        state: dict[str, Any],
        keep: int,
        remake: Mapping[str, Callable[[], Any]] = MappingProxyType({}),
    ) -> None:
        self.state = dict(state)
        self._remake = remake
        self._checkpoint = tf.train.Checkpoint(**state)
        self.directory = directory
        try:
            self._manager = self._make_manager(keep)
        except ValueError:
            # TensorFlow's list of the checkpoints is damaged; they themselves need not be.
            (directory / "checkpoint").unlink()
            self._manager = self._make_manager(keep)

    def _make_manager(self, keep: int) -> tf.train.CheckpointManager:
        return tf.train.CheckpointManager(
            self._checkpoint, str(self.directory), max_to_keep=keep, checkpoint_name="step"
        )

    def save(self, step: int) -> None:
        """Write a checkpoint; older ones go only after it is whole.

        Raises:
            OSError: it cannot be written, the disk is full for example.
        """
        try:
            self._manager.save(checkpoint_number=step)
        except tf.errors.OpError as error:
            message = f"Cannot write a checkpoint to {self.directory}: {error.message}"
            raise OSError(message) from error

    def restore(self) -> bool:
        """Restore the newest checkpoint that is whole.

        Returns:
            Whether there was one.

        Raises:
            ValueError: there are checkpoints, and none can be read.
        """
        # The files themselves, not TensorFlow's list of them: that may be damaged, too.
        indices = sorted(self.directory.glob("step-*.index"), key=_step, reverse=True)
        paths = [str(index.with_suffix("")) for index in indices]
        for path in paths:
            try:
                # The state must hold everything: a name too few or too many is another network.
                self._checkpoint.restore(path).assert_consumed()
            except _DAMAGED as error:
                if self._restore_but_remade(path):
                    return True
                reason = str(error).splitlines()[0]
                logging.error("checkpoint %s cannot be read, trying an older one: %s", path, reason)
                continue
            logging.info("going on from %s", path)
            return True
        if paths:
            raise ValueError(f"No checkpoint in {self.directory} can be read: {', '.join(paths)}")
        return False

    def _restore_but_remade(self, path: str) -> bool:
        """Restore what has to fit, and make the rest anew; say whether that was possible."""
        if not self._remake:
            return False
        fixed = {name: value for name, value in self.state.items() if name not in self._remake}
        try:
            status = tf.train.Checkpoint(**fixed).restore(path)
            status.assert_existing_objects_matched().expect_partial()
        except _DAMAGED:
            return False
        logging.warning(
            "going on from %s; the training data are not those that it was saved with, and are "
            "read from their beginning",
            path,
        )
        # An iterator that could not be restored is at its end.
        for name, make in self._remake.items():
            self.state[name] = make()
            setattr(self._checkpoint, name, self.state[name])
        return True


def _step(index: Path) -> int:
    return int(index.stem.removeprefix("step-"))
