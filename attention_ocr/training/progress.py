"""Progress of a run, and its reporting."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf
from absl import logging

from attention_ocr.evaluation.evaluate import Prediction
from attention_ocr.metrics.accuracy import TextMetrics
from attention_ocr.settings.data import DataConfig
from attention_ocr.text.charset import UNKNOWN_ID


class TrainingResult(NamedTuple):
    """Result of a run.

    Attributes:
        step: Number of steps trained.
        best_exact_match: Exact match of the kept weights; None without validation data.
        best_step: Step of the kept weights.
    """

    step: int
    best_exact_match: float | None
    best_step: int


NEARLY_NOTHING = 0.9
"""CER from which, without an exact match, next to nothing is read yet."""


class Progress:
    """Progress of the run; the variables are part of every checkpoint.

    Attributes:
        step: Number of steps trained.
        best_exact_match: Exact match of the best validation; -1 before the first.
        best_step: Step of that validation.
        stale_validations: Number of validations since then at which something was read.
        best_cer: CER of that validation, which decides between equal exact matches. It is not part
            of the checkpoint, whose record has it.
    """

    def __init__(self) -> None:
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.best_exact_match = tf.Variable(-1.0, dtype=tf.float64, trainable=False)
        self.best_step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.stale_validations = tf.Variable(0, dtype=tf.int64, trainable=False)
        # Unknown in the records of earlier releases: no CER is lower.
        self.best_cer = 0.0

    def variables(self) -> list[tf.Variable]:
        """Return the variables for the checkpoint."""
        return [self.step, self.best_exact_match, self.best_step, self.stale_validations]

    @property
    def has_validated(self) -> bool:
        """Whether the kept weights were chosen by a validation."""
        return float(self.best_exact_match.numpy()) >= 0

    def record_validation(self, exact_match: float, cer: float, step: int) -> bool:
        """Record the result of a validation, and return whether it is the best so far.

        Of equal exact matches, as of long lines none of which is exact yet, a lower CER is better;
        while next to nothing is read, so is the later one.
        """
        best = float(self.best_exact_match.numpy()), -self.best_cer
        reads = exact_match > 0.0 or cer < NEARLY_NOTHING
        if (exact_match, -cer) < best or (reads and (exact_match, -cer) == best):
            # CTC begins with empty texts for some hundred steps: patience does not count these.
            self.stale_validations.assign_add(int(reads))
            return False
        self.best_exact_match.assign(exact_match)
        self.best_cer = cer
        self.best_step.assign(step)
        self.stale_validations.assign(0)
        return True

    def forget_validations(self) -> None:
        """Forget the scores, with which those of another validation cannot be compared."""
        self.best_exact_match.assign(-1.0)
        self.best_step.assign(0)
        self.stale_validations.assign(0)
        self.best_cer = 0.0

    def best_text(self) -> str:
        """Return the best exact match as a percentage, or a dash."""
        return f"{float(self.best_exact_match.numpy()):.1%}" if self.has_validated else "-"


def describe(metrics: TextMetrics) -> str:
    """Return the metrics of a validation in one line."""
    low, high = metrics.exact_match_interval
    return (
        f"exact match {metrics.exact_match:.1%} (95 % interval {low:.1%} to {high:.1%}, "
        f"{metrics.num_examples} images), CER {metrics.cer:.2%}"
    )


def check_readable(predictions: Sequence[Prediction], data: DataConfig) -> None:
    """Log which validation images cannot be read, and refuse to validate on too few others.

    Raises:
        ValueError: If the share of unreadable images exceeds `max_unreadable`.
    """
    unreadable = [prediction.key for prediction in predictions if not prediction.readable]
    if not unreadable:
        return
    found = (
        f"{len(unreadable)} of the {len(predictions)} images of {data.eval_data} cannot be read, "
        f"{', '.join(unreadable[:3])} for example"
    )
    if len(unreadable) > data.max_unreadable * len(predictions):
        raise ValueError(f"{found}, more than max_unreadable={data.max_unreadable} of them.")
    logging.warning("%s; they count as errors", found)


class BatchTally:
    """Counts the changes to training batches that make them fit the model."""

    def __init__(self) -> None:
        self._num_shrunk = 0
        self._num_unknown = 0

    def count(self, batch: Mapping[str, tf.Tensor]) -> None:
        """Count a batch of `data.pipeline.training_batches`."""
        self._num_shrunk += int(tf.math.count_nonzero(batch["shrunk"]))
        self._num_unknown += int(tf.math.count_nonzero(batch["targets"] == UNKNOWN_ID))

    def lines(self) -> list[str]:
        """Return a line for each kind of change that has occurred."""
        lines = []
        if self._num_shrunk:
            lines.append(f"shrunk {self._num_shrunk} images wider than max_image_width")
        if self._num_unknown:
            lines.append(f"found {self._num_unknown} characters outside the charset")
        return lines


class SpeedWindow:
    """Images per second since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._num_images = 0

    def count(self, num_images: int) -> None:
        """Count a batch."""
        self._num_images += num_images

    def images_per_second(self) -> float:
        """Return the mean speed of the window."""
        return self._num_images / max(time.monotonic() - self._start, 1e-9)
