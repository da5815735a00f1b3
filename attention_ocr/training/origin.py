"""What a run goes on from: the checkpoint of other settings, data or workers, and where in them."""

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
    """Compares a run with the checkpoint that it goes on from, and keeps count of its examples.

    Args:
        config: settings of the run.
        source: its training data.
        workers: its processes.
        earlier_config: settings that the work directory held before, if any; those of checkpoints
            of earlier releases, which have no record.

    Attributes:
        start: the example of the source from which data are drawn, over all workers.
        validation_due: whether the validation of the step that was restored is still to be done.
    """

    def __init__(
        self,
        config: Config,
        source: Source,
        workers: Workers,
        earlier_config: Config | None = None,
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
        )
        self._earlier_config = earlier_config
        self._before: RunRecord | None = None
        self._position = 0
        self._step = 0

    def reason_to_draw_anew(
        self, step: int, document: Mapping[str, Any] | None, failed: bool
    ) -> str:
        """Return why a saved position of the pipeline is not used, and set `start` in its place.

        Args:
            step: of a checkpoint.
            document: its record, if it has one.
            failed: whether to restore the position has failed.

        Returns:
            The reason, for people; empty where it fits.
        """
        before = self._read(step, document)
        self.start = before.start(self._now)
        reason = before.reason_to_draw_anew(self._now)
        if failed and not reason:
            return (
                "its place in the training data cannot be restored: they are read on from example "
                f"{self.start:,}"
            )
        return reason

    def begins_at(self, step: int, document: Mapping[str, Any] | None) -> None:
        """Count on from a checkpoint.

        Args:
            step: of it; 0 where there is none.
            document: its record, if it has one.
        """
        self._step = step
        if not step:
            return
        self._before = self._read(step, document)
        self._position = self._before.start(self._now)
        self.validation_due = self._before.validation_due

    @property
    def numbers(self) -> Mapping[str, float]:
        """The numbers of the checkpoint that the run goes on from; none where it begins."""
        return self._before.numbers if self._before else {}

    def record(
        self,
        step: int,
        num_left_out: int,
        validation_due: bool,
        numbers: Mapping[str, float] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """Return the record of a checkpoint.

        Args:
            step: of it.
            num_left_out: examples that this process has left out since it began.
            validation_due: whether it is written before the validation of its step.
            numbers: of the run that are no variables.
        """
        return self._now.to_dict() | {
            "position": self.position(step, num_left_out),
            "validation_due": validation_due,
            "numbers": dict(numbers),
        }

    def position(self, step: int, num_left_out: int) -> int:
        """Return the examples that the run has drawn by a step, see `record`."""
        drawn = (step - self._step) * self._batch_size
        # What one worker leaves out stands for the others, which no one has counted together.
        return self._position + drawn + num_left_out * (self._now.num_workers or 1)

    def differences(self, step: int, document: Mapping[str, Any] | None) -> list[str]:
        """Return a phrase for all in which a checkpoint was made otherwise."""
        return self._read(step, document).differences(self._now)

    def tell(self, work_dir: Path, step: int, ended: bool, limit: str) -> None:
        """Say with which other settings a run goes on, or that it has ended and they do nothing.

        Args:
            work_dir: of the run.
            step: of the checkpoint that was restored.
            ended: whether no step is left to train.
            limit: name of the setting that ends it.
        """
        differences = ", ".join(self._before.differences(self._now)) if self._before else ""
        if not ended:
            if differences:
                logging.info("going on with other settings: %s", differences)
            return
        text = (
            f"{work_dir} is finished: it ended at step {step}, and only another --{limit} goes on."
        )
        if differences:
            logging.warning("%s These changes have no effect: %s", text, differences)
        else:
            logging.info("%s", text)

    def _read(self, step: int, document: Mapping[str, Any] | None) -> RunRecord:
        """Return the record of a checkpoint, or what can be said of one that has none."""
        if document is not None:
            try:
                return RunRecord.from_dict(document)
            except ValueError as error:
                logging.warning("the record of step %d is not used: %s", step, error)
        if self._earlier_config is None:
            return RunRecord(step * self._batch_size, None, None, None, {})
        settings = flat_settings(self._earlier_config)
        return RunRecord(step * settings["batch_size"], None, None, None, settings)
