"""Requirements on every kind of decoder, with each registered choice in at least one of them."""

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
from attention_ocr.models.attention.interface import Attention
from attention_ocr.models.build import attention_class, build_recognizer
from attention_ocr.settings.config import Config
from attention_ocr.settings.decoder import ATTENTIONS, DECODER_CELLS, FEEDBACKS, NORMALIZATIONS
from attention_ocr.training.devices import make_strategy
from attention_ocr.training.losses import make_loss
from attention_ocr.training.optimization import AveragedWeights, make_optimizer
from attention_ocr.training.step import make_train_step
from tests import tiny, tiny_model

KINDS = (
    {
        "attention": "additive",
        "attention_normalization": "sigmoid",
        "decoder_layers": 2,
        "cell_clip": 0.5,
    },
    {"attention": "location", "decoder_cell": "gru"},
    {"attention": "dot", "attention_heads": 3, "feedback": "one_hot", "sequence_layers": 1},
    {"attention": "hard", "decoder_cell": "gru", "decoder_layers": 2},
    {"attention": "none", "autoregressive": False},
)
BATCH = tiny.random_batch()


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind["attention"])
def config(request):
    return tiny.config(**{"sequence_layers": 0, "ctc_weight": 0.0, **request.param})


@pytest.fixture(scope="module")
def recognizer(config):
    return build_recognizer(config, tiny.CHARSET)


def values_of(config: Config) -> dict[str, object]:
    """Return the settings of the network, flat."""
    return vars(config.model) | vars(config.decoder)


def read(recognizer, config) -> RecognitionOutput:
    decoding = prepare_decoding(config, tiny.CHARSET)
    return recognize(recognizer, decoding, BATCH["images"], BATCH["image_sizes"])


def test_every_registered_choice_is_tested():
    chosen = {name: set() for name in ("attention", "attention_normalization", "decoder_cell")}
    chosen |= {"feedback": set(), "autoregressive": set()}
    for kind in KINDS:
        decoder = tiny.config(**kind).decoder
        for name, values in chosen.items():
            values.add(getattr(decoder, name))
    assert chosen == {
        "attention": set(ATTENTIONS),
        "attention_normalization": set(NORMALIZATIONS),
        "decoder_cell": set(DECODER_CELLS),
        "feedback": set(FEEDBACKS),
        "autoregressive": {True, False},
    }


@pytest.mark.parametrize("name", ATTENTIONS)
def test_every_attention_of_the_settings_has_a_class(name):
    assert issubclass(attention_class(name), Attention)


def test_every_variable_gets_a_gradient_that_lowers_the_loss(config, recognizer):
    variables = recognizer.trainable_variables
    loss = make_loss(config, variables)
    with tf.GradientTape() as tape:
        losses = loss(recognizer(BATCH, training=True), BATCH)
    gradients = tape.gradient(losses["loss"], variables)
    weights = recognizer.get_weights()
    for variable, gradient in zip(variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert float(tf.reduce_max(tf.abs(tf.convert_to_tensor(gradient)))) > 0.0, variable.path
        variable.assign_sub(0.005 * tf.convert_to_tensor(gradient))
    after = loss(recognizer(BATCH, training=True), BATCH)
    recognizer.set_weights(weights)
    # Hard attention samples again, and may choose worse cells.
    if config.decoder.attention != "hard":
        assert float(after["loss"]) < float(losses["loss"])


def test_teacher_forcing_equals_stepping(recognizer):
    expected = recognizer(BATCH)["logits"]
    encoded = recognizer.encode(BATCH["images"], BATCH["image_sizes"])
    state, memory = recognizer.start_decoding(encoded)
    for t in range(BATCH["decoder_inputs"].shape[1]):
        logits, state, weights = recognizer.decoder.step(
            BATCH["decoder_inputs"][:, t], state, memory
        )
        np.testing.assert_allclose(logits, expected[:, t], atol=1e-5)
        np.testing.assert_allclose(tf.reduce_sum(weights, axis=1), 1.0, atol=1e-5)
        np.testing.assert_array_equal(weights.numpy()[~memory.cells.numpy()], 0.0)


def test_the_state_and_the_memory_can_be_gathered_by_example(recognizer):
    encoded = recognizer.encode(BATCH["images"], BATCH["image_sizes"])
    state, memory = recognizer.start_decoding(encoded)
    _, state, _ = recognizer.decoder.step(BATCH["decoder_inputs"][:, 0], state, memory)
    order = [2, 0, 0, 3, 1]
    gathered_state, gathered_memory = tf.nest.map_structure(
        lambda part: tf.gather(part, order), (state, memory)
    )
    token_ids = BATCH["decoder_inputs"][:, 1]
    expected, _, _ = recognizer.decoder.step(token_ids, state, memory)
    logits, _, _ = recognizer.decoder.step(
        tf.gather(token_ids, order), gathered_state, gathered_memory
    )
    np.testing.assert_allclose(logits, tf.gather(expected, order), atol=1e-5)


def test_the_previous_character_matters_if_it_is_fed_back(config, recognizer):
    changed = {**BATCH, "decoder_inputs": (BATCH["decoder_inputs"] + 1) % 11}
    difference = np.abs(recognizer(changed)["logits"] - recognizer(BATCH)["logits"]).max()
    assert (difference > 1e-4) == config.decoder.autoregressive


def test_saved_weights_give_the_same_predictions_in_another_recogniser(
    config, recognizer, tmp_path
):
    save_weights(weight_values(recognizer), tmp_path / "weights.npz")
    other = build_recognizer(tiny.config(**values_of(config), seed=9), tiny.CHARSET)
    expected = read(recognizer, config)
    assert np.abs(read(other, config).confidence - expected.confidence).max() > 1e-6
    load_weights(other, tmp_path / "weights.npz")
    again = read(other, config)
    np.testing.assert_array_equal(again.text, expected.text)
    np.testing.assert_allclose(again.confidence, expected.confidence, rtol=1e-5)
    np.testing.assert_allclose(again.attention, expected.attention, atol=1e-5)


@pytest.mark.slow
def test_an_export_reads_as_the_model_in_memory(recognizer, config, tmp_path):
    tiny_model.check_export(TrainedModel(config, tiny.CHARSET, recognizer), tmp_path / "export")


@pytest.mark.slow
def test_a_graph_in_bfloat16_overfits_a_batch_and_reads_it(config):
    strategy = make_strategy("one_device")
    config = tiny.config(**values_of(config), steps=500, warmup_steps=0, learning_rate=0.01)
    with strategy.scope():
        recognizer = build_recognizer(config, tiny.CHARSET, precision="bfloat16")
        optimizer = make_optimizer(config.training, recognizer.trainable_variables)
        averages = AveragedWeights(recognizer.weights, 0.0)
        step = make_train_step(strategy, recognizer, optimizer, averages, config)
    for _ in range(100):
        losses = step(BATCH)
    assert float(losses["attention_loss"]) < 0.2

    decoding = prepare_decoding(config, tiny.CHARSET)
    in_graph = tf.function(
        lambda images, sizes: recognize(recognizer, decoding, images, sizes),
        input_signature=(
            tf.TensorSpec((None, 16, None, 1), tf.float32),
            tf.TensorSpec((None, 2), tf.int32),
        ),
        autograph=False,
    )(BATCH["images"], BATCH["image_sizes"])
    eager = read(recognizer, config)
    np.testing.assert_array_equal(in_graph.text, eager.text)
    np.testing.assert_allclose(in_graph.confidence, eager.confidence, atol=0.05)
