"""Beam search, on scripted logits and against every text of a small alphabet."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.beam import BeamOptions, beam_decode
from attention_ocr.decoding.greedy import greedy_decode
from attention_ocr.decoding.result import Alternatives, DecoderOutput
from attention_ocr.text.charset import END_ID, PAD_ID, START_ID, UNKNOWN_ID

V, N, L = 7, 3, 4
A, B, C = 4, 5, 6


def following(table: dict[tuple[int, ...], dict[int, float]], calls: list | None = None):
    """Return a step and its initial state; probabilities depend on the whole text so far.

    Args:
        table: probabilities of the next token by the characters before; a text that is left out
            ends for certain.
        calls: receives the tokens of each call.
    """

    def probabilities(text: tuple[int, ...]) -> np.ndarray:
        row = np.full(V, 1e-30)
        for token_id, probability in table.get(text, {END_ID: 1.0}).items():
            row[token_id] = probability
        return row

    def look_up(token_ids: np.ndarray, texts: np.ndarray, t: int) -> tuple:
        texts = np.concatenate([texts[:, 1:], token_ids[:, None]], axis=1)
        rows = [tuple(text[text > START_ID].tolist()) for text in texts]
        logits = np.log([probabilities(row) for row in rows])
        weights = np.zeros((len(rows), N))
        weights[:, 0], weights[:, 1] = t + 1, token_ids
        return logits.astype(np.float32), texts, weights.astype(np.float32)

    def step(token_ids, state):
        texts, t = state
        if calls is not None:
            calls.append(token_ids.numpy().tolist())
        logits, texts, weights = look_up(token_ids.numpy(), texts.numpy(), int(t[0]))
        return tf.constant(logits), (tf.constant(texts), t + 1), tf.constant(weights)

    return step


def decode(
    tables: dict, width: int, num_examples: int = 1, calls: list | None = None, **options
) -> tuple[DecoderOutput, Alternatives]:
    state = (tf.zeros((num_examples, L + 2), tf.int32), tf.zeros(num_examples, tf.int32))
    chosen = BeamOptions(width, **options)
    sizes = (tf.constant(num_examples), tf.constant(N), L)
    return beam_decode(following(tables, calls), state, *sizes, chosen)


# Greedy takes A (0.5) and then loses: AA 0.2, AB 0.175; C (0.4) goes on with certainty.
TRAP = {
    (): {A: 0.5, C: 0.4, END_ID: 0.1},
    (A,): {A: 0.4, B: 0.35, END_ID: 0.25},
    (C,): {B: 0.9, END_ID: 0.1},
}


def test_the_unknown_character_is_never_read_and_lowers_the_confidence():
    table = {(): {UNKNOWN_ID: 0.7, A: 0.2, B: 0.1}}
    best, alternatives = decode(table, width=3, num_best=3)
    assert alternatives.token_ids[0].numpy().tolist() == [
        [A, 0, 0, 0],
        [B, 0, 0, 0],
        [PAD_ID] * 4,
    ]
    np.testing.assert_allclose(best.confidence, [0.2], rtol=1e-4)


def test_a_beam_finds_a_text_that_greedy_decoding_misses():
    greedy, _ = decode(TRAP, 1)
    assert greedy.token_ids.numpy().tolist() == [[A, A, 0, 0]]
    best, alternatives = decode(TRAP, 4, num_best=4)
    assert best.token_ids.numpy().tolist() == [[C, B, 0, 0]]
    assert best.lengths.numpy().tolist() == [2]
    np.testing.assert_allclose(best.confidence, [0.36], rtol=1e-5)
    np.testing.assert_allclose(best.character_confidences, [[0.4, 0.9, 0, 0]], rtol=1e-5)
    assert alternatives.token_ids.numpy().tolist() == [
        [[C, B, 0, 0], [A, A, 0, 0], [A, B, 0, 0], [A, 0, 0, 0]]
    ]
    np.testing.assert_allclose(alternatives.confidence, [[0.36, 0.2, 0.175, 0.125]], rtol=1e-5)
    np.testing.assert_allclose(alternatives.scores, np.log([[0.36, 0.2, 0.175, 0.125]]), rtol=1e-5)


def test_attention_is_that_of_the_text_wherever_it_stood_in_the_beam():
    best, _ = decode(TRAP, 4)
    # The step in the first cell, the token that went in in the second.
    assert best.attention.numpy().tolist() == [[[1, START_ID, 0], [2, C, 0], [0] * 3, [0] * 3]]


@pytest.mark.parametrize(
    ("normalization", "alpha", "texts", "scores"),
    [
        # "" is one token of 0.3, "A" two of 0.6 and 0.45, "AB" three of 0.6, 0.55 and 0.9,
        # "ABC" four of 0.6, 0.55, 0.1 and 1.
        ("none", 0.6, ["", "AB", "A"], [0.3, 0.297, 0.27]),
        ("mean", 0.6, ["AB", "A", "ABC"], [0.297 ** (1 / 3), 0.27**0.5, 0.033**0.25]),
        ("wu", 1.0, ["AB", "", "A"], [0.297 ** (6 / 8), 0.3, 0.27 ** (6 / 7)]),
        ("wu", 0.0, ["", "AB", "A"], [0.3, 0.297, 0.27]),
    ],
)
def test_normalised_lengths_by_hand(normalization, alpha, texts, scores):
    table = {
        (): {A: 0.6, END_ID: 0.3, B: 0.1},
        (A,): {B: 0.55, END_ID: 0.45},
        (A, B): {END_ID: 0.9, C: 0.1},
    }
    _, alternatives = decode(
        table, 6, num_best=3, length_normalization=normalization, length_alpha=alpha
    )
    names = {0: "", A: "A", B: "B", C: "C"}
    read = ["".join(names[i] for i in row) for row in alternatives.token_ids[0].numpy().tolist()]
    order = sorted(range(3), key=lambda index: -scores[index])
    assert read == [texts[index] for index in order]
    np.testing.assert_allclose(
        alternatives.scores[0], np.log([scores[index] for index in order]), rtol=1e-4
    )


def test_a_text_may_end_at_once_and_the_search_with_it():
    calls: list = []
    best, _ = decode({(): {END_ID: 0.9, A: 0.1}}, 3, calls=calls)
    assert best.token_ids.numpy().tolist() == [[PAD_ID] * L]
    np.testing.assert_allclose(best.confidence, [0.9], rtol=1e-5)
    assert len(calls) == 1
    # Whoever wants the second text too waits for it.
    calls.clear()
    _, alternatives = decode({(): {END_ID: 0.9, A: 0.1}}, 3, calls=calls, num_best=2)
    assert alternatives.token_ids[0, 1].numpy().tolist() == [A, 0, 0, 0]
    assert len(calls) == 2


def test_texts_that_never_end_are_cut_and_their_confidence_shows_it():
    endless = {
        text: {A: 0.6, B: 0.39, END_ID: 0.01}
        for length in range(L + 1)
        for text in itertools.product((A, B), repeat=length)
    }
    calls: list = []
    best, alternatives = decode(endless, 4, calls=calls, length_normalization="mean", num_best=2)
    assert len(calls) == L + 1
    assert best.token_ids.numpy().tolist() == [[A] * L]
    np.testing.assert_allclose(best.confidence, [0.6**L * 0.01], rtol=1e-4)
    np.testing.assert_allclose(alternatives.confidence[0, 1], 0.6**3 * 0.39 * 0.01, rtol=1e-4)


def test_the_search_goes_on_while_something_may_still_win():
    # After the first step "" leads with 0.4; by its mean, "AB" wins in the end.
    table = {(): {END_ID: 0.4, A: 0.35, B: 0.25}, (A,): {B: 1.0}, (A, B): {END_ID: 1.0}}
    best, _ = decode(table, 3, length_normalization="mean")
    assert best.token_ids.numpy().tolist() == [[A, B, 0, 0]]
    best, _ = decode(table, 3)
    assert best.token_ids.numpy().tolist() == [[0, 0, 0, 0]]


def test_equal_texts_come_in_the_order_of_their_token_ids():
    flat = {(): {A: 0.25, B: 0.25, C: 0.25, END_ID: 0.25}}
    for _ in range(2):
        _, alternatives = decode(flat, 4, num_best=4)
        assert alternatives.token_ids[0, :, 0].numpy().tolist() == [PAD_ID, A, B, C]


def test_a_beam_wider_than_the_number_of_texts_has_empty_places():
    best, alternatives = decode({(): {END_ID: 1.0}}, 6, num_best=6)
    assert best.lengths.numpy().tolist() == [0]
    assert np.isfinite(alternatives.scores[0].numpy()).sum() > 1
    only_end = {(): {END_ID: 1.0}}
    state = (tf.zeros((1, 2), tf.int32), tf.zeros(1, tf.int32))
    options = BeamOptions(3, num_best=3)

    class Nothing:
        """A rule that ends every text at once."""

        longest = 0

        def initial_state(self, num_rows):
            return tf.zeros(num_rows, tf.int32)

        def allowed(self, state, remaining):
            return tf.repeat((tf.range(V) == END_ID)[None], tf.shape(state)[0], axis=0)

        def reachable(self, state, remaining):
            return tf.ones_like(state, tf.bool)

        def advance(self, state, token_ids):
            return state

    _, alternatives = beam_decode(
        following(only_end), state, tf.constant(1), tf.constant(N), L, options, rule=Nothing()
    )
    assert alternatives.scores[0].numpy().tolist() == [0.0, -math.inf, -math.inf]
    assert alternatives.confidence[0].numpy().tolist() == [1.0, 0.0, 0.0]
    assert not alternatives.token_ids.numpy().any()


def random_network(seed: int, num_examples: int):
    """Return a step whose logits depend on the example, the state and the token, in the graph."""
    random = np.random.default_rng(seed)
    table = tf.constant(2.0 * random.normal(size=(num_examples, L + 1, V, V)), tf.float32)

    def step(token_ids, state):
        example, t, last = state
        logits = tf.gather_nd(table, tf.stack([example, t, token_ids], axis=1))
        # What came two steps before counts too, so that the state must follow its text.
        logits += 0.5 * tf.one_hot(last, V)
        weights = tf.one_hot(token_ids % N, N)
        return logits, (example, t + 1, token_ids), weights

    zeros = tf.zeros(num_examples, tf.int32)
    return step, (tf.range(num_examples), zeros, zeros + START_ID)


def all_texts(step, state, num_examples: int) -> list[dict[tuple[int, ...], float]]:
    """Return the log-probability of every text of at most L characters, by stepping through it."""
    letters = [token_id for token_id in range(V) if token_id > UNKNOWN_ID]
    scores: list[dict] = [{} for _ in range(num_examples)]

    def explore(text: tuple[int, ...], state, total: np.ndarray, previous: int) -> None:
        logits, state, _ = step(tf.fill((num_examples,), previous), state)
        logits = logits.numpy().astype(np.float64)
        logits[:, [PAD_ID, START_ID]] = -np.inf
        log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        for example in range(num_examples):
            scores[example][text] = total[example] + log_probabilities[example, END_ID]
        if len(text) < L:
            for letter in letters:
                explore((*text, letter), state, total + log_probabilities[:, letter], letter)

    explore((), state, np.zeros(num_examples), START_ID)
    return scores


@pytest.mark.parametrize("normalization", ["none", "mean", "wu"])
def test_a_wide_beam_finds_the_best_of_all_texts(normalization):
    step, state = random_network(3, 2)
    expected = all_texts(step, state, 2)
    # As wide as there are texts of L characters, so that nothing is lost.
    options = BeamOptions(4**L * 2, 5, normalization, 0.7)

    def rank(item: tuple[tuple[int, ...], float]) -> float:
        length = len(item[0]) + 1
        penalty = {"none": 1.0, "mean": length, "wu": ((5 + length) / 6) ** 0.7}[normalization]
        return -item[1] / penalty

    decoded, alternatives = beam_decode(step, state, tf.constant(2), tf.constant(N), L, options)
    for example in range(2):
        order = sorted(expected[example].items(), key=rank)[:5]
        for place, (text, score) in enumerate(order):
            assert alternatives.token_ids[example, place].numpy().tolist() == [
                *text,
                *[PAD_ID] * (L - len(text)),
            ]
            np.testing.assert_allclose(
                alternatives.confidence[example, place], math.exp(score), rtol=1e-3
            )
            np.testing.assert_allclose(
                alternatives.scores[example, place], -rank((text, score)), rtol=1e-3
            )
        assert decoded.lengths[example] == len(order[0][0])


@pytest.mark.parametrize("normalization", ["none", "mean", "wu"])
def test_a_beam_of_1_is_greedy_decoding(normalization):
    step, state = random_network(5, 64)
    sizes = (tf.constant(64), tf.constant(N), L)
    greedy = greedy_decode(step, state, *sizes)
    beam, alternatives = beam_decode(step, state, *sizes, BeamOptions(1, 1, normalization))
    for name in DecoderOutput._fields:
        np.testing.assert_allclose(getattr(beam, name), getattr(greedy, name), rtol=1e-5)
    np.testing.assert_array_equal(alternatives.token_ids[:, 0], greedy.token_ids)
    np.testing.assert_allclose(alternatives.confidence[:, 0], greedy.confidence, rtol=1e-5)


def test_a_wider_beam_never_scores_worse_than_the_texts_of_a_narrow_one_by_much():
    step, state = random_network(6, 64)
    sizes = (tf.constant(64), tf.constant(N), L)
    scores = [
        beam_decode(step, state, *sizes, BeamOptions(width))[1].scores[:, 0].numpy().mean()
        for width in (1, 3, 9)
    ]
    assert scores[0] < scores[1] < scores[2] + 1e-6


def test_a_graph_of_unknown_sizes_equals_eager_and_an_example_stands_alone():
    step, state = random_network(7, 6)
    options = BeamOptions(3, 2, "wu")

    @tf.function(input_signature=(tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.int32)))
    def run(examples, num_cells):
        zeros = tf.zeros_like(examples)
        state = (examples, zeros, zeros + START_ID)
        return beam_decode(step, state, tf.shape(examples)[0], num_cells, L, options)

    eager = beam_decode(step, state, tf.constant(6), tf.constant(N), L, options)
    in_graph = run(tf.range(6), N)
    for value, expected in zip(tf.nest.flatten(in_graph), tf.nest.flatten(eager), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5)
    for example in range(6):
        alone = run(tf.constant([example]), N)
        np.testing.assert_array_equal(alone[1].token_ids[0], eager[1].token_ids[example])
    assert in_graph[1].token_ids.shape == (6, 2, L)
    shapes = run.get_concrete_function().structured_outputs
    assert shapes[1].token_ids.shape.as_list() == [None, 2, L]
