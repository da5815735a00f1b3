from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.greedy import greedy_decode
from attention_ocr.decoding.result import DecoderOutput
from attention_ocr.text.charset import END_ID, PAD_ID, START_ID, UNKNOWN_ID

V, N, L = 7, 3, 4
A, B, C = 4, 5, 6


def scripted(script: np.ndarray, calls: list | None = None) -> Callable:
    """Return a step that gives row t of `script` [T, B, V] as probabilities, whatever was read."""
    logits = tf.constant(np.log(script), tf.float32)

    def step(token_ids: tf.Tensor, t: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        if calls is not None:
            calls.append(token_ids.numpy().tolist())
        # Where it looked: the step in the first cell.
        weights = tf.one_hot(tf.zeros_like(token_ids), N) * tf.cast(t + 1, tf.float32)
        return logits[t], t + 1, weights

    return step


def decode(step: Callable, num_examples: int, max_length: int = L) -> DecoderOutput:
    return greedy_decode(
        step, tf.constant(0), tf.constant(num_examples), tf.constant(N), max_length
    )


def likely(token_id: int, probability: float) -> list[float]:
    """Return probabilities [V] with one given and the others equal."""
    row = [(1.0 - probability) / (V - 3)] * V
    # Padding and start are never chosen, and take nothing of the rest.
    row[PAD_ID] = row[START_ID] = 1e-30
    row[token_id] = probability
    return row


def script(*examples: list[tuple[int, float]]) -> np.ndarray:
    """Return probabilities [T, B, V]; each example lists its (token, probability) of every step."""
    return np.array([[likely(*step) for step in steps] for steps in zip(*examples, strict=True)])


def test_the_likeliest_characters_are_taken_until_the_end():
    first = [(C, 0.9), (A, 0.8), (END_ID, 0.7), (B, 0.6), (B, 0.5)]
    second = [(B, 0.5), (END_ID, 0.9), (A, 0.9), (A, 0.9), (A, 0.9)]
    decoded = decode(scripted(script(first, second)), 2)
    assert decoded.token_ids.numpy().tolist() == [[C, A, 0, 0], [B, 0, 0, 0]]
    assert decoded.lengths.numpy().tolist() == [2, 1]
    np.testing.assert_allclose(decoded.confidence, [0.9 * 0.8 * 0.7, 0.5 * 0.9], rtol=1e-5)
    np.testing.assert_allclose(
        decoded.character_confidences, [[0.9, 0.8, 0, 0], [0.5, 0, 0, 0]], rtol=1e-5
    )
    assert decoded.attention.shape == (2, L, N)
    assert decoded.attention.numpy()[..., 0].tolist() == [[1, 2, 0, 0], [1, 0, 0, 0]]
    assert not decoded.attention.numpy()[..., 1:].any()


def test_each_step_gets_the_last_chosen_token():
    calls: list = []
    examples = [[(A, 0.9), (C, 0.9), (END_ID, 0.9)], [(B, 0.9), (END_ID, 0.9), (END_ID, 0.9)]]
    decode(scripted(script(*examples), calls), 2)
    assert calls == [[START_ID, START_ID], [A, B], [C, END_ID]]


def test_it_stops_when_the_last_example_has_ended():
    calls: list = []
    ended = [(END_ID, 0.9)] * 5
    decode(scripted(script(ended, ended), calls), 2)
    assert len(calls) == 1
    calls.clear()
    slow = [(A, 0.9), (A, 0.9), (END_ID, 0.9), (A, 0.9), (A, 0.9)]
    decode(scripted(script(ended, slow), calls), 2)
    assert len(calls) == 3


def test_a_text_may_end_at_once():
    decoded = decode(scripted(script([(END_ID, 0.6)] * 5)), 1)
    assert decoded.token_ids.numpy().tolist() == [[PAD_ID] * L]
    assert decoded.lengths.numpy().tolist() == [0]
    np.testing.assert_allclose(decoded.confidence, [0.6], rtol=1e-5)
    assert not decoded.character_confidences.numpy().any()
    assert not decoded.attention.numpy().any()


def test_a_text_that_never_ends_is_cut_and_its_confidence_shows_it():
    calls: list = []
    decoded = decode(scripted(script([(B, 0.96)] * (L + 1)), calls), 1)
    assert decoded.token_ids.numpy().tolist() == [[B] * L]
    assert decoded.lengths.numpy().tolist() == [L]
    assert len(calls) == L + 1
    np.testing.assert_allclose(decoded.character_confidences, [[0.96] * L], rtol=1e-5)
    # The end has a quarter of the remaining 4 %.
    np.testing.assert_allclose(decoded.confidence, [0.96**L * 0.01], rtol=1e-4)


def test_a_text_of_the_full_length_that_ends_keeps_its_confidence():
    decoded = decode(scripted(script([(B, 0.9)] * L + [(END_ID, 0.8)])), 1)
    assert decoded.lengths.numpy().tolist() == [L]
    np.testing.assert_allclose(decoded.confidence, [0.9**L * 0.8], rtol=1e-5)


def test_of_two_equal_ones_the_lower_id_is_taken():
    rows = np.full((5, 1, V), 1e-30)
    rows[0, 0, [A, C]] = 0.5
    rows[1, 0, [B, C]] = 0.5
    rows[2, 0, [END_ID, A]] = 0.5
    decoded = decode(scripted(rows), 1)
    assert decoded.token_ids.numpy().tolist() == [[A, B, 0, 0]]
    np.testing.assert_allclose(decoded.confidence, [0.125], rtol=1e-5)
    # With nothing to choose by, the text ends.
    flat = decode(scripted(np.full((5, 1, V), 1 / V)), 1)
    assert flat.lengths.numpy().tolist() == [0]
    np.testing.assert_allclose(flat.confidence, [1 / (V - 2)], rtol=1e-5)


def test_padding_and_start_are_never_read_and_have_no_probability():
    rows = np.full((5, 1, V), 1e-30)
    rows[0, 0, [PAD_ID, START_ID, A, B]] = 0.6, 0.2, 0.15, 0.05
    rows[1, 0, [PAD_ID, END_ID]] = 0.9, 0.1
    decoded = decode(scripted(rows), 1)
    assert decoded.token_ids.numpy().tolist() == [[A, 0, 0, 0]]
    np.testing.assert_allclose(decoded.character_confidences[0, 0], 0.75, rtol=1e-5)
    np.testing.assert_allclose(decoded.confidence, [0.75], rtol=1e-5)


def test_the_unknown_character_is_never_read_and_lowers_the_confidence():
    rows = script([(UNKNOWN_ID, 0.9), (END_ID, 0.8)] + [(A, 0.9)] * 3)
    rows[0, 0, [A, B, C, END_ID]] = 0.01, 0.06, 0.02, 0.01
    decoded = decode(scripted(rows), 1)
    assert decoded.token_ids.numpy().tolist() == [[B, 0, 0, 0]]
    assert decoded.lengths.numpy().tolist() == [1]
    np.testing.assert_allclose(decoded.character_confidences[0, 0], 0.06, rtol=1e-4)
    np.testing.assert_allclose(decoded.confidence, [0.06 * 0.8], rtol=1e-4)


def test_the_choice_depends_on_the_last_token_and_the_state():
    # From each token to the next, probabilities [V, V]: START -> A -> B -> C -> END.
    following = np.full((V, V), 1e-30)
    for token_id, successor in ((START_ID, A), (A, B), (B, C), (C, END_ID)):
        following[token_id, successor] = 1.0
    table = tf.constant(np.log(following), tf.float32)

    def step(token_ids, state):
        return tf.gather(table, token_ids) + state, state, tf.ones((2, N)) / N

    # The state of the second example holds an end that outweighs everything.
    state = tf.constant([[0.0] * V, [0.0] * 2 + [1e3] + [0.0] * 4])
    decoded = greedy_decode(step, state, tf.constant(2), tf.constant(N), L)
    assert decoded.token_ids.numpy().tolist() == [[A, B, C, 0], [0, 0, 0, 0]]


def test_a_graph_of_unknown_sizes_equals_eager_and_stops_early_too():
    num_calls = tf.Variable(0)
    examples = script(
        [(C, 0.9), (A, 0.8), (END_ID, 0.7), (B, 0.6), (B, 0.5)],
        [(B, 0.5), (END_ID, 0.9), (A, 0.9), (A, 0.9), (A, 0.9)],
    )

    @tf.function(
        input_signature=(
            tf.TensorSpec((None, None, None), tf.float32),
            tf.TensorSpec((None, None), tf.float32),
        )
    )
    def run(logits, weights):
        def step(_, t):
            num_calls.assign_add(1)
            return logits[t], t + 1, weights

        batch_size, num_cells = tf.shape(weights)[0], tf.shape(weights)[1]
        return greedy_decode(step, tf.constant(0), batch_size, num_cells, L)

    weights = np.full((2, N), 1 / N, np.float32)
    in_graph = run(np.log(examples).astype(np.float32), weights)
    assert int(num_calls) == 3
    eager = decode(scripted(examples), 2)
    for name in ("token_ids", "lengths", "character_confidences", "confidence"):
        np.testing.assert_allclose(getattr(in_graph, name), getattr(eager, name), rtol=1e-6)
    np.testing.assert_allclose(in_graph.attention[0, :2], weights)
    assert not in_graph.attention[0, 2:].numpy().any()
    shapes = run.get_concrete_function().structured_outputs
    assert shapes.token_ids.shape.as_list() == [None, L]


@pytest.mark.parametrize("max_length", [1, 2])
def test_the_limit_may_be_short(max_length):
    decoded = decode(scripted(script([(A, 0.9)] * 5)), 1, max_length)
    assert decoded.token_ids.numpy().tolist() == [[A] * max_length]
