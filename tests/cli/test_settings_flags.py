"""Flags and arguments of commands, and a page of the documentation, from the settings' fields."""

import argparse
import dataclasses
import types
from pathlib import Path

import pytest
from absl import flags

from attention_ocr.cli import settings_flags
from attention_ocr.cli.settings_flags import (
    SECTIONS,
    add_arguments,
    define_flags,
    fields_of,
    help_of,
    is_closed,
    settings_in_arguments,
    settings_in_flags,
)
from attention_ocr.cli.settings_page import settings_page
from attention_ocr.settings.config import Config
from attention_ocr.settings.fields import choice_names, setting

REPOSITORY = Path(__file__).parents[2]
FIELDS = {field.name: field for field in fields_of()}


def parsed(*arguments: str, overriding: bool = False) -> flags.FlagValues:
    values = flags.FlagValues()
    define_flags(values, *SECTIONS, overriding=overriding)
    values(["a command", *arguments])
    return values


@pytest.mark.parametrize("name", FIELDS)
def test_a_flag_is_its_field(name):
    flag, field = parsed()[name], FIELDS[name]
    if isinstance(field.default, tuple):
        assert flag.default == [str(item) for item in field.default]
    else:
        assert flag.default == field.default
        assert type(flag.default) is type(field.default)
    assert flag.help == help_of(field)
    assert flag.help.startswith(field.metadata["meaning"])
    # A field of an open registry takes other names as well.
    listed = choice_names(field) if is_closed(field) else ()
    assert tuple(getattr(flag.parser, "enum_values", ())) == listed


def test_flags_stand_under_the_title_of_their_section():
    groups = parsed().flags_by_module_dict()
    assert list(groups) == [
        *("Image", "Network", "Decoder", "Data"),
        *("Augmentation", "Training", "Decoding", "Second looks"),
    ]
    assert [flag.name for flag in groups["Image"]] == [
        field.name for field in dataclasses.fields(Config().image)
    ]


def test_flags_left_alone_give_the_defaults_and_those_that_override_give_nothing():
    assert Config.from_values(settings_in_flags(parsed())) == Config()
    assert settings_in_flags(parsed(overriding=True)) == {}


def test_given_flags_are_told_from_the_others():
    values = parsed("--max_length=24", "--widths=2", "--bucket_lengths=")
    expected = {"max_length": 24, "bucket_lengths": (), "widths": (2.0,)}
    assert settings_in_flags(values, given=True) == expected
    assert settings_in_flags(values, "second_looks", given=True) == {"widths": (2.0,)}


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--bucket_widths=wide", "--bucket_widths must be whole numbers. Received: ..wide.."),
        ("--widths=1.5,wide", "--widths must be numbers. Received: ..1.5., .wide.."),
    ],
)
def test_a_list_of_something_else_is_refused_by_name(argument, message):
    with pytest.raises(ValueError, match=message):
        settings_in_flags(parsed(argument))


def test_arguments_override_as_flags_do():
    parser = argparse.ArgumentParser()
    add_arguments(parser, "decoding", "Of reading.")
    add_arguments(parser, "second_looks", "Of reading again.")
    nothing = parser.parse_args([])
    assert settings_in_arguments(nothing, "decoding") == {}
    args = parser.parse_args(
        [
            "--beam_width=3",
            "--no-lexicon_ignore_case",
            "--pattern=",
            "--widths=1.5,2",
            "--decoding=ctc",
        ]
    )
    assert settings_in_arguments(args, "decoding") == {
        "decoding": "ctc",
        "beam_width": 3,
        "lexicon_ignore_case": False,
        "pattern": "",
    }
    assert settings_in_arguments(args, "second_looks") == {"widths": (1.5, 2.0)}
    with pytest.raises(ValueError, match="--widths must be numbers. Received: ..wide.."):
        settings_in_arguments(parser.parse_args(["--widths=wide"]), "second_looks")


def test_help_of_arguments_is_that_of_the_fields():
    parser = argparse.ArgumentParser()
    group = add_arguments(parser, "decoding", "Of reading.")
    shown = {action.dest: action.help.replace("%%", "%") for action in group._group_actions}
    assert shown == {field.name: help_of(field) for field in fields_of("decoding")}


def test_an_open_registry_makes_a_flag_of_text_that_lists_its_names(monkeypatch):
    registry = types.SimpleNamespace(names=lambda: ("round", "square"), check=str)
    field = dataclasses.make_dataclass(
        "Shapes", [("shape", str, setting("round", "Shape of all.", choices=registry))]
    )
    monkeypatch.setitem(
        SECTIONS, "shapes", types.SimpleNamespace(default=field(), metadata={"meaning": "Shapes"})
    )
    values = flags.FlagValues()
    settings_flags.define_flags(values, "shapes")
    values(["a command", "--shape=my.shapes:Star"])
    assert settings_in_flags(values, "shapes") == {"shape": "my.shapes:Star"}
    assert values["shape"].help == ("Shape of all. One of: round, square, or package.module:Class.")


def test_the_page_of_the_settings_is_up_to_date():
    page = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_page(), (
        "Write it again: python -m attention_ocr.cli.settings_page > docs/settings.md"
    )


@pytest.mark.parametrize("name", FIELDS)
def test_the_page_of_the_settings_has_a_row_for_each_field(name):
    (row,) = [line for line in settings_page().splitlines() if line.startswith(f"| `--{name}` |")]
    assert row.count(" | ") == 3
    assert all(f"`{choice}`" in row for choice in choice_names(FIELDS[name]))
