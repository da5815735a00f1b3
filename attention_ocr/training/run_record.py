"""What a checkpoint was made with, and what that means for a run that goes on from it."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from attention_ocr.data.sources import Source
from attention_ocr.settings.config import Config

FORMAT_VERSION = 1

PIPELINE_SETTINGS = (
    "batch_size",
    "shuffle_buffer",
    "bucket_widths",
    "bucket_lengths",
    "join_words",
    "augmentation",
)
"""Settings that shape the pipeline: its saved position fits no pipeline with others."""


class DataFingerprint(NamedTuple):
    """What tells training data from others, wherever they lie.

    Attributes:
        num_examples: if somebody counted.
        digest: of paths and labels, of names and sizes of files, or of the options; empty where
            the source has none.
    """

    num_examples: int | None
    digest: str

    @classmethod
    def of(cls, source: Source) -> "DataFingerprint":
        """Return that of a source."""
        return cls(source.num_examples, source.digest())


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """What a checkpoint was made with.

    Args:
        position: examples that the run has drawn from its data, over all workers.
        data: fingerprint of the training data; none where an earlier release took none.
        num_workers: processes that trained together; none where it is not known.
        num_devices: over all of them; none where it is not known.
        settings: value of each setting by its name.
        validation_due: whether the run was stopped before the validation of this step.
        numbers: of the run at this step that are no variables: the time spent, the loss scale.
    """

    position: int
    data: DataFingerprint | None
    num_workers: int | None
    num_devices: int | None
    settings: Mapping[str, Any]
    validation_due: bool = False
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "RunRecord":
        """Build a record from what `to_dict` returned.

        Raises:
            ValueError: it is none.
        """
        try:
            values = dict(document)
            if values.pop("format_version") != FORMAT_VERSION:
                raise ValueError(f"Expected format_version {FORMAT_VERSION}. Received: {document}")
            if values["data"] is not None:
                values["data"] = DataFingerprint(**values["data"])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"Expected a record of a run. Received: {document}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        values = dataclasses.asdict(self)
        if self.data is not None:
            values["data"] = self.data._asdict()
        return {"format_version": FORMAT_VERSION} | values

    def has_other_data(self, now: "RunRecord") -> bool:
        """Return whether the training data have changed, as far as that is known."""
        return self.data is not None and self.data != now.data

    def differing_settings(self, now: "RunRecord") -> list[str]:
        """Return the names of the settings that have changed."""
        return [
            name
            for name, value in now.settings.items()
            if name in self.settings and self.settings[name] != value
        ]

    def differences(self, now: "RunRecord") -> list[str]:
        """Return a phrase for all that has changed: `batch_size=8 (was 4)`."""
        phrases = [
            f"{name}={_shown(now.settings[name])} (was {_shown(self.settings[name])})"
            for name in self.differing_settings(now)
        ]
        for name in ("num_workers", "num_devices"):
            before, after = getattr(self, name), getattr(now, name)
            if before not in (None, after):
                phrases.append(f"{name}={after} (was {before})")
        if self.has_other_data(now):
            phrases.append("other training examples")
        return phrases

    def reason_to_draw_anew(self, now: "RunRecord") -> str:
        """Return why the saved position of the pipeline fits no more; empty where it does."""
        if self.has_other_data(now):
            before = self.data.num_examples if self.data else None
            after = now.data.num_examples if now.data else None
            counts = "" if before == after else f" ({after} examples, there were {before})"
            return (
                f"the training data are not those that it was saved with{counts}, and are read "
                "from their beginning"
            )
        changed = [name for name in self.differing_settings(now) if name in PIPELINE_SETTINGS]
        if self.num_workers not in (None, now.num_workers):
            changed.append("the number of workers")
        if not changed:
            return ""
        return (
            f"{', '.join(changed)} changed: the training data are read on from example "
            f"{self.position:,}"
        )

    def start(self, now: "RunRecord") -> int:
        """Return the example from which data are drawn anew."""
        return 0 if self.has_other_data(now) else self.position


def flat_settings(config: Config) -> dict[str, Any]:
    """Return the value of each setting by its name, as JSON gives it back."""
    flat: dict[str, Any] = {}
    for section in dataclasses.asdict(config).values():
        flat |= section
    settings: dict[str, Any] = json.loads(json.dumps(flat))
    return settings


def _shown(value: Any) -> str:
    """Return a value as the flag has it."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return repr(value) if isinstance(value, str) and not value.isidentifier() else str(value)
