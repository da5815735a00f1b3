"""`--preset=NAME`: the network of a published system, from a flag file of the package."""

from pathlib import Path
from typing import Any

from absl import flags

FOLDER = Path(__file__).parents[1] / "presets"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.flags")))


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
        super().__init__("preset", None, "", NAMES)
        self.help = (
            "Preset of a published network (docs/presets.md); flags that follow it win. "
            f"One of: {', '.join(NAMES)}."
        )
        self._values = values

    def parse(self, argument: Any) -> None:
        super().parse(argument)
        lines = (FOLDER / f"{self.value}.flags").read_text(encoding="utf-8").splitlines()
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
