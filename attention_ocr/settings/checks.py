"""What the sections check: each raises a `ValueError` that names the field and the value."""

from typing import Any


def check(condition: bool, expectation: str, received: object) -> None:
    """Refuse a value that breaks an expectation."""
    if not condition:
        raise ValueError(f"{expectation} Received: {received!r}")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse what is none of the choices."""
    check(value in choices, f"`{name}` must be one of {', '.join(choices)}.", value)


def check_positive(section: Any, *names: str) -> None:
    """Refuse a section one of whose named fields is not above 0."""
    for name in names:
        check(getattr(section, name) > 0, f"`{name}` must be above 0.", getattr(section, name))


def check_at_most(section: Any, most: float, *names: str) -> None:
    """Refuse a section one of whose named fields is above what any network is built with."""
    for name in names:
        check(
            getattr(section, name) <= most,
            f"`{name}` must be at most {most}.",
            getattr(section, name),
        )


def check_not_negative(section: Any, *names: str) -> None:
    """Refuse a section one of whose named fields is below 0."""
    for name in names:
        check(
            getattr(section, name) >= 0, f"`{name}` must not be negative.", getattr(section, name)
        )


def check_fraction(section: Any, *names: str) -> None:
    """Refuse a section one of whose named fields is outside [0, 1)."""
    for name in names:
        value = getattr(section, name)
        check(0.0 <= value < 1.0, f"`{name}` must be at least 0 and below 1.", value)
