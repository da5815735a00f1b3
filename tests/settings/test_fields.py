"""Each field of the settings says itself what it means and which values it takes."""

import dataclasses

import numpy as np
import pytest

from attention_ocr.settings.config import Config
from attention_ocr.settings.fields import (
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    at_most,
    between,
    check_fields,
    choice_names,
    multiple_of,
    setting,
)
from attention_ocr.settings.image import ImageConfig

SECTIONS = {field.name: field.default for field in dataclasses.fields(Config)}
FIELDS = {
    field.name: field for section in SECTIONS.values() for field in dataclasses.fields(section)
}


class Registry:
    def names(self) -> tuple[str, ...]:
        return ("round", "square")

    def check(self, name: str) -> None:
        if name not in self.names() and ":" not in name:
            raise ValueError(f"No such shape. Received: {name!r}")


@dataclasses.dataclass(frozen=True)
class Shapes:
    size: int = setting(16, "Size.", POSITIVE, at_most(64), multiple_of(4))
    share: float = setting(0.0, "Share.", FRACTION)
    weight: float = setting(0.0, "Weight.", NOT_NEGATIVE)
    strength: float = setting(1.0, "Strength.", between(0.5, 4.0))
    color: str = setting("red", "Color.", choices=("red", "blue"))
    shape: str = setting("round", "Shape.", choices=Registry())

    def __post_init__(self) -> None:
        check_fields(self)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 0}, "`size` must be above 0. Received: 0"),
        ({"size": 68}, "`size` must be at most 64. Received: 68"),
        ({"size": 18}, "`size` must be a multiple of 4. Received: 18"),
        ({"share": 1.0}, "`share` must be at least 0 and below 1. Received: 1.0"),
        ({"share": float("nan")}, "`share` must be at least 0 and below 1. Received: nan"),
        ({"weight": -0.5}, "`weight` must not be negative. Received: -0.5"),
        ({"strength": 4.5}, "`strength` must be from 0.5 to 4. Received: 4.5"),
        ({"color": "green"}, "`color` must be one of red, blue. Received: 'green'"),
        ({"shape": "flat"}, "No such shape. Received: 'flat'"),
    ],
)
def test_a_value_outside_its_limits_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Shapes(**values)


def test_values_within_their_limits_are_kept():
    shapes = Shapes(size=64, strength=4.0, color="blue", shape="my.shapes:Star")
    assert dataclasses.astuple(shapes) == (64, 0.0, 0.0, 4.0, "blue", "my.shapes:Star")
    assert Shapes.size == 16


def test_names_come_from_a_tuple_and_from_a_registry():
    fields = {field.name: field for field in dataclasses.fields(Shapes)}
    assert choice_names(fields["color"]) == ("red", "blue")
    assert choice_names(fields["shape"]) == ("round", "square")
    assert choice_names(fields["size"]) == ()


def test_the_default_of_a_field_is_that_of_the_class():
    assert ImageConfig.image_height == ImageConfig().image_height == 32


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_explains_itself_in_sentences(name):
    meaning = FIELDS[name].metadata["meaning"]
    assert meaning[0].isupper()
    assert meaning.endswith(".")


def test_no_two_fields_have_the_same_meaning():
    meanings = [field.metadata["meaning"] for field in FIELDS.values()]
    assert len(set(meanings)) == len(meanings)


@pytest.mark.parametrize("name", SECTIONS)
def test_the_docstring_of_a_section_repeats_no_field(name):
    documented = type(SECTIONS[name]).__doc__
    assert "Args:" not in documented
    assert "Attributes:" not in documented


TYPED_FIELDS = [
    pytest.param(type(section), field, id=field.name)
    for section in SECTIONS.values()
    for field in dataclasses.fields(section)
]
WRONG = {
    bool: [1, "true", None],
    int: ["1", 1.5, True, None, float("nan")],
    float: ["1", True, None, float("nan")],
    str: [1, b"text", None],
    tuple: [1, "1,2", None],
}


@pytest.mark.parametrize(("section", "field"), TYPED_FIELDS)
def test_a_value_of_another_type_is_refused_by_the_name_of_its_field(section, field):
    for value in WRONG[type(field.default)]:
        with pytest.raises(ValueError, match=f"`{field.name}`"):
            section(**{field.name: value})


@pytest.mark.parametrize(("section", "field"), TYPED_FIELDS)
def test_the_default_of_a_field_is_of_its_type(section, field):
    assert getattr(section(), field.name) == field.default
    assert type(field.default) in WRONG


def test_what_was_expected_and_received_is_said():
    with pytest.raises(ValueError, match="`image_height` must be a whole number. Received: '32'"):
        Config.from_values({"image_height": "32"})
    with pytest.raises(ValueError, match="`beam_width` must be a whole number. Received: True"):
        Config().with_decoding({"beam_width": True})


def test_numbers_of_numpy_and_paths_serve_as_values(tmp_path):
    values = {"image_height": np.int64(48), "learning_rate": np.float32(0.5), "dropout": 0}
    config = Config.from_values(values | {"init_from": tmp_path})
    assert config.image.image_height == 48
    assert config.training.learning_rate == 0.5
    assert config.model.dropout == 0
