import numpy as np
import pytest

import attention_ocr
from attention_ocr.cli.main import main
from attention_ocr.inference.averaging import average_models
from attention_ocr.inference.work_directory import WEIGHTS_FILE, read_weights, save_weights
from attention_ocr.settings.config import Config
from attention_ocr.settings.formats import FILES
from attention_ocr.text.charset import Charset
from tests import tiny_model


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return tiny_model.write_work_dir(tmp_path_factory.mktemp("model") / "first", joint_weight=0.25)


@pytest.fixture(scope="module")
def second(tmp_path_factory, first):
    """A model of the same network with other weights and settings of reading."""
    folder = tiny_model.write_work_dir(tmp_path_factory.mktemp("model") / "second")
    values = read_weights(first / WEIGHTS_FILE)
    save_weights({name: value + 0.5 for name, value in values.items()}, folder / WEIGHTS_FILE)
    return folder


@pytest.mark.parametrize(
    ("arguments", "share"),
    [([], 0.5), (["--shares", "3", "1"], 0.25), (["--shares", "1", "9"], 0.9)],
)
def test_the_weights_are_the_mean_and_the_settings_those_of_the_first(
    first, second, tmp_path, capsys, arguments, share
):
    target = tmp_path / "mean"
    assert main(["average", str(first), str(second), str(target), *arguments]) == 0
    assert capsys.readouterr().out.startswith(f"{target / WEIGHTS_FILE}: 0.")
    before, mean = (read_weights(folder / WEIGHTS_FILE) for folder in (first, target))
    assert mean.keys() == before.keys()
    for name, value in mean.items():
        assert value.dtype == before[name].dtype
        np.testing.assert_allclose(value, before[name] + share * 0.5, atol=1e-6, err_msg=name)
    assert Config.load(target).decoding == Config.load(first).decoding
    assert len(attention_ocr.load(target).read(tiny_model.images(2))) == 2


def test_a_file_of_other_weights_does_not_stay(first, second, tmp_path):
    target = tmp_path / "mean"
    target.mkdir()
    (target / FILES["litert_int8"]).write_bytes(b"older")
    average_models([first, second], target)
    assert not (target / FILES["litert_int8"]).exists()
    assert main(["pack", str(target), str(tmp_path / "small"), "--weights_only"]) == 0


def test_the_mean_of_a_bundled_model_with_itself_is_that_model(tmp_path):
    assert main(["average", "default", "default", str(tmp_path / "mean")]) == 0
    reader = attention_ocr.load(tmp_path / "mean")
    assert reader.config.decoding.language_model_weight == 0.6
    original = read_weights(attention_ocr.inference.locate.BUNDLED_WEIGHTS / WEIGHTS_FILE)
    for name, value in read_weights(tmp_path / "mean" / WEIGHTS_FILE).items():
        np.testing.assert_array_equal(value, original[name], err_msg=name)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"decoder_units": 24}, r"network of .*first, whose `.*` is \(.*Received: .*other"),
        ({"charset": Charset("abcdefghi")}, "characters of .*first. Received: .*other with others"),
    ],
)
def test_a_model_of_another_network_is_refused_by_its_name(first, tmp_path, settings, message):
    other = tiny_model.write_work_dir(tmp_path / "other", **settings)
    with pytest.raises(ValueError, match=message):
        average_models([first, other], tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_what_has_no_mean_is_refused(first, second, tmp_path):
    target = tmp_path / "mean"
    for sources, shares, message in (
        ([first], [], "two or more models.*Received: 1 models"),
        ([first, second], [1.0], "as many shares.*Received: 2 models, 1 shares"),
        ([first, second], [1.0, 0.0], "shares above 0. Received: 1.0, 0.0"),
        ([first, second], [1.0, float("nan")], "shares above 0. Received: 1.0, nan"),
        ([first, tmp_path / "missing"], [], "missing"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            average_models(sources, target, shares)
        assert not target.exists()
    with pytest.raises(ValueError, match="another directory for the mean. Received: .*second"):
        average_models([first, second], second)
