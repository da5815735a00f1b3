"""Read flag files as settings."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attention_ocr.cli.presets import FILES
from attention_ocr.settings.config import Config

CONFIGS = Path(__file__).parents[1] / "configs"
FLAG_FILE = "--flagfile="
PRESET = "--preset="


def read_flags(path: Path) -> dict[str, Any]:
    """Return the settings in a flag file, each with the type of its field.

    Flags that are not settings, such as `--work_dir`, are skipped. `--preset` is followed,
    and `--flagfile`, relative to the root of the repository.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    settings: dict[str, Any] = {}
    for line in lines:
        if line.startswith(FLAG_FILE):
            settings |= read_flags(CONFIGS.parent / line.removeprefix(FLAG_FILE))
        elif line.startswith(PRESET):
            settings |= read_flags(FILES[line.removeprefix(PRESET)])
        else:
            settings |= parse_flags([line])
    return settings


def parse_flags(lines: Iterable[str]) -> dict[str, Any]:
    """Return the settings in lines such as `--steps=100`, as `read_flags` does."""
    sections = [value for value in Config().to_dict().values() if isinstance(value, dict)]
    defaults = {name: value for section in sections for name, value in section.items()}
    settings: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.removeprefix("--").partition("=")
        if line.startswith("--") and name in defaults:
            settings[name] = _parse(value, type(defaults[name]))
    return settings


def _parse(value: str, of_type: type) -> Any:
    if of_type is bool:
        return value == "true"
    if of_type in (list, tuple):
        return tuple(int(number) for number in value.split(",") if number)
    return of_type(value)
