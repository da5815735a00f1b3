from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.attention.additive import AdditiveAttention
from attention_ocr.models.attention.hard import HardAttention
from attention_ocr.models.attention.interface import Attention, Memory
from attention_ocr.models.decoder import AttentionDecoder, DecoderState
from tests import tiny

B, T, N, D, V = 3, 5, 6, 4, 11
U, S = 7, 8
CELLS = np.array([[True] * 6, [True] * 2 + [False] * 4, [False] * 3 + [True] * 3])


def random(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


VALUES, SUMMARY = random(B, N, D, seed=1), random(B, S, seed=2)
DECODER_INPUTS = np.random.default_rng(3).integers(1, V, (B, T)).astype(np.int32)


def make_decoder(attention: Attention | None = None, **options: object) -> AttentionDecoder:
    keras.utils.set_random_seed(0)
    attention = attention or AdditiveAttention(9, name="attention")
    decoder = AttentionDecoder(V, units=U, attention=attention, embedding_units=10, **options)
    values, summary = (
        tf.cast(VALUES, decoder.compute_dtype),
        tf.cast(SUMMARY, decoder.compute_dtype),
    )
    decoder(*start(decoder, values, CELLS, summary), DECODER_INPUTS, training=True)
    for index, weight in enumerate(decoder.trainable_weights):
        weight.assign(0.7 * random(*weight.shape, seed=10 + index))
    return decoder


@pytest.fixture(scope="module")
def decoder():
    return make_decoder()


def start(
    decoder: AttentionDecoder,
    values: np.ndarray = VALUES,
    cells: np.ndarray = CELLS,
    summary: np.ndarray = SUMMARY,
) -> tuple[Memory, DecoderState]:
    memory = decoder.prepare(tf.convert_to_tensor(values), tf.constant(cells))
    grid_shape = (1, cells.shape[1])
    return memory, decoder.initial_state(tf.convert_to_tensor(summary), memory, grid_shape)


def test_teacher_forcing_equals_stepping(decoder):
    memory, state = start(decoder)
    logits, weights, _ = decoder(memory, state, DECODER_INPUTS)
    assert logits.shape == (B, T, V)
    assert weights.shape == (B, T, N)
    for t in range(T):
        step_logits, state, step_weights = decoder.step(DECODER_INPUTS[:, t], state, memory)
        np.testing.assert_allclose(step_logits, logits[:, t], atol=1e-5)
        np.testing.assert_allclose(step_weights, weights[:, t], atol=1e-6)


def test_there_is_no_look_ahead(decoder):
    memory, state = start(decoder)
    logits, _, _ = decoder(memory, state, DECODER_INPUTS)
    changed = DECODER_INPUTS.copy()
    changed[:, 3] = changed[:, 3] % (V - 1) + 1
    other, _, _ = decoder(memory, state, changed)
    np.testing.assert_allclose(other[:, :3], logits[:, :3], atol=1e-6)
    assert np.all(np.abs(other - logits).max(axis=2)[:, 3:] > 1e-3)


def test_an_example_depends_neither_on_its_batch_nor_on_its_padding(decoder):
    memory, state = start(decoder)
    logits, weights, _ = decoder(memory, state, DECODER_INPUTS)
    # The second example alone, with more padding of other values, and two more steps.
    values = np.concatenate([VALUES[1:2, :2], np.full((1, 9, D), 50.0, np.float32)], axis=1)
    cells = np.array([[True] * 2 + [False] * 9])
    inputs = np.concatenate([DECODER_INPUTS[1:2], [[0, 0]]], axis=1)
    alone, weights_alone, _ = decoder(*start(decoder, values, cells, SUMMARY[1:2]), inputs)
    np.testing.assert_allclose(alone[0, :T], logits[1], atol=1e-5)
    np.testing.assert_allclose(weights_alone[0, :T, :2], weights[1, :, :2], atol=1e-6)
    np.testing.assert_array_equal(weights_alone[0, :, 2:], 0.0)


def test_a_graph_of_unknown_sizes_equals_eager(decoder):
    @tf.function(
        input_signature=(
            tf.TensorSpec((None, None, D), tf.float32),
            tf.TensorSpec((None, None), tf.bool),
            tf.TensorSpec((None, S), tf.float32),
            tf.TensorSpec((None, None), tf.int32),
        )
    )
    def run(values, cells, summary, decoder_inputs):
        memory = decoder.prepare(values, cells)
        grid_shape = tf.stack([1, tf.shape(cells)[1]])
        state = decoder.initial_state(summary, memory, grid_shape)
        return decoder(memory, state, decoder_inputs)[:2]

    eager = decoder(*start(decoder), DECODER_INPUTS)
    in_graph = run(VALUES, CELLS, SUMMARY, DECODER_INPUTS)
    for one, other in zip(in_graph, eager[:2], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    logits, _ = run.get_concrete_function().structured_outputs
    assert logits.shape[-1] == V


def test_every_variable_gets_a_gradient(decoder):
    with tf.GradientTape() as tape:
        logits, _, _ = decoder(*start(decoder), DECODER_INPUTS)
        loss = tf.reduce_sum(tf.nn.log_softmax(logits)[..., 0])
    assert len(decoder.trainable_variables) == 12
    gradients = tape.gradient(loss, decoder.trainable_variables)
    for variable, gradient in zip(decoder.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert float(tf.reduce_max(tf.abs(tf.convert_to_tensor(gradient)))) > 0.0, variable.path


def test_the_context_is_fed_back(decoder):
    memory, state = start(decoder)
    np.testing.assert_array_equal(state.context, np.zeros((B, D)))
    _, after, weights = decoder.step(DECODER_INPUTS[:, 0], state, memory)
    expected = np.einsum("bn,bnd->bd", weights, VALUES)
    np.testing.assert_allclose(after.context, expected, atol=1e-5)
    with_context, _, _ = decoder.step(DECODER_INPUTS[:, 1], after, memory)
    forgotten = after._replace(context=tf.zeros_like(after.context))
    without_context, _, _ = decoder.step(DECODER_INPUTS[:, 1], forgotten, memory)
    assert np.all(np.abs(with_context - without_context).max(axis=1) > 1e-3)


def test_the_initial_state_sees_the_whole_summary(decoder):
    summary = tf.Variable(SUMMARY)
    with tf.GradientTape() as tape:
        memory, _ = start(decoder)
        state = decoder.initial_state(summary, memory, (1, N))
        hidden, cell = state.layers[0]
        total = tf.reduce_sum(hidden) + tf.reduce_sum(cell)
    assert np.all(tape.gradient(total, summary).numpy() != 0.0)
    assert hidden.shape == cell.shape == (B, U)


def test_dropout_is_for_training_only():
    decoder = make_decoder(dropout=0.5, seed=1)
    memory, state = start(decoder)
    reading, _, _ = decoder(memory, state, DECODER_INPUTS)
    again, _, _ = decoder(memory, state, DECODER_INPUTS, training=False)
    training, weights, _ = decoder(memory, state, DECODER_INPUTS, training=True)
    np.testing.assert_array_equal(again, reading)
    assert np.abs(training - reading).max() > 0.1
    # Dropout affects the logits, not the recurrence.
    _, undropped, _ = decoder(memory, state, DECODER_INPUTS, training=False)
    np.testing.assert_allclose(weights, undropped, atol=1e-6)


def test_logits_and_weights_stay_in_float32():
    with tiny.computing_in("bfloat16"):
        decoder = make_decoder()
    memory, state = start(
        decoder, tf.cast(VALUES, tf.bfloat16), CELLS, tf.cast(SUMMARY, tf.bfloat16)
    )
    assert memory.keys.dtype == state.layers[0][0].dtype == tf.bfloat16
    logits, weights, _ = decoder(memory, state, DECODER_INPUTS)
    assert logits.dtype == weights.dtype == tf.float32
    step_logits, state, _ = decoder.step(DECODER_INPUTS[:, 0], state, memory)
    assert state.context.dtype == tf.bfloat16
    np.testing.assert_allclose(step_logits, logits[:, 0], atol=1e-6)


@pytest.mark.parametrize(("cell", "sizes"), [("lstm", [U, U]), ("gru", [U])])
def test_every_layer_starts_from_the_whole_summary_and_keeps_its_own_state(cell, sizes):
    decoder = make_decoder(cell=cell, num_layers=3)
    summary = tf.Variable(SUMMARY)
    with tf.GradientTape(persistent=True) as tape:
        memory, state = start(decoder, summary=summary)
        totals = [tf.add_n([tf.reduce_sum(part) for part in layer]) for layer in state.layers]
    assert [[part.shape[1] for part in layer] for layer in state.layers] == [sizes] * 3
    for total in totals:
        assert np.all(tape.gradient(total, summary).numpy() != 0.0)
    _, after, _ = decoder.step(DECODER_INPUTS[:, 0], state, memory)
    outputs = [layer[0].numpy() for layer in after.layers]
    assert all(np.abs(one - other).max() > 1e-3 for one, other in pairwise(outputs))
    kernels = [cell.kernel for cell in decoder.cells]
    assert len({id(kernel) for kernel in kernels}) == 3


def test_one_hot_feedback_is_the_rows_of_the_kernel():
    decoder = make_decoder(feedback="one_hot")
    assert decoder.embedding is None
    np.testing.assert_array_equal(decoder.embed(tf.constant([0, 3])), np.eye(V)[[0, 3]])
    assert decoder.cells[0].kernel.shape == (V + D, 4 * U)


def test_without_feedback_the_text_changes_nothing():
    decoder = make_decoder(autoregressive=False)
    logits, _, _ = decoder(*start(decoder), DECODER_INPUTS)
    other, _, _ = decoder(*start(decoder), np.roll(DECODER_INPUTS, 1, axis=1))
    np.testing.assert_array_equal(logits, other)
    assert decoder.cells[0].kernel.shape == (D, 4 * U)


def test_hard_attention_samples_in_training_only():
    decoder = make_decoder(HardAttention(9, soft_share=0.5, name="attention"))
    memory, state = start(decoder)
    reading = decoder(memory, state, DECODER_INPUTS)
    again = decoder(memory, state, DECODER_INPUTS)
    assert reading.choices is None
    np.testing.assert_array_equal(reading.logits, again.logits)
    assert set(np.unique(reading.weights)) == {0.0, 1.0}
    first, second = (decoder(memory, state, DECODER_INPUTS, training=True) for _ in range(2))
    assert np.abs(first.weights - second.weights).max() > 0.1
    assert {part.shape for part in first.choices} == {(B, T)}
    drew = first.choices.log_probabilities.numpy() < 0.0
    assert 0 < drew.sum() < B * T
    is_hard = (first.weights.numpy() == 1.0).any(axis=-1)
    assert np.all(is_hard[drew])


def test_the_loss_of_the_baseline_trains_only_the_baseline():
    decoder = make_decoder(HardAttention(9, name="attention"))
    with tf.GradientTape() as tape:
        taught = decoder(*start(decoder), DECODER_INPUTS, training=True)
        loss = tf.reduce_sum(taught.choices.baselines**2)
    gradients = tape.gradient(loss, decoder.trainable_variables)
    taught_by_it = {
        variable.path.split("/")[-2]
        for variable, gradient in zip(decoder.trainable_variables, gradients, strict=True)
        if gradient is not None
    }
    assert taught_by_it == {"baseline"}
