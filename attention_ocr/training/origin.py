"""Resuming from a checkpoint of other settings, data or workers, and the position in the data."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from absl import logging

from attention_ocr.data.sources import Source
from attention_ocr.settings.config import Config
from attention_ocr.training.run_record import DataFingerprint, RunRecord, flat_settings
from attention_ocr.training.workers import Workers


class Origin:
    """Compares a run with the checkpoint that it resumes from, and counts its examples.

    Args:
        config: Settings of the run.
        source: Its training data.
        workers: Its processes.
        earlier_config: Settings found in the work directory, if any; they stand in for the record
            that checkpoints of earlier releases lack.
        eval_source: Its validation data, if any.

    Attributes:
        start: Index of the first example to draw from the source, over all workers.
        validation_due: Whether the restored step has not been validated yet.
    """

    def __init__(
        self,
        config: Config,
        source: Source,
        workers: Workers,
        earlier_config: Config | None = None,
        eval_source: Source | None = None,
    ) -> None:
        self.start = 0
        self.validation_due = False
        self._batch_size = config.data.batch_size
        self._now = RunRecord(
            position=0,
            data=DataFingerprint.of(source),
            num_workers=workers.count,
            num_devices=workers.num_devices,
            settings=flat_settings(config),
            eval_data=DataFingerprint.of(eval_source) if eval_source else None,
        )
        self._earlier_config = earlier_config
        self._before: RunRecord | None = None
        self._position = 0
        self._step = 0

    def reason_to_reposition(
        self, step: int, document: Mapping[str, Any] | None, failed: bool
    ) -> str:
        """Return why a saved pipeline position cannot be used, and set `start` instead.

        Args:
            step: Step of a checkpoint.
            document: Its record, if it has one.
            failed: Whether restoring the position has failed.

        Returns:
            The reason, for the log; empty if the position can be used.
        """
        before = self._read(step, document)
        self.start = before.start(self._now)
        reason = before.reason_to_reposition(self._now)
        if failed and not reason:
            return (
                "its position in the training data cannot be restored: they are read from example "
                f"{self.start:,}"
            )
        return reason

    def resume_at(self, step: int, document: Mapping[str, Any] | None) -> None:
        """Count examples from a checkpoint on.

        Args:
            step: Its step; 0 if there is none.
            document: Its record, if it has one.
        """
        self._step = step
        if not step:
            return
        self._before = self._read(step, document)
        self._position = self._before.start(self._now)
        self.validation_due = self._before.validation_due

    @property
    def numbers(self) -> Mapping[str, float]:
        """The numbers of the checkpoint that the run resumes from; empty for a new run."""
        return self._before.numbers if self._before else {}

    def validates_otherwise(self) -> str:
        """Return what has changed that scores of validations depend on; empty if nothing has."""
        return self._before.validates_otherwise(self._now) if self._before else ""

    def record(
        self,
        step: int,
        num_skipped: int,
        validation_due: bool,
        numbers: Mapping[str, float] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """Return the record of a checkpoint.

        Args:
            step: Its step.
            num_skipped: Examples that this process has skipped since it started.
            validation_due: Whether it is written before the validation of its step.
            numbers: State of the run that is not in variables.
        """
        return self._now.to_dict() | {
            "position": self.position(step, num_skipped),
            "validation_due": validation_due,
            "numbers": dict(numbers),
        }

    def position(self, step: int, num_skipped: int) -> int:
        """Return the number of examples that the run has drawn up to a step, see `record`."""
        drawn = (step - self._step) * self._batch_size
        # Skipped examples are not summed over workers: this one's count stands for the others.
        return self._position + drawn + num_skipped * (self._now.num_workers or 1)

    def differences(self, step: int, document: Mapping[str, Any] | None) -> list[str]:
        """Return a phrase for each setting or datum in which a checkpoint differs."""
        return self._read(step, document).differences(self._now)

    def log_changes(self, work_dir: Path, step: int, ended: bool, limit: str) -> None:
        """Log the changed settings of a resumed run; if it has ended, that they have no effect.

        Args:
            work_dir: Work directory of the run.
            step: Step of the restored checkpoint.
            ended: Whether no step is left to train.
            limit: Name of the setting that ends the run.
        """
        differences = ", ".join(self._before.differences(self._now)) if self._before else ""
        if not ended:
            if differences:
                logging.info("resuming with changed settings: %s", differences)
            return
        text = f"{work_dir} is finished: it ended at step {step}. To continue, change --{limit}."
        if differences:
            logging.warning("%s These changes have no effect: %s", text, differences)
        else:
            logging.info("%s", text)

    def _read(self, step: int, document: Mapping[str, Any] | None) -> RunRecord:
        """Return the record of a checkpoint, or one inferred from the earlier settings."""
        if document is not None:
            try:
                return RunRecord.from_dict(document)
            except ValueError as error:
                logging.warning("the record of step %d is not used: %s", step, error)
        if self._earlier_config is None:
            return RunRecord(step * self._batch_size, None, None, None, {})
        settings = flat_settings(self._earlier_config)
        return RunRecord(step * settings["batch_size"], None, None, None, settings)
