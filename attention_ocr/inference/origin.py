"""The origin of a reader, from which it is reopened when copied or sent to another process."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar

from attention_ocr.inference.locate import find_model


class Origin(NamedTuple):
    """The arguments of `load`.

    Attributes:
        path: Absolute path of the model; None for the bundled model.
        options: The other arguments, by name.
    """

    path: str | None
    options: dict[str, Any]

    def __str__(self) -> str:
        return "the bundled model" if self.path is None else self.path


class HasOrigin(Protocol):
    """An object that can be reopened."""

    origin: Origin | None


P = ParamSpec("P")
Opened = TypeVar("Opened", bound=HasOrigin)


def keeping_origin(load: Callable[P, Opened]) -> Callable[P, Opened]:
    """Decorate `load(path, **options)` to set the origin of the opened object."""

    @functools.wraps(load)
    def opening(*args: P.args, **kwargs: P.kwargs) -> Opened:
        opened = load(*args, **kwargs)
        options: dict[str, Any] = dict(kwargs)
        path: Any = options.pop("path", None) if not args else args[0]
        # For an export, the version that was opened, even if newer ones are added.
        found = None if path is None else str(Path(os.path.abspath(find_model(path))))  # noqa: PTH100
        opened.origin = Origin(found, options)
        return opened

    return opening
