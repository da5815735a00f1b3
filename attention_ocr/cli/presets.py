"""`--preset=NAME`: a published network or the settings of a task, from the package."""

from pathlib import Path
from typing import Any

from absl import flags

FOLDER = Path(__file__).parents[1] / "presets"
NETWORKS = {path.stem: path for path in sorted(FOLDER.glob("*.flags"))}
"""Flag files of published networks, by name."""

TASKS = {path.stem: path for path in sorted((FOLDER / "tasks").glob("*.flags"))}
"""Flag files of tasks, by name: network, image and schedule, some with their data."""

FILES = NETWORKS | TASKS


def define_preset_flag(values: flags.FlagValues, title: str) -> None:
    """Define `--preset`, which sets flags as a file of flags in its place would.

    Args:
        values: The flags of a command.
        title: Under which help lists it.
    """
    flags.DEFINE_flag(_PresetFlag(values), values, title)


class _PresetFlag(flags.EnumFlag):
    """Sets other flags where it is parsed: those before it are overridden, those after it win."""

    def __init__(self, values: flags.FlagValues) -> None:
        super().__init__("preset", None, "", tuple(FILES))
        self.help = (
            "Preset (docs/presets.md); flags that follow it win. Published networks: "
            f"{', '.join(NETWORKS)}. Tasks: {', '.join(TASKS)}."
        )
        self._values = values

    def parse(self, argument: Any) -> None:
        super().parse(argument)
        lines = FILES[str(self.value)].read_text(encoding="utf-8").splitlines()
        for line in lines:
            if line.startswith("--"):
                self._set(line.removeprefix("--"))

    def _set(self, assignment: str) -> None:
        name, is_given, value = assignment.partition("=")
        if not is_given:
            value = "true" if name in self._values else "false"
            name = name if name in self._values else name.removeprefix("no")
        flag = self._values[name]
        flag.parse(value)
        flag.using_default_value = False
