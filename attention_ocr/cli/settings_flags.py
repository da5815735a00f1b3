"""Flags generated from the settings fields, for absl and for argparse."""

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any

from absl import flags

from attention_ocr.settings.config import Config
from attention_ocr.settings.fields import choice_names

Field = dataclasses.Field[Any]

SECTIONS: dict[str, Any] = {section.name: section for section in dataclasses.fields(Config)}

_DEFINE: dict[type, Callable[..., Any]] = {
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
    bool: flags.DEFINE_boolean,
}
_METAVAR = {int: "N", float: "X", str: "TEXT", tuple: "LIST"}


def fields_of(*sections: str) -> list[Field]:
    """Return the fields of sections of the settings; by default of all."""
    names = sections or tuple(SECTIONS)
    return [field for name in names for field in dataclasses.fields(SECTIONS[name].default)]


def title_of(section: str) -> str:
    """Return the title of a section in help and documentation."""
    title: str = SECTIONS[section].metadata["meaning"]
    return title


def help_of(field: Field) -> str:
    """Return the help of a field: its meaning and the accepted names."""
    meaning: str = field.metadata["meaning"]
    names = ", ".join(choice_names(field))
    if not names:
        return meaning
    more = "" if is_closed(field) else ", or package.module:Class"
    return f"{meaning} One of: {names}{more}."


def is_closed(field: Field) -> bool:
    """Return whether a field accepts only listed names."""
    return isinstance(field.metadata["choices"], tuple)


def metavar_of(field: Field) -> str:
    """Return the placeholder of the value of a field in help, such as `N`."""
    return "NAME" if choice_names(field) else _METAVAR[type(field.default)]


def define_flags(values: flags.FlagValues, *sections: str, overriding: bool = False) -> None:
    """Define a flag for each field of sections of the settings.

    Args:
        values: Flags of a command, to which these are added; sections are absl's modules.
        *sections: Names of the sections.
        overriding: Whether a missing flag keeps the setting of a model instead of the default.
    """
    for section in sections:
        for field in fields_of(section):
            default: Any = None if overriding else field.default
            place: dict[str, Any] = {"flag_values": values, "module_name": title_of(section)}
            if is_closed(field):
                names = list(choice_names(field))
                flags.DEFINE_enum(field.name, default, names, help_of(field), **place)
                # absl puts the names before the help, which already lists them.
                values[field.name].help = help_of(field)
            elif isinstance(field.default, tuple):
                items = None if default is None else [str(item) for item in default]
                flags.DEFINE_list(field.name, items, help_of(field), **place)
            else:
                define = _DEFINE[type(field.default)]
                define(field.name, default, help_of(field), **place)


def settings_in_flags(
    values: flags.FlagValues, *sections: str, given: bool = False
) -> dict[str, Any]:
    """Return the settings in parsed flags, by field name.

    Args:
        values: The flags.
        *sections: Names of the sections.
        given: Whether to omit flags that were not given, instead of returning their default.

    Raises:
        ValueError: If an item of a list is not a number.
    """
    chosen = {
        field.name: _value_of(field, values[field.name].value)
        for field in fields_of(*sections)
        if values[field.name].present or not given
    }
    return {name: value for name, value in chosen.items() if value is not None}


def add_arguments(
    parser: argparse.ArgumentParser, section: str, description: str
) -> "argparse._ArgumentGroup":
    """Declare arguments that override a section of a model's settings, as a group.

    Args:
        parser: Parser of a command.
        section: Name of the section.
        description: Description of the group.

    Returns:
        The group.
    """
    group = parser.add_argument_group(title_of(section).lower(), description)
    for field in fields_of(section):
        about = help_of(field).replace("%", "%%")
        if isinstance(field.default, bool):
            action = argparse.BooleanOptionalAction
            group.add_argument(f"--{field.name}", action=action, help=about)
            continue
        group.add_argument(
            f"--{field.name}",
            type=str if isinstance(field.default, tuple) else type(field.default),
            choices=choice_names(field) if is_closed(field) else None,
            metavar=metavar_of(field),
            help=about,
        )
    return group


def settings_in_arguments(args: argparse.Namespace, section: str) -> dict[str, Any]:
    """Return the settings of a section in the arguments of a command, by field name.

    Raises:
        ValueError: If an item of a list is not a number.
    """
    chosen = {}
    for field in fields_of(section):
        value = getattr(args, field.name)
        if isinstance(field.default, tuple) and value is not None:
            value = [item for item in value.split(",") if item]
        chosen[field.name] = _value_of(field, value)
    return {name: value for name, value in chosen.items() if value is not None}


def _value_of(field: Field, value: Any) -> Any:
    """Convert the value of a flag to the type of its field."""
    if not isinstance(field.default, tuple) or value is None:
        return value
    kind = type(field.default[0])
    try:
        return tuple(kind(item) for item in value)
    except ValueError as error:
        expected = "whole numbers" if kind is int else "numbers"
        raise ValueError(f"--{field.name} must be {expected}. Received: {value}") from error
