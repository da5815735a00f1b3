"""A field of the settings: its default, what it means, and the values it takes, in one place.

Flags, their help, `docs/settings.md` and the check of values are made from these fields.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from attention_ocr.settings.checks import check, check_choice

Value = TypeVar("Value")


class Limit(NamedTuple):
    """Values that a field takes.

    Attributes:
        holds: Whether a value is one of them.
        expectation: What a message says of the field, "must be above 0".
        values: The same for a table, "> 0"; empty leaves it to the meaning of the field.
    """

    holds: Callable[[Any], bool]
    expectation: str
    values: str = ""


class OpenChoices(Protocol):
    """Names that a field takes, to which other distributions may add."""

    def names(self) -> tuple[str, ...]:
        """Return the names that are known."""

    def check(self, name: str) -> None:
        """Raise `ValueError` for a name that stands for nothing."""


Choices = tuple[str, ...] | OpenChoices

POSITIVE = Limit(lambda value: value > 0, "must be above 0", "> 0")
NOT_NEGATIVE = Limit(lambda value: value >= 0, "must not be negative", "≥ 0")
FRACTION = Limit(lambda value: 0.0 <= value < 1.0, "must be at least 0 and below 1", "[0, 1)")


def at_most(most: float) -> Limit:
    """Return the limit above which no network is built, however a file of settings is damaged."""
    return Limit(lambda value: value <= most, f"must be at most {most}", f"≤ {most}")


def between(low: float, high: float, expectation: str = "") -> Limit:
    """Return the limit of a closed range.

    Args:
        low: Smallest value.
        high: Largest value.
        expectation: What a message says, in place of "must be from LOW to HIGH".
    """
    return Limit(
        lambda value: low <= value <= high,
        expectation or f"must be from {low:g} to {high:g}",
        f"[{low:g}, {high:g}]",
    )


def multiple_of(step: int) -> Limit:
    """Return the limit of multiples."""
    return Limit(lambda value: value % step == 0, f"must divide by {step}", f"multiple of {step}")


def setting(default: Value, meaning: str, *limits: Limit, choices: Choices | None = None) -> Value:
    """Return a field of a dataclass of settings.

    Args:
        default: The value without a flag.
        meaning: Help of the flag, a sentence that names its own subject: help is read out of order.
            Of a section in `Config`, its title.
        *limits: What each value must keep; the first that is broken is reported.
        choices: The names that it takes, where they can be listed.
    """
    metadata = {"meaning": meaning, "limits": limits, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


def check_fields(section: Any) -> None:
    """Refuse a section one of whose fields is outside its choices or limits.

    Raises:
        ValueError: If there is one; the message names the field and its value.
    """
    for field in dataclasses.fields(section):
        name, value = field.name, getattr(section, field.name)
        choices: Choices | None = field.metadata["choices"]
        if isinstance(choices, tuple):
            check_choice(name, value, choices)
        elif choices is not None:
            choices.check(value)
        for limit in field.metadata["limits"]:
            check(limit.holds(value), f"`{name}` {limit.expectation}.", value)


def choice_names(field: "dataclasses.Field[Any]") -> tuple[str, ...]:
    """Return the names that a field is known to take; none for a field of free values."""
    choices: Choices | None = field.metadata["choices"]
    if choices is None:
        return ()
    return choices if isinstance(choices, tuple) else choices.names()
