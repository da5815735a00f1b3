"""Arrays of an n-gram model that do not fit together are refused before memory is allocated."""

import numpy as np
import pytest

from attention_ocr.language_models import ngram
from attention_ocr.language_models.files import load_language_model, save_language_model
from attention_ocr.language_models.ngram import NgramModel, train_ngram
from attention_ocr.text.charset import Charset

CHARSET = Charset("abc")
PER_CONTEXT = ("shorter", "log_backoffs")
PER_EDGE = ("log_probabilities", "targets")


@pytest.fixture
def arrays():
    return {name: np.array(value) for name, value in train_ngram(["ab", "abb", "cab"], 3).items()}


def refused(arrays, message):
    with pytest.raises(ValueError, match=message):
        NgramModel(arrays, CHARSET)


def test_the_arrays_of_a_model_fit_together(arrays):
    NgramModel(arrays, CHARSET)


@pytest.mark.parametrize("name", [*PER_CONTEXT, *PER_EDGE])
@pytest.mark.parametrize("change", ["shorter", "longer", "two-dimensional"])
def test_an_array_of_another_shape_is_named(arrays, name, change):
    value = arrays[name]
    arrays[name] = {
        "shorter": value[:-1],
        "longer": np.append(value, value[:1]),
        "two-dimensional": value[:, None],
    }[change]
    refused(arrays, f"its `{name}` should be .* Received: ")


@pytest.mark.parametrize("name", ["symbols", "targets", "shorter", "sizes"])
@pytest.mark.parametrize("value", [-1, 10**6])
def test_a_number_out_of_range_is_named(arrays, name, value):
    arrays[name] = arrays[name].astype(np.int64)
    arrays[name][-1] = value
    refused(arrays, f"its `{name}` are out of range")


def test_the_start_is_a_context(arrays):
    arrays["start"] = np.array(len(arrays["sizes"]))
    refused(arrays, "its `start` are out of range")


def test_a_shorter_context_precedes_the_longer_one(arrays):
    arrays["shorter"] = arrays["shorter"].copy()
    last = len(arrays["shorter"]) - 1
    # A chain of contexts would never end.
    arrays["shorter"][last] = last
    refused(arrays, "its `shorter` are out of range")


@pytest.mark.parametrize("change", [1, -1])
def test_sizes_add_up_to_the_edges(arrays, change):
    arrays["sizes"] = arrays["sizes"].astype(np.int64)
    place = int(arrays["sizes"].argmax())
    arrays["sizes"][place] += change
    refused(arrays, "its `sizes` are not those of its contexts")


def test_a_model_without_contexts_is_refused(arrays):
    empty = {name: arrays[name][:0] for name in ("sizes", "symbols", *PER_CONTEXT, *PER_EDGE)}
    refused({**arrays, **empty, "start": np.array(-1)}, "its `start` are out of range")


def test_contexts_of_many_characters_are_limited(arrays, monkeypatch):
    monkeypatch.setattr(ngram, "MAX_EDGES", 1)
    monkeypatch.setattr(ngram, "MAX_WORKED_OUT", 5)
    refused(arrays, r"it has \d+ contexts with many characters")


@pytest.mark.parametrize("name", ["sizes", "symbols", "characters", "kind", "start"])
def test_a_file_without_an_array_is_named(arrays, name, tmp_path):
    path = tmp_path / "model.npz"
    whole = {"kind": np.array("ngram"), **arrays}
    save_language_model(whole, path)
    load_language_model(path, CHARSET)
    del whole[name]
    save_language_model(whole, path)
    with pytest.raises(ValueError, match="Expected a language model.*model.npz"):
        load_language_model(path, CHARSET)


def test_a_model_of_other_characters_is_refused(arrays, tmp_path):
    path = tmp_path / "model.npz"
    save_language_model({"kind": np.array("ngram"), **arrays}, path)
    with pytest.raises(ValueError, match="it has no character of the recogniser"):
        load_language_model(path, Charset("xyz"))
    with pytest.raises(FileNotFoundError):
        load_language_model(tmp_path / "none.npz", CHARSET)
