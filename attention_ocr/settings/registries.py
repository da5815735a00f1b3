"""Registries: the components that a setting can name, here or in another distribution.

A name is one of the package's own; an entry point of an installed distribution, in the group
`attention_ocr.encoders` for an encoder; or a place, `package.module:Class`. Nothing is imported
before a component is used, so that settings can be read where a plugin is not installed.
"""

import functools
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from attention_ocr.settings.checks import check

_IDENTIFIER = r"[^\W\d]\w*"
PLACE = re.compile(rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*:{_IDENTIFIER}")
"""The place of a class or a function: `package.module:Class`."""


@dataclass(frozen=True, eq=False)
class Registry:
    """The components of one kind, by name. Iterating yields the names of the package's own.

    Args:
        kind: Name of the kind and of its group of entry points: `encoders` for
            `attention_ocr.encoders`.
        setting: Name of the setting with these values, for messages.
        built_in: Place of each of the package's own components, by name.
        base: Place of the required base class; empty for functions.
    """

    kind: str
    setting: str
    built_in: Mapping[str, str] = field(repr=False)
    base: str = ""

    def __iter__(self) -> Iterator[str]:
        return iter(self.built_in)

    def __len__(self) -> int:
        return len(self.built_in)

    def __contains__(self, name: object) -> bool:
        return name in self.built_in

    @property
    def group(self) -> str:
        """The group in which other distributions declare entry points."""
        return f"attention_ocr.{self.kind}"

    def names(self) -> tuple[str, ...]:
        """Return the package's own names, then those of installed distributions."""
        others = sorted({point.name for point in _entry_points(self.group)} - set(self.built_in))
        return (*self.built_in, *others)

    def check(self, name: str) -> None:
        """Refuse a value that is neither a name nor a place. Nothing is imported.

        Raises:
            ValueError: If the name is unknown; the message lists the choices.
        """
        if name in self.built_in or PLACE.fullmatch(name):
            return
        names = self.names()
        written = "package.module:Class" if self.base else "package.module:function"
        check(
            name in names,
            f"`{self.setting}` must be `{written}`, or one of {', '.join(names)}.",
            name,
        )

    def place(self, name: str) -> str:
        """Return the value to save: the place of an entry point, or the name itself.

        A model can then be read where the distribution that declares the name is not installed,
        unless the component itself is needed.

        Raises:
            ValueError: If two distributions declare the name for different components.
        """
        if name in self.built_in:
            return name
        places = {
            f"{point.module}:{point.attr}"
            for point in _entry_points(self.group)
            if point.name == name
        }
        check(
            len(places) < 2,
            f"`{self.setting}` must be unambiguous, and several distributions declare {name!r}; "
            f"write one of {', '.join(sorted(places))}.",
            name,
        )
        return places.pop() if places else name

    def resolve(self, name: str) -> Any:
        """Import a component.

        Returns:
            The class, a subclass of `base`; without a `base` the function.

        Raises:
            ImportError: If the package is not installed.
            ValueError: If the name is unknown, the module has no such class or function, or it is
                not of this kind.
        """
        self.check(name)
        place = self.place(name)
        found = self._load(self.built_in.get(place, place))
        if not self.base:
            check(callable(found), f"`{self.setting}` must name a function.", name)
            return found
        base = self._load(self.base)
        check(
            isinstance(found, type) and issubclass(found, base),
            f"`{self.setting}` must name a subclass of {base.__module__}.{base.__qualname__}.",
            name,
        )
        return found

    def _load(self, place: str) -> Any:
        module_name, _, attribute = place.partition(":")
        try:
            module = import_module(module_name)
        except ModuleNotFoundError as error:
            # A failed import inside the plugin keeps its own message.
            if not f"{module_name}.".startswith(f"{error.name}."):
                raise
            raise ImportError(
                f"`{self.setting}={place}` needs the module {error.name}: install its package, or "
                "add its folder to PYTHONPATH. Received: no such module",
                name=error.name,
            ) from error
        check(
            hasattr(module, attribute),
            f"`{self.setting}` must name a {'class' if self.base else 'function'} of the module "
            f"{module_name}.",
            attribute,
        )
        return getattr(module, attribute)


def write_out_places(section: Any, **registry_of: Registry) -> None:
    """Check fields of a frozen section, and replace names of entry points by their places.

    Args:
        section: A dataclass in its `__post_init__`.
        **registry_of: Registry of each field.

    Raises:
        ValueError: If a registry refuses the value of its field.
    """
    for name, registry in registry_of.items():
        registry.check(getattr(section, name))
        object.__setattr__(section, name, registry.place(getattr(section, name)))


def _entry_points(group: str) -> tuple[EntryPoint, ...]:
    return _entry_points_on(tuple(sys.path)).get(group, ())


@functools.lru_cache(maxsize=4)
def _entry_points_on(path: tuple[str, ...]) -> dict[str, tuple[EntryPoint, ...]]:
    """Return the entry points for this package, by group; searched for once per `sys.path`."""
    del path
    found: dict[str, tuple[EntryPoint, ...]] = {}
    points = entry_points()
    for group in points.groups:
        if group.startswith("attention_ocr."):
            found[group] = tuple(points.select(group=group))
    return found
