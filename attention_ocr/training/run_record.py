"""Record of the data and settings of a checkpoint, and how a resumed run differs from it."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from attention_ocr.data.sources import Source
from attention_ocr.settings.config import Config
from attention_ocr.settings.decoding import DecodingConfig

FORMAT_VERSION = 1

PIPELINE_SETTINGS = (
    "batch_size",
    "shuffle_buffer",
    "bucket_widths",
    "bucket_lengths",
    "join_words",
    "augmentation",
    "hardest_of",
    "selector",
)
"""Settings that shape the pipeline: its saved position is valid only for the same values."""

VALIDATION_SETTINGS = (
    "eval_data",
    *(field.name for field in dataclasses.fields(DecodingConfig)),
)
"""Settings that validations depend on: their scores are comparable only for the same values."""


class DataFingerprint(NamedTuple):
    """Identity of data, independent of their location.

    Attributes:
        num_examples: Number of examples, if known.
        digest: Digest of paths and labels, of names and sizes of files, or of the options; empty
            if the source has none.
    """

    num_examples: int | None
    digest: str

    @classmethod
    def of(cls, source: Source) -> "DataFingerprint":
        """Return the fingerprint of a source."""
        return cls(source.num_examples, source.digest())


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """Data, devices and settings with which a checkpoint was made.

    Args:
        position: Number of examples drawn from the data, over all workers.
        data: Fingerprint of the training data; None in records of earlier releases.
        num_workers: Number of processes; None if unknown.
        num_devices: Number of devices over all processes; None if unknown.
        settings: Value of each setting by its name.
        validation_due: Whether the run was stopped before the validation of this step.
        numbers: State of the run that is not in variables: time spent, loss scale.
        eval_data: Fingerprint of the validation data; None without any, and in records of earlier
            releases.
    """

    position: int
    data: DataFingerprint | None
    num_workers: int | None
    num_devices: int | None
    settings: Mapping[str, Any]
    validation_due: bool = False
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)
    eval_data: DataFingerprint | None = None

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "RunRecord":
        """Build a record from the result of `to_dict`.

        Raises:
            ValueError: If it is not a record.
        """
        try:
            values = dict(document)
            if values.pop("format_version") != FORMAT_VERSION:
                raise ValueError(f"Expected format_version {FORMAT_VERSION}. Received: {document}")
            for name in ("data", "eval_data"):
                if values.get(name) is not None:
                    values[name] = DataFingerprint(**values[name])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"Expected a record of a run. Received: {document}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        values = dataclasses.asdict(self)
        for name, data in (("data", self.data), ("eval_data", self.eval_data)):
            if data is not None:
                values[name] = data._asdict()
        return {"format_version": FORMAT_VERSION} | values

    def has_other_data(self, now: "RunRecord") -> bool:
        """Return whether the training data are known to have changed."""
        return self.data is not None and self.data != now.data

    def has_other_eval_data(self, now: "RunRecord") -> bool:
        """Return whether the validation data are known to have changed."""
        return self.eval_data is not None and self.eval_data != now.eval_data

    def differing_settings(self, now: "RunRecord") -> list[str]:
        """Return the names of the settings that have changed."""
        return [
            name
            for name, value in now.settings.items()
            if name in self.settings and self.settings[name] != value
        ]

    def validates_otherwise(self, now: "RunRecord") -> str:
        """Return what has changed that scores of validations depend on; empty if nothing has."""
        changed = [name for name in self.differing_settings(now) if name in VALIDATION_SETTINGS]
        if not changed and self.has_other_eval_data(now):
            return "the validation data"
        return ", ".join(changed)

    def differences(self, now: "RunRecord") -> list[str]:
        """Return a phrase for each change, such as `batch_size=8 (was 4)`."""
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
        if self.has_other_eval_data(now):
            phrases.append("other validation examples")
        return phrases

    def reason_to_reposition(self, now: "RunRecord") -> str:
        """Return why the saved pipeline position is no longer valid; empty if it is."""
        if self.has_other_data(now):
            before = self.data.num_examples if self.data else None
            after = now.data.num_examples if now.data else None
            counts = "" if before == after else f" ({after} examples instead of {before})"
            return (
                f"the training data have changed since it was saved{counts}, and are read from the "
                "beginning"
            )
        changed = [name for name in self.differing_settings(now) if name in PIPELINE_SETTINGS]
        if self.num_workers not in (None, now.num_workers):
            changed.append("the number of workers")
        if not changed:
            return ""
        return (
            f"{', '.join(changed)} changed: the training data are read from example "
            f"{self.position:,}"
        )

    def start(self, now: "RunRecord") -> int:
        """Return the index of the first example to draw."""
        return 0 if self.has_other_data(now) else self.position


def flat_settings(config: Config) -> dict[str, Any]:
    """Return the value of each setting by its name, as it is after a JSON round trip."""
    flat: dict[str, Any] = {}
    for section in dataclasses.asdict(config).values():
        flat |= section
    settings: dict[str, Any] = json.loads(json.dumps(flat))
    return settings


def _shown(value: Any) -> str:
    """Return a value in the notation of flags."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return repr(value) if isinstance(value, str) and not value.isidentifier() else str(value)
