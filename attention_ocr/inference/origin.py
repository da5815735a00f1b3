"""What a reader was loaded from, so that it can be opened again: copied, or in another process."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar

from attention_ocr.inference.locate import find_model


class Origin(NamedTuple):
    """What was given to `load`.

    Attributes:
        path: The model that was found, absolute; none for the weights of the package.
        options: The other arguments, by name.
    """

    path: str | None
    options: dict[str, Any]

    def __str__(self) -> str:
        return "the weights of the package" if self.path is None else self.path


class HasOrigin(Protocol):
    """What can be opened again."""

    origin: Origin | None


P = ParamSpec("P")
Opened = TypeVar("Opened", bound=HasOrigin)


def keeping_origin(load: Callable[P, Opened]) -> Callable[P, Opened]:
    """Make what `load(path, **options)` opens know what it was opened from."""

    @functools.wraps(load)
    def opening(*args: P.args, **kwargs: P.kwargs) -> Opened:
        opened = load(*args, **kwargs)
        options: dict[str, Any] = dict(kwargs)
        path: Any = options.pop("path", None) if not args else args[0]
        # Of an export without a version: the one that was opened, even when newer ones come.
        found = None if path is None else str(Path(os.path.abspath(find_model(path))))  # noqa: PTH100
        opened.origin = Origin(found, options)
        return opened

    return opening
