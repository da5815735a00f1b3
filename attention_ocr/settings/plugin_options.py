"""Additional options of a component: `key=value,...`, typed by its constructor's signature."""

import inspect
import re
import typing
from collections.abc import Callable, Collection
from typing import Any

from attention_ocr.settings.checks import check

# Only a comma before `key=` ends a value, so that a value may hold commas.
_OPTION = re.compile(r",(?=[^\W\d]\w*=)")
_TRUTH_VALUES = {"true": True, "false": False}
_PARSERS: dict[Any, Callable[[str], Any]] = {
    bool: lambda value: _TRUTH_VALUES[value.lower()],
    int: int,
    float: float,
    str: str,
}


def parse_options(setting: str, options: str) -> dict[str, str]:
    """Parse options `key=value,...`.

    Args:
        setting: Name of the setting, for messages.
        options: Its value; empty for none.

    Raises:
        ValueError: If an entry is not `key=value`, or a key is given twice.

    Example:
        >>> parse_options("encoder_options", "depths=1,2,1,local=2")
        {'depths': '1,2,1', 'local': '2'}
    """
    parsed: dict[str, str] = {}
    for part in _OPTION.split(options) if options else ():
        key, is_given, value = part.partition("=")
        check(
            bool(is_given) and key.isidentifier() and key not in parsed,
            f"`{setting}` must be `key=value,...`, each key once.",
            options,
        )
        parsed[key] = value
    return parsed


def typed_options(
    part: type, setting: str, options: str, settings: Collection[str] = ()
) -> dict[str, Any]:
    """Return options as keyword arguments of a component's constructor.

    Args:
        part: The class. Its constructor annotates each option as `bool`, `int`, `float`, `str`,
            or a tuple of one of these, which is written with commas.
        setting: Name of the setting, for messages.
        options: Its value.
        settings: Constructor arguments that have their own setting.

    Raises:
        ValueError: If the constructor has no such option, or a value has the wrong type.
    """
    given = parse_options(setting, options)
    if not given:
        return {}
    hints = typing.get_type_hints(part.__init__)  # type: ignore[misc]
    known = [
        name
        for name, parameter in inspect.signature(part.__init__).parameters.items()  # type: ignore[misc]
        if name not in ("self", *settings)
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    unknown = sorted(set(given) - set(known))
    check(
        not unknown,
        f"`{setting}` may set {', '.join(known) or 'nothing'} of {part.__name__}.",
        ", ".join(unknown),
    )
    return {key: _typed(setting, key, value, hints.get(key, str)) for key, value in given.items()}


def _typed(setting: str, key: str, value: str, hint: Any) -> Any:
    is_tuple = typing.get_origin(hint) is tuple
    kinds = [kind for kind in typing.get_args(hint) if kind is not Ellipsis] if is_tuple else [hint]
    parts = value.split(",") if is_tuple else [value]
    fixed_length = is_tuple and Ellipsis not in typing.get_args(hint)
    wanted = hint if is_tuple else getattr(hint, "__name__", hint)
    try:
        if fixed_length and len(parts) != len(kinds):
            raise ValueError
        typed = [_PARSERS[kinds[0]](part) for part in parts]
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"`{key}` of `{setting}` must be of type {wanted}. Received: {value!r}"
        ) from error
    return tuple(typed) if is_tuple else typed[0]
