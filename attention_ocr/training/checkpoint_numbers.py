"""Numbers that belong to a checkpoint, beside its variables."""

import json
from collections.abc import Mapping
from pathlib import Path

from attention_ocr.whole_files import whole_file


class CheckpointNumbers:
    """A file with some numbers for each of the newest checkpoints.

    They are no part of the checkpoints, which hold what every run has: a run may go on with a
    budget of time, or with a loss scale, that it did not begin with.

    Args:
        path: of the file.
        keep: newest checkpoints whose numbers stay.
    """

    def __init__(self, path: Path, keep: int) -> None:
        self.path = path
        self._keep = keep

    def save(self, step: int, numbers: Mapping[str, float]) -> None:
        """Write the numbers of the checkpoint of a step; to be called before it is written.

        Raises:
            OSError: If the file cannot be written; what stood there stays.
        """
        # Of a run that went back, those after this step are of steps that are no more.
        entries = {old: entry for old, entry in self._read().items() if old < step}
        entries[step] = dict(numbers)
        # One more, because this checkpoint may never be whole.
        kept = sorted(entries)[-self._keep - 1 :]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.path) as temporary:
            document = {str(old): entries[old] for old in kept}
            temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    def load(self, step: int) -> Mapping[str, float]:
        """Return the numbers of the checkpoint of a step; nothing where it has none.

        Raises:
            ValueError: If the file is damaged; the message names it.
        """
        return self._read().get(step, {})

    def _read(self) -> dict[int, dict[str, float]]:
        if not self.path.is_file():
            return {}
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
            return {
                int(step): {name: float(value) for name, value in entry.items()}
                for step, entry in document.items()
            }
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{self.path} is damaged and cannot be read: {error}") from error
