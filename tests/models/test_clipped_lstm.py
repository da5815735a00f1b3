import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.clipped_lstm import ClippedLSTMCell
from tests import tiny

B, D, U = 3, 5, 4
RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(B, D)).astype(np.float32)
STATES = [RANDOM.normal(size=(B, U)).astype(np.float32) for _ in range(2)]


def make_cell(cell_clip: float) -> ClippedLSTMCell:
    keras.utils.set_random_seed(1)
    cell = ClippedLSTMCell(U, cell_clip=cell_clip)
    cell.build((B, D))
    cell.bias.assign(RANDOM.normal(size=cell.bias.shape))
    return cell


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-values))


def test_the_cell_state_is_clipped_before_the_output():
    cell = make_cell(0.25)
    hidden, (same, state) = cell(INPUTS, [tf.constant(value) for value in STATES])
    gates = INPUTS @ cell.kernel.numpy() + STATES[0] @ cell.recurrent_kernel.numpy()
    entry, forget, candidate, output = np.split(gates + cell.bias.numpy(), 4, axis=1)
    expected = sigmoid(forget) * STATES[1] + sigmoid(entry) * np.tanh(candidate)
    assert (np.abs(expected) > 0.25).any()
    expected = np.clip(expected, -0.25, 0.25)
    np.testing.assert_allclose(state, expected, atol=1e-5)
    np.testing.assert_allclose(hidden, sigmoid(output) * np.tanh(expected), atol=1e-5)
    np.testing.assert_array_equal(hidden, same)


def test_without_clipping_it_is_an_lstm():
    wide, plain = make_cell(100.0), make_cell(0.0)
    plain.set_weights(wide.get_weights())
    states = [tf.constant(value) for value in STATES]
    for ours, other in zip(
        tf.nest.flatten(wide(INPUTS, states)), tf.nest.flatten(plain(INPUTS, states)), strict=True
    ):
        np.testing.assert_allclose(ours, other, atol=1e-6)


def test_it_is_rebuilt_from_its_config():
    cell = make_cell(0.25)
    assert ClippedLSTMCell.from_config(cell.get_config()).cell_clip == 0.25


def test_the_setting_reaches_every_layer_of_the_decoder_and_no_weight():
    clipped = tiny.recognizer(cell_clip=0.5, decoder_layers=2)
    assert [cell.cell_clip for cell in clipped.decoder.cells] == [0.5, 0.5]
    plain = tiny.recognizer(decoder_layers=2)
    assert [w.path for w in clipped.weights] == [w.path for w in plain.weights]
    with pytest.raises(ValueError, match="`cell_clip` must be 0 .* `decoder_cell=gru`. Received"):
        tiny.config(cell_clip=0.5, decoder_cell="gru")
