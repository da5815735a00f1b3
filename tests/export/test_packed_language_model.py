"""A language model that is packed with the weights goes where they go."""

import shutil

import pytest

from attention_ocr.config import Config
from attention_ocr.engines.notes import digest_of_weights
from attention_ocr.language_models.files import save_language_model
from attention_ocr.language_models.ngram import train_ngram
from attention_ocr.model_places import LANGUAGE_MODEL_FILE
from attention_ocr.reading.reader import load
from attention_ocr.work_directory import pack_model
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


def test_another_language_model_is_another_model(guided, tmp_path):
    pack_model(guided, tmp_path / "packed")
    before = digest_of_weights(tmp_path / "packed")
    save_language_model(train_ngram(["222"], 3), tmp_path / "packed" / LANGUAGE_MODEL_FILE)
    assert digest_of_weights(tmp_path / "packed") != before
