"""The training loop on a recogniser composed of layers."""

import dataclasses

import keras
import numpy as np
import pytest

from attention_ocr import layers
from attention_ocr.inference.locate import NETWORK_FILE
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.training.loop import train
from tests import tiny

V = tiny.CHARSET.vocabulary_size
WORDS = ("ab0", "c1", "23", "a", "bc", "0")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    tiny.CHARSET.save(folder)
    labels = str(tiny.write_label_file(folder, WORDS))
    return tiny.config(
        train_data=labels, eval_data=labels, charset=str(folder / "charset.txt"), steps=4
    )


def compose(**parts: object) -> Recognizer:
    keras.utils.set_random_seed(3)
    return Recognizer(
        **{
            "encoder": layers.CompactEncoder(0.25, units=(1, 1, 1)),
            "sequence": [layers.BidirectionalGRU(6), layers.BidirectionalLSTM(5)],
            "decoder": layers.AttentionDecoder(V, 12, layers.DotAttention(6, heads=2), 4),
            "ctc_head": layers.CTCHead(V),
            **parts,
        }
    )


def with_training(config, **values):
    return dataclasses.replace(config, training=dataclasses.replace(config.training, **values))


def test_a_run_starts_from_its_weights_and_leaves_it_unchanged(config, tmp_path):
    recognizer = compose()
    recognizer(tiny.random_batch())
    before = recognizer.get_weights()
    # With a tiny learning rate, a run ends with its initial weights.
    still = with_training(config, learning_rate=1e-12, average_decay=0.0, weight_decay=0.0)
    result = train(still, tmp_path, recognizer)
    assert result.step == 4
    trained = load_trained_model(tmp_path).recognizer
    for weight, own, value in zip(trained.weights, recognizer.weights, before, strict=True):
        np.testing.assert_array_equal(own, value)
        if weight.trainable:
            np.testing.assert_allclose(weight, value, atol=1e-6, err_msg=weight.path)


@pytest.mark.slow
def test_it_learns_and_resumes(config, tmp_path):
    # Without validation data, the weights of the last step are kept.
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, eval_data=""))
    train(config, str(tmp_path), compose())
    first = load_trained_model(tmp_path).recognizer.get_weights()
    network = (tmp_path / NETWORK_FILE).read_bytes()
    # Composed again, its layers have other names, which Keras numbers; none is needed.
    assert train(with_training(config, steps=6), tmp_path, compose()).step == 6
    assert train(with_training(config, steps=8), tmp_path).step == 8
    then = load_trained_model(tmp_path).recognizer.get_weights()
    assert max(np.abs(a - b).max() for a, b in zip(first, then, strict=True)) > 1e-4
    with pytest.raises(ValueError, match="holds a model with another network"):
        train(config, tmp_path, compose(sequence=[layers.BidirectionalGRU(6)]))
    assert (tmp_path / NETWORK_FILE).read_bytes() == network


def test_a_directory_of_a_model_built_from_settings_refuses_it(config, tmp_path):
    config.save(tmp_path)
    tiny.CHARSET.save(tmp_path)
    with pytest.raises(ValueError, match="holds a model with another network"):
        train(config, tmp_path, compose())


@pytest.mark.parametrize(
    ("parts", "values", "message"),
    [
        ({"decoder": None}, {}, "`attention_weight` must be 0 for a recogniser without its head"),
        ({}, {"ctc_weight": 0.0}, "`ctc_weight` must be above 0"),
        ({}, {"num_views": 2}, "`num_views` must be that of the recogniser, 1"),
        ({"encoder": layers.VGGEncoder(0.125)}, {}, "`image_height` must be divisible by 32"),
        ({}, {"precision": "bfloat16"}, "`precision` must be that in which .* float32, or auto"),
        (
            {},
            {"scheduled_sampling": "linear"},
            "`scheduled_sampling` needs a decoder with `samples_feedback`",
        ),
        ({}, {"init_from": "default"}, "`init_from` must be empty"),
        ({"ctc_head": layers.CTCHead(V + 1)}, {}, "Expected a head with a vocabulary of 11"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_settings_that_do_not_match_it_are_refused_before_anything_is_written(
    parts, values, message, config, tmp_path
):
    data = {name: getattr(config.data, name) for name in ("train_data", "eval_data", "charset")}
    other = tiny.config(**{**data, "steps": 4, **values})
    with pytest.raises(ValueError, match=message):
        train(other, tmp_path / "run", compose(**parts))
    assert not list((tmp_path / "run").glob("*.json"))


def test_a_single_head_is_trained(config, tmp_path):
    data = {"train_data": config.data.train_data, "charset": config.data.charset}
    ctc = tiny.config(**data, steps=3, attention_weight=0.0, ctc_weight=1.0, decoding="ctc")
    train(ctc, tmp_path, compose(decoder=None))
    assert load_trained_model(tmp_path).recognizer.decoder is None
