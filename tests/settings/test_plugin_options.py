import doctest

import pytest

from attention_ocr.settings import plugin_options
from attention_ocr.settings.decoder import DecoderConfig
from attention_ocr.settings.model import ModelConfig
from attention_ocr.settings.plugin_options import parse_options, typed_options


class Part:
    def __init__(
        self,
        width: float,
        depths: tuple[int, int] = (1, 2),
        scales: tuple[float, ...] = (),
        *,
        count: int = 3,
        share: float = 0.5,
        deep: bool = False,
        way: str = "mean",
        **kwargs: object,
    ) -> None:
        del kwargs


def typed(options: str) -> dict[str, object]:
    return typed_options(Part, "part_options", options, ("width",))


def test_the_example_in_the_docstring_is_true():
    results = doctest.testmod(plugin_options)
    assert (results.failed, results.attempted) == (0, 1)


def test_options_have_the_types_of_the_constructor():
    assert typed("") == {}
    values = typed("depths=3,4,count=7,share=0.25,deep=True,way=sum, of=all,scales=1,0.5")
    assert values == {
        "depths": (3, 4),
        "count": 7,
        "share": 0.25,
        "deep": True,
        "way": "sum, of=all",
        "scales": (1.0, 0.5),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("cuont=3", "may set depths, scales, count, share, deep, way of Part. Received: 'cuont'"),
        ("width=2", "may set depths, .*Received: 'width'"),
        ("kwargs=2", "Received: 'kwargs'"),
        ("count=3.5", "`count` of `part_options` must be of type int. Received: '3.5'"),
        ("deep=yes", "`deep` of `part_options` must be of type bool. Received: 'yes'"),
        ("depths=3", "`depths` .* of type tuple.int, int.. Received: '3'"),
        ("depths=3,x", "Received: '3,x'"),
    ],
)
def test_a_wrong_option_is_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        typed(options)


@pytest.mark.parametrize("options", ["deep", "=3", "count=3,count=4", "3=4"])
def test_malformed_options_are_refused(options):
    with pytest.raises(ValueError, match="`part_options` must be `key=value,...`, each key once"):
        parse_options("part_options", options)


@pytest.mark.parametrize(
    ("section", "name"),
    [
        (ModelConfig, "encoder_options"),
        (ModelConfig, "sequence_options"),
        (DecoderConfig, "decoder_options"),
        (DecoderConfig, "attention_options"),
    ],
)
def test_settings_refuse_malformed_options(section, name):
    with pytest.raises(ValueError, match=f"`{name}` must be `key=value,...`"):
        section(**{name: "deep"})
