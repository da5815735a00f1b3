"""Trackers: objects of other packages that receive the figures of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from attention_ocr.settings.config import Config
from attention_ocr.settings.registries import Registry

TRACKERS = Registry("trackers", "tracker", {})
"""Callables `(work_dir, settings) -> Tracker`: classes, or functions that make one."""


class Tracker(Protocol):
    """Receives the figures of a run, next to TensorBoard."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Record figures.

        Args:
            values: Figures by name: `training/loss`, `validation/exact_match`, …
            step: Step of the run.
        """

    def close(self) -> None:
        """End the run, finished or stopped."""


def make_tracker(config: Config, work_dir: Path) -> Tracker | None:
    """Return the tracker that `tracker` of the settings names; None without one.

    Raises:
        ImportError: If its package is not installed.
        ValueError: If there is no such class.
    """
    name = config.training.tracker
    if not name:
        return None
    settings: dict[str, Any] = {
        key: value for section in config.to_dict().values() if isinstance(section, dict)
        for key, value in section.items()
    }  # fmt: skip
    tracker: Tracker = TRACKERS.resolve(name)(work_dir, settings)
    return tracker
