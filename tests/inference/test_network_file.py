"""A work directory with the layers of its model, which its settings do not describe."""

import json
import shutil

import keras
import numpy as np
import pytest

from attention_ocr import layers
from attention_ocr.inference.locate import NETWORK_FILE
from attention_ocr.inference.network_file import precision_of
from attention_ocr.inference.reader import load
from attention_ocr.inference.work_directory import (
    TrainedModel,
    load_trained_model,
    pack_model,
    save_trained_model,
)
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.text.charset import Charset
from attention_ocr.training.initial_weights import read_saved_weights
from tests import tiny, tiny_model

V = tiny.CHARSET.vocabulary_size
CONFIG = tiny.config()


def compose(**parts: object) -> Recognizer:
    """Compose what no settings describe: layers of two kinds, and an encoder of other channels."""
    recognizer = Recognizer(
        encoder=layers.CompactEncoder(0.5, channels=(16, 16, 16, 32), units=(1, 1, 1)),
        sequence=[layers.BidirectionalLSTM(8), layers.BidirectionalGRU(6)],
        decoder=layers.AttentionDecoder(V, 12, layers.AdditiveAttention(5), 4),
        ctc_head=layers.CTCHead(V),
        **parts,
    )
    recognizer(tiny.random_batch())
    random = np.random.default_rng(0)
    for weight in recognizer.weights:
        weight.assign(random.uniform(-0.5, 0.5, weight.shape) if weight.trainable else weight)
    return recognizer


@pytest.fixture(scope="module")
def recognizer():
    return compose()


@pytest.fixture
def folder(recognizer, tmp_path):
    save_trained_model(TrainedModel(CONFIG, tiny.CHARSET, recognizer), tmp_path / "own")
    return tmp_path / "own"


def test_the_model_comes_back_bit_exactly(folder, recognizer):
    config, charset, again = load_trained_model(folder)
    assert (config, charset) == (CONFIG, tiny.CHARSET)
    batch = tiny.random_batch()
    expected, received = recognizer(batch), again(batch)
    for name, value in expected.items():
        np.testing.assert_array_equal(value, received[name], err_msg=name)


def test_a_reader_and_a_packed_copy_read_alike(folder, tmp_path):
    files = tiny_model.files(3)
    expected = [reading.text for reading in load(folder).read(files)]
    pack_model(folder, tmp_path / "packed", precision="half")
    assert (tmp_path / "packed" / NETWORK_FILE).read_bytes() == (folder / NETWORK_FILE).read_bytes()
    assert [reading.text for reading in load(tmp_path / "packed").read(files)] == expected


def test_packing_another_model_over_it_leaves_no_network(folder, work_dir):
    pack_model(work_dir, folder)
    assert not (folder / NETWORK_FILE).exists()
    load_trained_model(folder)


def test_one_in_mixed_precision_is_read_in_float32(tmp_path):
    with tiny.computing_in("bfloat16"):
        mixed = compose()
    save_trained_model(TrainedModel(CONFIG, tiny.CHARSET, mixed), tmp_path)
    again = load_trained_model(tmp_path).recognizer
    assert {layer.compute_dtype for layer in again._flatten_layers()} == {"float32"}
    np.testing.assert_array_equal(again.get_weights()[0], mixed.get_weights()[0])
    as_composed = load_trained_model(tmp_path, "bfloat16").recognizer
    assert precision_of(as_composed) == "bfloat16"
    with pytest.raises(ValueError, match="computes in bfloat16, or in float32. Received: float16"):
        load_trained_model(tmp_path, "float16")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"format_version": 2, "recognizer": {}}',
        b'{"format_version": 1, "recognizer": {}}',
        b'{"format_version": 1, "recognizer": 3}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=range(9),
)
def test_a_damaged_file_is_refused_by_its_name(folder, content):
    (folder / NETWORK_FILE).write_bytes(content)
    with pytest.raises(ValueError, match=NETWORK_FILE):
        load_trained_model(folder)


def change(folder, path, value):
    """Change one value in `network.json`."""
    document = json.loads((folder / NETWORK_FILE).read_text(encoding="utf-8"))
    part = document["recognizer"]
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    (folder / NETWORK_FILE).write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("registered_name",), "elsewhere>Recognizer", "cannot be read: Could not locate class"),
        (("config", "encoder", "registered_name"), "attention_ocr>Nothing", "cannot be read: "),
        (("config", "encoder", "config", "width"), 1e6, "requires a size of 64000000"),
        (("config", "decoder", "config", "units"), 10**6, "its units requires a size of 1000000"),
        (("config", "ctc_head", "config", "vocabulary_size"), 12, "vocabulary of 11: 7 characters"),
        (("config", "sequence"), [], "belongs to another network"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_changed_file_is_refused(folder, path, value, message):
    change(folder, path, value)
    with pytest.raises(ValueError, match=message):
        load_trained_model(folder)


def test_a_layer_that_is_not_a_recogniser_is_refused(folder):
    layer = keras.saving.serialize_keras_object(keras.layers.Dense(3))
    document = {"format_version": 1, "recognizer": layer}
    (folder / NETWORK_FILE).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ValueError, match="Expected a Recognizer. Received: Dense"):
        load_trained_model(folder)


def test_code_in_a_file_is_not_run(folder):
    network = keras.layers.Lambda(lambda inputs: inputs)
    document = keras.saving.serialize_keras_object(network)
    change(folder, ("config", "ctc_head"), document)
    with pytest.raises(ValueError, match=NETWORK_FILE):
        load_trained_model(folder)


def test_other_characters_are_refused(folder):
    Charset("ab").save(folder)
    with pytest.raises(ValueError, match="Expected a head with a vocabulary of 6: 2 characters"):
        load_trained_model(folder)


def test_its_weights_are_found_to_begin_with(folder, recognizer):
    assert len(read_saved_weights(str(folder)).values) == len(recognizer.weights)


@pytest.mark.slow
def test_an_export_of_it_gives_its_weights_back(folder, recognizer, work_dir, tmp_path):
    import attention_ocr

    words = tmp_path / "words"
    shutil.copytree(work_dir / "words", words)
    labels = str(words / "labels.tsv")
    version = attention_ocr.export(folder, tmp_path / "served", check_data=labels)
    values = read_saved_weights(str(version)).values
    for weight in recognizer.weights:
        name = weight.path.split("/", 1)[1]
        np.testing.assert_array_equal(values[name], weight, err_msg=name)
