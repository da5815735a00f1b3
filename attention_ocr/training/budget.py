"""Length of a run: a number of steps, of minutes, or one derived from the size of its data."""

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.settings.training import DEFAULT_STEPS, TrainingConfig

PASSES = 100
"""Epochs of a run whose number of steps is derived from the data."""

MIN_STEPS = 1000
"""Minimum number of steps of such a run."""

VALIDATIONS = 20
"""Validations per run; fewer if they would take more than `VALIDATION_SHARE` of its time."""

VALIDATION_SHARE = 0.2
MAX_STEPS_BETWEEN_VALIDATIONS = 1000
MAX_STEPS_BETWEEN_CHECKPOINTS = 500
SECONDS_BETWEEN_CHECKPOINTS = (15.0, 300.0)
"""Minimum and maximum in a run limited by time."""


def fit_to_data(config: Config, num_examples: int | None, work_dir: Path) -> Config:
    """Return the settings with step counts derived from the data where they are 0.

    A run takes `PASSES` epochs, from `MIN_STEPS` to `DEFAULT_STEPS` steps, at most a twentieth
    of them warm-up; `DEFAULT_STEPS` if the number of examples is unknown. A resumed run keeps its
    number. With `minutes` only the time counts.

    Args:
        config: The settings.
        num_examples: Number of training examples; None if unknown.
        work_dir: Work directory of the run.
    """
    training = config.training
    if not training.minutes and not training.steps:
        steps = _steps_begun_with(work_dir) or _steps_for(num_examples, config.data.batch_size)
        warmup_steps = min(training.warmup_steps, steps // 20)
        training = dataclasses.replace(training, steps=steps, warmup_steps=warmup_steps)
        logging.info("training for %d steps", steps)
    if training.steps and not training.minutes:
        training = dataclasses.replace(
            training,
            eval_every=training.eval_every
            or max(1, min(training.steps // VALIDATIONS, MAX_STEPS_BETWEEN_VALIDATIONS)),
            checkpoint_every=training.checkpoint_every
            or max(1, min(training.steps // (2 * VALIDATIONS), MAX_STEPS_BETWEEN_CHECKPOINTS)),
        )
    return dataclasses.replace(config, training=training)


def _steps_for(num_examples: int | None, batch_size: int) -> int:
    if not num_examples:
        return DEFAULT_STEPS
    return min(max(math.ceil(PASSES * num_examples / batch_size), MIN_STEPS), DEFAULT_STEPS)


def _steps_begun_with(work_dir: Path) -> int:
    if not (work_dir / CONFIG_FILE).is_file():
        return 0
    return Config.load(work_dir).training.steps


class RateByTime(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that follows the fraction of the time budget that is spent.

    Args:
        rate: Learning rate as a function of the step.
        share: float32 scalar, fraction of the time spent.
        steps: Number of steps of `rate`; a share of 1 corresponds to the last.
        counts_steps: Whether the step determines the rate where it is ahead of the time.
    """

    def __init__(
        self,
        rate: Callable[[tf.Tensor], tf.Tensor],
        share: tf.Variable,
        steps: int,
        counts_steps: bool,
    ) -> None:
        self.rate = rate
        self.share = share
        self.steps = steps
        self.counts_steps = counts_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        position = self.share * self.steps
        if self.counts_steps:
            position = tf.maximum(position, tf.cast(step, tf.float32))
        return self.rate(position)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return dict(vars(self))


class Budget:
    """The budget of a run, and how much of it is spent.

    The time is that of training and validation. The first step of a process, which traces the
    graphs, is not counted, nor is work lost by a kill.

    Args:
        settings: Training settings; the run ends at `steps` or `minutes`, whichever comes first.
        clock: Monotonic clock, in seconds.

    Attributes:
        seconds: Training time spent, over all processes of the run.
    """

    def __init__(
        self, settings: TrainingConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._limit_s = 60.0 * settings.minutes
        self._clock = clock
        self._last: float | None = None
        self._share = tf.Variable(0.0, trainable=False)
        self.seconds = 0.0
        self._validated_at = self._validation_s = self._saved_at = 0.0

    @property
    def share(self) -> float:
        """Fraction of the minutes spent, in [0, 1]; 0 for a run limited by steps."""
        return min(self.seconds / self._limit_s, 1.0) if self._limit_s else 0.0

    def resume_from(self, seconds: float) -> None:
        """Set the time that earlier processes have spent."""
        self.seconds = self._validated_at = self._saved_at = seconds
        self._share.assign(self.share)

    def pace(self, optimizer: keras.Optimizer, rate: Callable[[tf.Tensor], tf.Tensor]) -> None:
        """Make the learning rate follow the time, if the run is limited by time.

        Args:
            optimizer: Optimizer whose learning rate is replaced.
            rate: Learning rate as a function of the step, in a run of `steps`, or of
                `DEFAULT_STEPS` if only the time counts.
        """
        if self._limit_s:
            steps = self._settings.steps
            optimizer.learning_rate = RateByTime(
                rate, self._share, steps or DEFAULT_STEPS, counts_steps=steps > 0
            )

    def spend(self) -> None:
        """Count the time since the last call."""
        now = self._clock()
        if self._last is not None:
            self.seconds += now - self._last
            self._share.assign(self.share)
        self._last = now

    def is_spent(self, step: int) -> bool:
        """Return whether a run ends after `step` steps."""
        steps = self._settings.steps
        return (steps > 0 and step >= steps) or (self._limit_s > 0 and self.share >= 1.0)

    def expected_steps(self, step: int) -> int | None:
        """Return the number of steps of the whole run, as far as it is known after `step` steps.

        Returns:
            None for a run limited by time that has just begun.
        """
        by_time = math.ceil(step / self.share) if self.share else None
        return min(filter(None, (self._settings.steps, by_time)), default=None)

    def limit(self, step: int) -> str:
        """Return the name of the setting that ends a run after `step` steps."""
        return "steps" if 0 < self._settings.steps <= step else "minutes"

    def validation_is_due(self, step: int) -> bool:
        """Return whether to validate after step `step`."""
        if self._settings.eval_every:
            return step % self._settings.eval_every == 0
        since = self.seconds - self._validated_at
        cost = self._validation_s * (1.0 / VALIDATION_SHARE - 1.0)
        return since >= max(self._limit_s / VALIDATIONS, cost)

    def count_validation(self) -> None:
        """Count the time of a validation that has just ended."""
        before = self.seconds
        self.spend()
        self._validation_s = self.seconds - before
        self._validated_at = self.seconds

    def checkpoint_is_due(self, step: int) -> bool:
        """Return whether to write a checkpoint after step `step`."""
        if self._settings.checkpoint_every:
            return step % self._settings.checkpoint_every == 0
        fewest, most = SECONDS_BETWEEN_CHECKPOINTS
        every_s = min(max(self._limit_s / (2 * VALIDATIONS), fewest), most)
        if self.seconds - self._saved_at < every_s:
            return False
        self._saved_at = self.seconds
        return True
