"""Lazy public names: a module exports names of other modules, which are imported on access."""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attention_ocr.distribution import explaining_missing


def public_names(
    module: str, places: Mapping[str, Iterable[str]], submodules: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a module (PEP 562).

    Args:
        module: Its name.
        places: Names by the module that defines them.
        submodules: Its public submodules.
    """
    place_of = {name: place for place, names in places.items() for name in names}
    known_submodules = frozenset(submodules)

    def find(name: str) -> Any:
        if name in known_submodules:
            with explaining_missing():
                return importlib.import_module(f"{module}.{name}")
        if name not in place_of:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        with explaining_missing():
            value = getattr(importlib.import_module(place_of[name]), name)
        # Later accesses find an ordinary attribute.
        setattr(sys.modules[module], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[module]), *place_of, *known_submodules})

    return find, names
