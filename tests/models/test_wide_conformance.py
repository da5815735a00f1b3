"""The same checks for each rectifier with each encoder, sequence model and head."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.context import prepare_decoding
from attention_ocr.inference.recognize import recognize
from attention_ocr.inference.work_directory import (
    TrainedModel,
    load_weights,
    save_weights,
    weight_values,
)
from attention_ocr.models.build import build_recognizer
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.settings.decoder import ATTENTIONS
from attention_ocr.settings.decoding import DECODINGS
from attention_ocr.settings.model import COORDINATES, ENCODERS, RECTIFIERS, SEQUENCE_CELLS
from attention_ocr.training.losses import make_loss
from attention_ocr.training.step import Batch
from tests import tiny

SEQUENCES = {
    "none": {"sequence_layers": 0, "coordinates": "one_hot"},
    "lstm": {"sequence_cell": "lstm", "coordinates": "none"},
    "gru": {"sequence_cell": "gru", "sequence_layers": 2, "coordinates": "sinusoidal"},
}
ATTENTION_ALONE = {"ctc_weight": 0.0, "decoding": "attention"}
READERS = {
    "additive": ATTENTION_ALONE | {"attention": "additive", "feedback": "one_hot"},
    "location": ATTENTION_ALONE | {"attention": "location", "decoder_cell": "gru"},
    "dot": ATTENTION_ALONE | {"attention": "dot"},
    "hard": ATTENTION_ALONE | {"attention": "hard"},
    "blind": ATTENTION_ALONE | {"attention": "none", "autoregressive": False},
    "ctc": {"attention_weight": 0.0, "decoding": "ctc"},
    "joint": {"decoding": "joint", "attention_normalization": "sigmoid", "decoder_layers": 2},
}
COMBINATIONS = [
    pytest.param(
        {"rectifier": rectifier, "encoder": encoder, **SEQUENCES[sequence], **READERS[reader]},
        id="-".join((rectifier, encoder, sequence, reader)),
    )
    for rectifier, encoder, sequence, reader in itertools.product(
        RECTIFIERS, ENCODERS, SEQUENCES, READERS
    )
]


def smooth_batch(height: int) -> Batch:
    """Return a batch of soft blots: on noise, the gradient of a rectifier is not continuous."""
    batch = tiny.random_batch(height=height)
    images = batch["images"]
    for _ in range(2):
        images = tf.nn.avg_pool2d(images, 7, 1, "SAME")
    scale = tf.math.reduce_std(batch["images"]) / tf.math.reduce_std(images)
    return {**batch, "images": tf.clip_by_value(scale * images, -1.0, 1.0)}


def check_training(config: Config, batch: Batch) -> Recognizer:
    """Train a step in mixed precision: each variable gets a gradient, and the loss falls."""
    recognizer = build_recognizer(config, tiny.CHARSET, precision="bfloat16")
    variables = recognizer.trainable_variables
    loss = make_loss(config, variables)
    with tf.GradientTape() as tape:
        outputs = recognizer(batch, training=True)
        before = loss(outputs, batch)["loss"]
    check_outputs(config, outputs, batch)
    gradients = tape.gradient(before, variables)
    for variable, gradient in zip(variables, gradients, strict=True):
        assert gradient is not None, variable.path
    gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
    norm = tf.linalg.global_norm(gradients)
    for variable, gradient in zip(variables, gradients, strict=True):
        variable.assign_sub(0.05 / norm * gradient)
    after = loss(recognizer(batch, training=True), batch)["loss"]
    assert np.isfinite(after)
    # Hard attention samples again, and may choose worse cells.
    if config.decoder.attention != "hard":
        assert after < before
    return recognizer


def check_outputs(config: Config, outputs: dict[str, tf.Tensor], batch: Batch) -> None:
    batch_size, num_steps = batch["targets"].shape
    vocabulary_size = tiny.CHARSET.vocabulary_size
    if config.model.attention_weight:
        assert outputs["logits"].shape == (batch_size, num_steps, vocabulary_size)
        assert outputs["logits"].dtype == tf.float32
    if config.model.ctc_weight:
        assert outputs["ctc_logits"].shape[0] == batch_size
        assert outputs["ctc_logits"].dtype == tf.float32


@pytest.mark.slow
@pytest.mark.wide
@pytest.mark.parametrize("values", COMBINATIONS)
def test_a_combination_trains_and_reads_the_same_restored_and_exported(values, tmp_path):
    config = tiny.config(**{**values, **tiny.OF_ENCODER.get(values["encoder"], {})})
    batch = smooth_batch(config.image.image_height)
    trained = check_training(config, batch)
    save_weights(weight_values(trained), tmp_path / "weights.npz")

    model = TrainedModel(config, tiny.CHARSET, build_recognizer(config, tiny.CHARSET))
    load_weights(model.recognizer, tmp_path / "weights.npz")
    for name, value in weight_values(model.recognizer).items():
        np.testing.assert_array_equal(value, weight_values(trained)[name])

    in_memory = reading_graph(model)
    tf.saved_model.save(in_memory, str(tmp_path / "export"))
    exported = tf.saved_model.load(str(tmp_path / "export"))
    # Any number of images of any width.
    narrow = {name: batch[name][:1, ...] for name in ("images", "image_sizes")}
    narrow["images"] = narrow["images"][:, :, :32]
    for part in (batch, narrow):
        expected = in_memory.read(part["images"], part["image_sizes"])
        outputs = exported.read(part["images"], part["image_sizes"])
        assert expected["text"].shape == part["images"].shape[:1]
        np.testing.assert_array_equal(outputs["text"], expected["text"])
        np.testing.assert_allclose(outputs["confidence"], expected["confidence"], atol=1e-5)


def reading_graph(model: TrainedModel) -> tf.Module:
    """Return the graph from pixels to texts; the rest of an export is the same for all."""
    module = tf.Module()
    decoding = prepare_decoding(model.config, model.charset)
    image = model.config.image

    @tf.function(
        input_signature=(
            tf.TensorSpec((None, image.input_height, None, image.image_channels), tf.float32),
            tf.TensorSpec((None, 2), tf.int32),
        ),
        autograph=False,
    )
    def read(images: tf.Tensor, image_sizes: tf.Tensor) -> dict[str, tf.Tensor]:
        recognition = recognize(model.recognizer, decoding, images, image_sizes)
        return {"text": recognition.text, "confidence": recognition.confidence}

    module.read = read
    # The layers must not be attributes: Keras would trace its own functions.
    module.weights = [weight.value for weight in model.recognizer.variables]
    return module


def test_no_registered_choice_is_missing():
    combinations = [parameter.values[0] for parameter in COMBINATIONS]
    for name, choices in {
        "rectifier": RECTIFIERS,
        "coordinates": COORDINATES,
        "sequence_cell": tuple(SEQUENCE_CELLS),
        "encoder": tuple(ENCODERS),
        "attention": tuple(ATTENTIONS),
        "decoding": DECODINGS,
    }.items():
        assert {values[name] for values in combinations if name in values} == set(choices), name
