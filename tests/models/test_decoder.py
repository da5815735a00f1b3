import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.decoder import AttentionDecoder, DecoderState, Memory
from tests import tiny

B, T, N, D, V = 3, 5, 6, 4, 11
U, S = 7, 8
CELLS = np.array([[True] * 6, [True] * 2 + [False] * 4, [False] * 3 + [True] * 3])


def random(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


VALUES, SUMMARY = random(B, N, D, seed=1), random(B, S, seed=2)
DECODER_INPUTS = np.random.default_rng(3).integers(1, V, (B, T)).astype(np.int32)


def make_decoder(**options: object) -> AttentionDecoder:
    keras.utils.set_random_seed(0)
    decoder = AttentionDecoder(V, units=U, attention_units=9, embedding_units=10, **options)
    values = tf.cast(VALUES, decoder.compute_dtype)
    memory = decoder.prepare(values, tf.constant(CELLS))
    decoder(memory, decoder.initial_state(tf.cast(SUMMARY, values.dtype), memory), DECODER_INPUTS)
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
    memory = decoder.prepare(tf.constant(values), tf.constant(cells))
    return memory, decoder.initial_state(tf.constant(summary), memory)


def test_teacher_forcing_equals_stepping(decoder):
    memory, state = start(decoder)
    logits, weights = decoder(memory, state, DECODER_INPUTS)
    assert logits.shape == (B, T, V)
    assert weights.shape == (B, T, N)
    for t in range(T):
        step_logits, state, step_weights = decoder.step(DECODER_INPUTS[:, t], state, memory)
        np.testing.assert_allclose(step_logits, logits[:, t], atol=1e-5)
        np.testing.assert_allclose(step_weights, weights[:, t], atol=1e-6)


def test_there_is_no_look_ahead(decoder):
    memory, state = start(decoder)
    logits, _ = decoder(memory, state, DECODER_INPUTS)
    changed = DECODER_INPUTS.copy()
    changed[:, 3] = changed[:, 3] % (V - 1) + 1
    other, _ = decoder(memory, state, changed)
    np.testing.assert_allclose(other[:, :3], logits[:, :3], atol=1e-6)
    assert np.all(np.abs(other - logits).max(axis=2)[:, 3:] > 1e-3)


def test_an_example_depends_neither_on_its_batch_nor_on_its_padding(decoder):
    memory, state = start(decoder)
    logits, weights = decoder(memory, state, DECODER_INPUTS)
    # The second example alone, with more padding, of other values, and two steps more.
    values = np.concatenate([VALUES[1:2, :2], np.full((1, 9, D), 50.0, np.float32)], axis=1)
    cells = np.array([[True] * 2 + [False] * 9])
    inputs = np.concatenate([DECODER_INPUTS[1:2], [[0, 0]]], axis=1)
    alone, weights_alone = decoder(*start(decoder, values, cells, SUMMARY[1:2]), inputs)
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
        return decoder(memory, decoder.initial_state(summary, memory), decoder_inputs)

    eager = decoder(*start(decoder), DECODER_INPUTS)
    in_graph = run(VALUES, CELLS, SUMMARY, DECODER_INPUTS)
    for one, other in zip(in_graph, eager, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    logits, _ = run.get_concrete_function().structured_outputs
    assert logits.shape[-1] == V


def test_every_variable_gets_a_gradient(decoder):
    with tf.GradientTape() as tape:
        logits, _ = decoder(*start(decoder), DECODER_INPUTS)
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
        memory = decoder.prepare(tf.constant(VALUES), tf.constant(CELLS))
        state = decoder.initial_state(summary, memory)
        total = tf.reduce_sum(state.hidden) + tf.reduce_sum(state.cell)
    assert np.all(tape.gradient(total, summary).numpy() != 0.0)
    assert state.hidden.shape == state.cell.shape == (B, U)


def test_dropout_is_for_training_alone():
    decoder = make_decoder(dropout=0.5, seed=1)
    memory, state = start(decoder)
    reading, _ = decoder(memory, state, DECODER_INPUTS)
    again, _ = decoder(memory, state, DECODER_INPUTS, training=False)
    training, weights = decoder(memory, state, DECODER_INPUTS, training=True)
    np.testing.assert_array_equal(again, reading)
    assert np.abs(training - reading).max() > 0.1
    # Dropped is what the logits see, not what the recurrence sees.
    _, undropped = decoder(memory, state, DECODER_INPUTS, training=False)
    np.testing.assert_allclose(weights, undropped, atol=1e-6)


def test_logits_and_weights_stay_in_float32():
    with tiny.computing_in("bfloat16"):
        decoder = make_decoder()
    memory = decoder.prepare(tf.cast(VALUES, tf.bfloat16), tf.constant(CELLS))
    state = decoder.initial_state(tf.cast(SUMMARY, tf.bfloat16), memory)
    assert memory.keys.dtype == state.hidden.dtype == tf.bfloat16
    logits, weights = decoder(memory, state, DECODER_INPUTS)
    assert logits.dtype == weights.dtype == tf.float32
    step_logits, state, _ = decoder.step(DECODER_INPUTS[:, 0], state, memory)
    assert state.context.dtype == tf.bfloat16
    np.testing.assert_allclose(step_logits, logits[:, 0], atol=1e-6)
