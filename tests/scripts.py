"""Scripts outside the package, opened as modules."""

import importlib.util
from pathlib import Path
from types import ModuleType

CONFIGS = Path(__file__).parents[1] / "configs"


def open_script(name: str) -> ModuleType:
    """Return a script of `configs/` as a module."""
    spec = importlib.util.spec_from_file_location(name, CONFIGS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
