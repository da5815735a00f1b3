"""A settings field: its default, meaning and allowed values in one place.

Flags, their help, `docs/settings.md` and validation are generated from these fields.
"""

import dataclasses
import numbers
import os
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from attention_ocr.settings.checks import check, check_choice

Value = TypeVar("Value")


class Limit(NamedTuple):
    """A limit on the values of a field.

    Attributes:
        holds: Whether a value is within the limit.
        expectation: Predicate of the error message, "must be above 0".
        values: The same for a table, "> 0"; empty if the meaning of the field says it.
    """

    holds: Callable[[Any], bool]
    expectation: str
    values: str = ""


class OpenChoices(Protocol):
    """Names that a field accepts, to which other distributions may add."""

    def names(self) -> tuple[str, ...]:
        """Return the known names."""

    def check(self, name: str) -> None:
        """Raise `ValueError` for an unknown name."""


Choices = tuple[str, ...] | OpenChoices

POSITIVE = Limit(lambda value: value > 0, "must be above 0", "> 0")
NOT_NEGATIVE = Limit(lambda value: value >= 0, "must not be negative", "≥ 0")
FRACTION = Limit(lambda value: 0.0 <= value < 1.0, "must be at least 0 and below 1", "[0, 1)")


def at_most(most: float) -> Limit:
    """Return an upper limit, which also keeps damaged settings from building a huge network."""
    return Limit(lambda value: value <= most, f"must be at most {most}", f"≤ {most}")


def between(low: float, high: float, expectation: str = "") -> Limit:
    """Return the limit of a closed range.

    Args:
        low: Smallest value.
        high: Largest value.
        expectation: Predicate of the error message; by default "must be from LOW to HIGH".
    """
    return Limit(
        lambda value: low <= value <= high,
        expectation or f"must be from {low:g} to {high:g}",
        f"[{low:g}, {high:g}]",
    )


def multiple_of(step: int) -> Limit:
    """Return the limit to multiples."""
    expectation = f"must be a multiple of {step}"
    return Limit(lambda value: value % step == 0, expectation, f"multiple of {step}")


def setting(default: Value, meaning: str, *limits: Limit, choices: Choices | None = None) -> Value:
    """Return a field of a dataclass of settings.

    Args:
        default: Default value.
        meaning: Help of the flag, a sentence that names its own subject: help is read out of order.
            The title, for a section of `Config`.
        *limits: Limits on the value; the first violated one is reported.
        choices: Accepted names, where they can be listed.
    """
    metadata = {"meaning": meaning, "limits": limits, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


def check_fields(section: Any) -> None:
    """Validate the fields of a section against their types, choices and limits.

    Raises:
        ValueError: If a field violates them; the message names the field and its value.
    """
    for field in dataclasses.fields(section):
        name, value = field.name, getattr(section, field.name)
        _check_type(name, value, type(field.default))
        choices: Choices | None = field.metadata["choices"]
        if isinstance(choices, tuple):
            check_choice(name, value, choices)
        elif choices is not None:
            choices.check(value)
        for limit in field.metadata["limits"]:
            check(limit.holds(value), f"`{name}` {limit.expectation}.", value)


_KINDS: dict[type, tuple[str, tuple[type, ...]]] = {
    bool: ("a bool", (bool,)),
    int: ("a whole number", (numbers.Integral,)),
    float: ("a number", (numbers.Real,)),
    str: ("a str", (str, os.PathLike)),
    tuple: ("a tuple", (tuple, list)),
}
"""Name and types of the values of a setting, by the type of its default."""


def _check_type(name: str, value: object, kind: type) -> None:
    title, types = _KINDS[kind]
    # In Python, a bool is a whole number.
    is_other_bool = isinstance(value, bool) and kind is not bool
    check(isinstance(value, types) and not is_other_bool, f"`{name}` must be {title}.", value)


def choice_names(field: "dataclasses.Field[Any]") -> tuple[str, ...]:
    """Return the known names of a field; none for a field of free values."""
    choices: Choices | None = field.metadata["choices"]
    if choices is None:
        return ()
    return choices if isinstance(choices, tuple) else choices.names()
