"""Checks of settings: a `ValueError` that names the expectation and the value."""


def check(condition: bool, expectation: str, received: object) -> None:
    """Refuse a value that breaks an expectation."""
    if not condition:
        raise ValueError(f"{expectation} Received: {received!r}")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse a value that is not one of the choices."""
    check(value in choices, f"`{name}` must be one of {', '.join(choices)}.", value)
