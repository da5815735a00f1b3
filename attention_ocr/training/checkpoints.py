"""Checkpoints: everything a run needs to go on as if nothing had happened."""

from pathlib import Path
from typing import Any

import tensorflow as tf
from absl import logging

CHECKPOINTS = "checkpoints"
_DAMAGED = (
    tf.errors.DataLossError,
    tf.errors.NotFoundError,
    tf.errors.OutOfRangeError,
    tf.errors.InvalidArgumentError,
    tf.errors.FailedPreconditionError,
    ValueError,
)


class Checkpoints:
    """Saves and restores the state of a run.

    Args:
        directory: where the checkpoints lie.
        state: what is saved, by name: variables, lists of variables, iterators.
        keep: newest checkpoints that stay.
    """

    def __init__(self, directory: Path, state: dict[str, Any], keep: int) -> None:
        self._checkpoint = tf.train.Checkpoint(**state)
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, str(directory), max_to_keep=keep, checkpoint_name="step"
        )
        self.directory = directory

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
        paths = list(reversed(self._manager.checkpoints))
        for path in paths:
            try:
                # The state must hold everything: a name too few or too many is another network.
                self._checkpoint.restore(path).assert_consumed()
            except (*_DAMAGED, AssertionError) as error:
                reason = str(error).splitlines()[0]
                logging.error("checkpoint %s cannot be read, trying an older one: %s", path, reason)
                continue
            logging.info("going on from %s", path)
            return True
        if paths:
            raise ValueError(f"No checkpoint in {self.directory} can be read: {', '.join(paths)}")
        return False
