"""Requirements on every encoder with every head and sequence model."""

import dataclasses
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.context import prepare_decoding
from attention_ocr.inference.recognize import RecognitionOutput, recognize
from attention_ocr.inference.work_directory import (
    TrainedModel,
    load_weights,
    save_weights,
    weight_values,
)
from attention_ocr.models.build import build_recognizer
from attention_ocr.models.losses import recognition_loss
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.settings.decoding import DECODINGS
from attention_ocr.settings.model import COORDINATES, ENCODERS, RECTIFIERS, SEQUENCE_CELLS
from attention_ocr.training.step import Batch
from tests import tiny, tiny_model

CHOICES = {
    "encoder": tuple(ENCODERS),
    "decoding": DECODINGS,
    "num_views": (1, 2),
    "rectifier": RECTIFIERS,
    "coordinates": COORDINATES,
    "sequence_cell": tuple(SEQUENCE_CELLS),
}
COMPACT = {
    "encoder": "compact",
    "coordinates": "none",
    "sequence_cell": "lstm",
    "rectifier": "none",
    "num_views": 1,
}
KINDS = [
    # All combinations with one encoder, and each head once with every other choice.
    *(
        COMPACT | {"sequence_layers": sequence_layers, "decoding": decoding}
        for sequence_layers, decoding in itertools.product((0, 1), DECODINGS)
    ),
    *(
        COMPACT | {name: choice, "sequence_layers": sequence_layers, "decoding": decoding}
        for name in COMPACT
        for choice in CHOICES[name]
        if choice != COMPACT[name]
        # Without sequence layers there is no cell.
        for sequence_layers, decoding in ((1, "attention"), (int(name == "sequence_cell"), "ctc"))
    ),
]


def param(kind):
    """Leave CTC with other choices than `COMPACT` to the slow tests."""
    is_quick = kind["decoding"] != "ctc" or COMPACT.items() <= kind.items()
    return pytest.param(
        kind, id="-".join(map(str, kind.values())), marks=[] if is_quick else pytest.mark.slow
    )


@pytest.fixture(scope="module", params=map(param, KINDS))
def config(request):
    # Each head without the other.
    weights = {"attention": {"ctc_weight": 0.0}, "ctc": {"attention_weight": 0.0}, "joint": {}}
    return tiny.config(
        **{"ctc_weight": 1.0, "attention_weight": 1.0} | weights[request.param["decoding"]],
        **request.param,
        **tiny.OF_ENCODER.get(request.param["encoder"], {}),
    )


@pytest.fixture(scope="module")
def batch(config):
    batch = tiny.random_batch(height=config.image.image_height)
    return batch | {"images": tf.concat([batch["images"]] * config.image.num_views, axis=1)}


@pytest.fixture(scope="module")
def recognizer(config):
    return build_recognizer(config, tiny.CHARSET)


def read(recognizer: Recognizer, config: Config, batch: Batch) -> RecognitionOutput:
    decoding = prepare_decoding(config, tiny.CHARSET)
    return recognize(recognizer, decoding, batch["images"], batch["image_sizes"])


def train_a_step(recognizer: Recognizer, batch: Batch, optimizer: keras.Optimizer) -> float:
    with tf.GradientTape() as tape:
        losses = recognition_loss(
            recognizer(batch, training=True),
            batch,
            attention_weight=1.0,
            ctc_weight=1.0,
            label_smoothing=0.0,
        )
    gradients = tape.gradient(losses["loss"], recognizer.trainable_variables)
    optimizer.apply(gradients, recognizer.trainable_variables)
    return float(losses["loss"])


def test_one_step_lowers_the_loss(recognizer, batch):
    optimizer = keras.optimizers.SGD(0.01)
    before = train_a_step(recognizer, batch, optimizer)
    after = train_a_step(recognizer, batch, optimizer)
    assert np.isfinite(before)
    assert after < before


def test_decoding_gives_a_text_a_confidence_and_a_position_for_each_character(
    recognizer, config, batch
):
    recognition = read(recognizer, config, batch)
    length = config.model.max_length
    assert recognition.text.shape == recognition.confidence.shape == (4,)
    assert recognition.character_confidences.shape == (4, length)
    rows = 1 if config.model.sequence_layers or config.decoding.decoding == "ctc" else None
    rows = rows or config.image.image_height // recognizer.encoder.stride[0]
    columns = config.image.num_views * 48 // recognizer.encoder.stride[1]
    assert recognition.attention.shape == (4, length, rows, columns)
    for text, confidence, confidences, attention in zip(*recognition[:4], strict=True):
        num_characters = len(text.numpy().decode("utf-8"))
        assert 0.0 <= float(confidence) <= 1.0
        assert np.count_nonzero(confidences) == num_characters
        sums = attention.numpy().sum(axis=(1, 2))
        np.testing.assert_allclose(sums[:num_characters], 1.0, atol=1e-4)
        np.testing.assert_array_equal(sums[num_characters:], 0.0)


def test_saved_weights_give_the_same_predictions_in_another_recogniser(
    recognizer, config, batch, tmp_path
):
    save_weights(weight_values(recognizer), tmp_path / "weights.npz")
    training = dataclasses.replace(config.training, seed=9)
    other = build_recognizer(dataclasses.replace(config, training=training), tiny.CHARSET)
    expected = read(recognizer, config, batch)
    before = read(other, config, batch)
    difference = before.character_confidences - expected.character_confidences
    assert np.abs(difference).max() > 1e-6
    load_weights(other, tmp_path / "weights.npz")
    for value, reference in zip(read(other, config, batch)[:4], expected[:4], strict=True):
        np.testing.assert_array_equal(value, reference)


@pytest.mark.slow
def test_an_export_reads_as_the_model_in_memory(recognizer, config, tmp_path):
    tiny_model.check_export(TrainedModel(config, tiny.CHARSET, recognizer), tmp_path / "export")


@pytest.mark.parametrize("name", CHOICES)
def test_every_registered_choice_is_tested(name):
    assert {kind[name] for kind in KINDS} == set(CHOICES[name])
