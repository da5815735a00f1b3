"""The plugins of `examples/plugins`: parts of another distribution, taken by name alone."""

import inspect
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from types import ModuleType

import keras
import pytest

from attention_ocr.models.build import build_recognizer, make_encoder
from tests import tiny
from tests.models import test_conformance, test_decoder_conformance
from tests.models.encoders import test_encoders

PLUGINS = Path(__file__).parents[2] / "examples" / "plugins"
SVTR = {
    "encoder": "attention_ocr_plugins.svtr:SVTREncoder",
    "encoder_options": "depths=1,2,1,local=2,head_width=8",
}
TRANSFORMER = {
    "decoder": "attention_ocr_plugins.transformer:TransformerDecoder",
    "decoder_options": "heads=4",
}
PARALLEL = TRANSFORMER | {"decoder_options": "heads=4,parallel=true"}


@pytest.fixture(scope="module", autouse=True)
def plugins_on_path():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PLUGINS)
        yield
    for name in [name for name in sys.modules if name.startswith("attention_ocr_plugins")]:
        del sys.modules[name]


def checks_of(module: ModuleType, fixtures: Collection[str]) -> list[object]:
    """Return the tests of a module of conformance that take these fixtures, as parameters."""
    checks = [
        value
        for name, value in vars(module).items()
        if name.startswith("test_") and inspect.signature(value).parameters.keys() & set(fixtures)
    ]
    assert checks
    slow = [any(mark.name == "slow" for mark in getattr(c, "pytestmark", ())) for c in checks]
    return [
        pytest.param(check, id=check.__name__, marks=pytest.mark.slow if is_slow else ())
        for check, is_slow in zip(checks, slow, strict=True)
    ]


def run_check(check: Callable[..., None], **fixtures: object) -> None:
    wanted = inspect.signature(check).parameters
    check(**{name: fixtures[name] for name in wanted})


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    encoder = make_encoder(tiny.config(**SVTR, image_height=test_encoders.HEIGHT))
    encoder(test_encoders.noise(), test_encoders.SIZES)
    test_encoders.unsettle(encoder)
    return encoder


@pytest.mark.parametrize("check", checks_of(test_encoders, ("encoder",)))
def test_the_encoder_does_what_every_encoder_does(check, encoder):
    run_check(check, encoder=encoder)


@pytest.fixture(scope="module", params=["ctc", "attention"])
def encoder_config(request):
    weights = {"ctc": {"attention_weight": 0.0}, "attention": {"ctc_weight": 0.0}}
    return tiny.config(
        **SVTR,
        **{"attention_weight": 1.0, "ctc_weight": 1.0} | weights[request.param],
        decoding=request.param,
        sequence_layers=0,
    )


@pytest.fixture(scope="module")
def encoder_recognizer(encoder_config):
    return build_recognizer(encoder_config, tiny.CHARSET)


@pytest.mark.parametrize("check", checks_of(test_conformance, ("recognizer",)))
def test_a_recogniser_with_the_encoder_conforms(
    check, encoder_config, encoder_recognizer, tmp_path
):
    run_check(
        check,
        config=encoder_config,
        recognizer=encoder_recognizer,
        batch=tiny.random_batch(),
        tmp_path=tmp_path,
    )


@pytest.fixture(scope="module", params=[TRANSFORMER, PARALLEL], ids=["stepwise", "parallel"])
def decoder_config(request):
    return tiny.config(**request.param, ctc_weight=0.0, sequence_layers=0, decoder_layers=2)


@pytest.fixture(scope="module")
def decoder_recognizer(decoder_config):
    return build_recognizer(decoder_config, tiny.CHARSET)


@pytest.mark.parametrize("check", checks_of(test_decoder_conformance, ("config", "recognizer")))
def test_a_recogniser_with_the_decoder_conforms(
    check, decoder_config, decoder_recognizer, tmp_path
):
    run_check(check, config=decoder_config, recognizer=decoder_recognizer, tmp_path=tmp_path)
