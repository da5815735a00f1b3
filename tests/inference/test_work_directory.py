import os
import re
import shutil

import numpy as np
import pytest

from attention_ocr.inference.work_directory import (
    WEIGHTS_FILE,
    load_trained_model,
    load_weights,
    save_weights,
    weight_values,
)
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.text.charset import CHARSET_FILE, Charset
from tests import tiny


@pytest.fixture(scope="module")
def recognizer():
    return tiny.recognizer(seed=5)


@pytest.fixture
def copy(work_dir, tmp_path):
    """A work directory that may be changed."""
    for name in (CONFIG_FILE, CHARSET_FILE, WEIGHTS_FILE):
        shutil.copy(work_dir / name, tmp_path / name)
    return tmp_path


def test_a_model_comes_back_from_its_directory(work_dir):
    model = load_trained_model(work_dir)
    assert model.config == Config.load(work_dir)
    assert model.charset == tiny.CHARSET
    with np.load(work_dir / WEIGHTS_FILE) as saved:
        values = weight_values(model.recognizer)
        assert values.keys() == set(saved.files)
        for name in saved.files:
            np.testing.assert_array_equal(values[name], saved[name])


@pytest.mark.parametrize("name", [CONFIG_FILE, CHARSET_FILE, WEIGHTS_FILE])
def test_a_directory_that_lacks_a_file_is_no_model(name, copy):
    (copy / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{re.escape(str(copy))} .*has no {name}"):
        load_trained_model(copy)


def test_a_directory_that_is_not_there_is_no_model(tmp_path):
    with pytest.raises(FileNotFoundError, match="No trained model found: .*typo has no"):
        load_trained_model(tmp_path / "typo")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_weights_cut_short_are_refused_by_their_name(share, recognizer, copy):
    path = copy / WEIGHTS_FILE
    os.truncate(path, int(share * path.stat().st_size))
    with pytest.raises(ValueError, match=f"{WEIGHTS_FILE} is damaged"):
        load_weights(recognizer, path)


def test_weights_with_a_flipped_byte_are_refused(recognizer, copy):
    path = copy / WEIGHTS_FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{WEIGHTS_FILE} is damaged"):
        load_weights(recognizer, path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ctc_head/bias": None}, r"`ctc_head/bias` should be .11,.. Received: nothing"),
        ({"head/bias": np.zeros(3)}, r"`head/bias` should be nothing. Received: .3,."),
        ({"ctc_head/bias": np.zeros(3)}, r"`ctc_head/bias` should be .11,.. Received: .3,."),
    ],
)
def test_weights_of_another_network_are_refused_and_change_nothing(
    change, message, recognizer, tmp_path
):
    before = weight_values(recognizer)
    values = {name: value + 1.0 for name, value in before.items()} | change
    values = {name: value for name, value in values.items() if value is not None}
    save_weights(values, tmp_path / WEIGHTS_FILE)
    with pytest.raises(ValueError, match=f"{WEIGHTS_FILE} belongs to another network: {message}"):
        load_weights(recognizer, tmp_path / WEIGHTS_FILE)
    for name, value in weight_values(recognizer).items():
        np.testing.assert_array_equal(value, before[name])


def test_weights_of_another_charset_are_refused(copy):
    Charset("abc012").save(copy)
    with pytest.raises(ValueError, match="belongs to another network: `ctc_head/bias`"):
        load_trained_model(copy)


def test_saving_that_fails_leaves_the_old_weights(recognizer, copy, monkeypatch):
    before = (copy / WEIGHTS_FILE).read_bytes()

    def fill_the_disk(file, **_: object) -> None:
        file.write(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fill_the_disk)
    with pytest.raises(OSError, match="No space left"):
        save_weights(weight_values(recognizer), copy / WEIGHTS_FILE)
    assert (copy / WEIGHTS_FILE).read_bytes() == before
    assert sorted(path.name for path in copy.iterdir()) == [CHARSET_FILE, CONFIG_FILE, WEIGHTS_FILE]


def test_names_of_weights_tell_all_of_them_apart(recognizer):
    values = weight_values(recognizer)
    assert len(values) == len(recognizer.weights)
    assert not any(name.startswith("recognizer/") for name in values)
    assert values["decoder/output/kernel"].shape == (32, 11)
