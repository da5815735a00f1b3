"""A language model that is packed with the weights goes where they go."""

import shutil

import pytest

from attention_ocr.cli.main import main
from attention_ocr.inference.engines.metadata import digest_of_weights
from attention_ocr.inference.locate import LANGUAGE_MODEL_FILE
from attention_ocr.inference.reader import load
from attention_ocr.inference.work_directory import pack_model
from attention_ocr.language_models.files import save_language_model
from attention_ocr.language_models.ngram import train_ngram
from attention_ocr.settings.config import Config
from tests import tiny_model


@pytest.fixture
def guided(tmp_path):
    """A work directory that reads with a language model in a file elsewhere."""
    words = tmp_path / "words.npz"
    save_language_model(train_ngram(["abc0", "abc1"], 3), words)
    return tiny_model.write_work_dir(
        tmp_path / "work", beam_width=2, language_model=str(words), language_model_weight=3.0
    )


def texts(model, **decoding):
    return [reading.text for reading in load(model, **decoding).read(tiny_model.files(4))]


def test_a_packed_model_reads_with_its_language_model_wherever_it_lies(guided, tmp_path):
    expected = texts(guided)
    pack_model(guided, tmp_path / "packed")
    assert Config.load(tmp_path / "packed").decoding.language_model == LANGUAGE_MODEL_FILE
    (tmp_path / "words.npz").unlink()
    moved = shutil.move(tmp_path / "packed", tmp_path / "moved")
    assert texts(moved) == expected != texts(moved, language_model_weight=0.0, beam_width=1)


def test_packing_without_a_language_model_takes_an_old_one_away(guided, tmp_path):
    pack_model(guided, tmp_path / "packed")
    plain = tiny_model.write_work_dir(tmp_path / "plain")
    pack_model(plain, tmp_path / "packed")
    assert not (tmp_path / "packed" / LANGUAGE_MODEL_FILE).exists()
    assert texts(tmp_path / "packed") == texts(plain)


def test_a_model_is_packed_with_other_decoding_than_it_has(guided, tmp_path):
    plain = tiny_model.write_work_dir(tmp_path / "plain")
    options = ["--weights_only", "--beam_width=2", "--language_model_weight=3"]
    language_model = f"--language_model={tmp_path / 'words.npz'}"
    assert main(["pack", str(plain), str(tmp_path / "packed"), *options, language_model]) == 0
    assert texts(tmp_path / "packed") == texts(guided) != texts(plain)


def test_a_language_model_that_is_not_there_is_named_and_nothing_written(tmp_path, capsys):
    plain = tiny_model.write_work_dir(tmp_path / "plain")
    options = ["--weights_only", "--language_model=none.npz", "--language_model_weight=3"]
    assert main(["pack", str(plain), str(tmp_path / "packed"), *options]) == 1
    assert "none.npz" in capsys.readouterr().err
    assert not (tmp_path / "packed").exists()


def test_a_language_model_that_is_none_is_named_and_nothing_written(tmp_path, capsys):
    plain = tiny_model.write_work_dir(tmp_path / "plain")
    (tmp_path / "none.npz").write_bytes(b"no model")
    options = ["--weights_only", f"--language_model={tmp_path / 'none.npz'}"]
    arguments = ["pack", str(plain), str(tmp_path / "packed"), *options]
    assert main([*arguments, "--language_model_weight=3"]) == 1
    assert "Expected a language model" in capsys.readouterr().err
    assert not (tmp_path / "packed").exists()


def test_another_language_model_is_another_model(guided, tmp_path):
    pack_model(guided, tmp_path / "packed")
    before = digest_of_weights(tmp_path / "packed")
    save_language_model(train_ngram(["222"], 3), tmp_path / "packed" / LANGUAGE_MODEL_FILE)
    assert digest_of_weights(tmp_path / "packed") != before
