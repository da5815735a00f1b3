"""Prefix beam search, by hand and against every path through a few columns."""

import math

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.ctc import ctc_greedy_decode
from attention_ocr.decoding.ctc_beam import ctc_beam_decode
from attention_ocr.decoding.protocols import Weighted
from attention_ocr.text.charset import BLANK_ID, END_ID, PAD_ID, UNKNOWN_ID
from tests.decoding import alignments

V, W, L = 7, 5, 4
A, B, C = 4, 5, 6
UNLIKELY = 1e-12


def columns(*rows: dict[int, float]) -> np.ndarray:
    """Return logits [1, W, V] of columns given by the probabilities of their labels."""
    probabilities = np.full((1, len(rows), V), UNLIKELY)
    for column, row in enumerate(rows):
        for label, probability in row.items():
            probabilities[0, column, label] = probability
    return np.log(probabilities)


def padded(text: tuple[int, ...], max_length: int = L) -> list[int]:
    return [*text, *[PAD_ID] * (max_length - len(text))]


def test_paths_of_one_text_are_summed_where_greedy_takes_the_best_path():
    # Graves' example: the best path is all blank, 0.36; "A" has 0.24 + 0.24 + 0.16.
    logits = columns({BLANK_ID: 0.6, A: 0.4}, {BLANK_ID: 0.6, A: 0.4})
    greedy = ctc_greedy_decode(tf.constant(logits, tf.float32), tf.constant([2]), L)
    assert greedy.lengths.numpy().tolist() == [0]
    best, alternatives = ctc_beam_decode(logits, tf.constant([2]), L, beam_width=3, num_best=3)
    assert best.token_ids.numpy().tolist() == [[A, 0, 0, 0]]
    np.testing.assert_allclose(best.confidence, [0.64], rtol=1e-4)
    np.testing.assert_allclose(alternatives.confidence[0, :2], [0.64, 0.36], rtol=1e-4)
    np.testing.assert_allclose(alternatives.scores[0, :2], np.log([0.64, 0.36]), atol=1e-4)
    # Given "A", each column shows it in 0.4 of 0.64, and was seen with 0.4.
    np.testing.assert_allclose(best.attention[0, 0], [0.5, 0.5], rtol=1e-3)
    np.testing.assert_allclose(best.character_confidences[0, 0], 0.4 * 0.4 / 0.64, rtol=1e-3)


def test_the_unknown_character_is_never_read_and_lowers_the_confidence():
    logits = columns({UNKNOWN_ID: 0.7, A: 0.2, B: 0.1}, {BLANK_ID: 1.0})
    best, alternatives = ctc_beam_decode(logits, tf.constant([2]), L, beam_width=4, num_best=2)
    assert alternatives.token_ids[0].numpy().tolist() == [padded((A,)), padded((B,))]
    np.testing.assert_allclose(best.confidence, [0.2], rtol=1e-3)


def test_a_character_that_is_certain_has_its_column_and_all_confidence():
    logits = columns({BLANK_ID: 1.0}, {A: 0.9, B: 0.1}, {BLANK_ID: 1.0}, {A: 1.0})
    best, _ = ctc_beam_decode(logits, tf.constant([4]), L, beam_width=2)
    assert best.token_ids.numpy().tolist() == [[A, A, 0, 0]]
    np.testing.assert_allclose(best.character_confidences, [[0.9, 1.0, 0, 0]], rtol=1e-3)
    np.testing.assert_allclose(best.attention[0, :2], [[0, 1, 0, 0], [0, 0, 0, 1]], atol=1e-3)
    np.testing.assert_allclose(best.confidence, [0.9], rtol=1e-3)


@pytest.fixture(scope="module")
def random_logits():
    return 1.5 * np.random.default_rng(4).normal(size=(3, W, V))


def test_a_wide_beam_finds_the_most_probable_of_all_texts(random_logits):
    widths = [5, 3, 0]
    best, alternatives = ctc_beam_decode(
        random_logits, tf.constant(widths), L, beam_width=400, num_best=6
    )
    for example, width in enumerate(widths):
        texts = alignments.every_text(random_logits[example, :width])
        texts = {text: p for text, p in texts.items() if len(text) <= L and UNKNOWN_ID not in text}
        order = sorted(texts, key=lambda text: -texts[text])[:6]
        for place, text in enumerate(order):
            assert alternatives.token_ids[example, place].numpy().tolist() == padded(text)
            for value in (
                alternatives.confidence[example, place],
                tf.exp(alternatives.scores[example, place]),
            ):
                np.testing.assert_allclose(value, texts[text], rtol=1e-3)
        assert best.lengths[example] == len(order[0])
        if width:
            expected = alignments.posteriors(random_logits[example, :width], order[0])
            expected /= expected.sum(axis=1, keepdims=True)
            attention = best.attention[example, : len(order[0]), :width]
            np.testing.assert_allclose(attention, expected, atol=2e-3)
    # Without a column there is the empty text alone.
    assert alternatives.scores[2].numpy().tolist() == [0.0, *[-math.inf] * 5]
    assert alternatives.confidence[2].numpy().tolist() == [1.0, *[0.0] * 5]


def test_texts_stay_within_the_limit(random_logits):
    _, alternatives = ctc_beam_decode(
        random_logits[:1], tf.constant([W]), 2, beam_width=60, num_best=5
    )
    texts = alignments.every_text(random_logits[0])
    texts = {t: p for t, p in texts.items() if len(t) <= 2 and UNKNOWN_ID not in t}
    order = sorted(texts, key=lambda text: -texts[text])[:5]
    assert alternatives.token_ids[0].numpy().tolist() == [padded(text, 2) for text in order]


def test_a_narrow_beam_loses_little():
    random = np.random.default_rng(9)
    logits = 2.0 * random.normal(size=(40, W, V))
    lengths = tf.fill((40,), W)
    exact = ctc_beam_decode(logits, lengths, L, beam_width=300)[1].scores[:, 0].numpy()
    means = [
        np.mean(exact - ctc_beam_decode(logits, lengths, L, beam_width=width)[1].scores[:, 0])
        for width in (1, 4, 16)
    ]
    assert means[0] > means[1] > means[2] > -1e-3
    assert means[2] < 0.02


def test_equal_texts_come_in_the_order_of_their_token_ids():
    logits = columns({A: 0.25, B: 0.25, C: 0.25, BLANK_ID: 0.25})
    _, alternatives = ctc_beam_decode(logits, tf.constant([1]), L, beam_width=4, num_best=4)
    # Unchanged prefixes come before extended ones.
    assert alternatives.token_ids[0, :, 0].numpy().tolist() == [PAD_ID, A, B, C]


class Liking:
    """A scorer that prefers one character after an odd number of characters."""

    def initial_state(self, num_rows):
        return tf.zeros(num_rows, tf.int32)

    def scores(self, state):
        liked = tf.where(state % 2 == 1, B, A)
        return tf.one_hot(liked, V, on_value=-0.1, off_value=-2.0) - tf.one_hot(END_ID, V) * 0.5

    def advance(self, state, token_ids):
        return state + 1


def test_scorers_are_added_once_for_each_text(random_logits):
    _, alternatives = ctc_beam_decode(
        random_logits[:1],
        tf.constant([W]),
        L,
        beam_width=400,
        num_best=8,
        scorers=[Weighted(Liking(), 0.7)],
    )

    def liked(text: tuple[int, ...]) -> float:
        scores = [-0.1 if c == (A, B)[i % 2] else -2.0 for i, c in enumerate(text)]
        return sum(scores) - 2.5

    texts = alignments.every_text(random_logits[0])
    texts = {t: p for t, p in texts.items() if len(t) <= L and UNKNOWN_ID not in t}
    scores = {text: math.log(p) + 0.7 * liked(text) for text, p in texts.items()}
    order = sorted(scores, key=lambda text: -scores[text])[:8]
    assert alternatives.token_ids[0].numpy().tolist() == [padded(text) for text in order]
    np.testing.assert_allclose(alternatives.scores[0], [scores[t] for t in order], atol=1e-3)
    np.testing.assert_allclose(alternatives.confidence[0], [texts[t] for t in order], rtol=1e-3)


def test_a_graph_of_unknown_sizes_equals_eager_and_an_example_stands_alone(random_logits):
    @tf.function(
        input_signature=(
            tf.TensorSpec((None, None, V), tf.float32),
            tf.TensorSpec((None,), tf.int32),
        )
    )
    def run(logits, lengths):
        return ctc_beam_decode(logits, lengths, L, beam_width=4, num_best=2)

    logits, lengths = random_logits.astype(np.float32), np.array([5, 2, 4], np.int32)
    eager = ctc_beam_decode(logits, lengths, L, beam_width=4, num_best=2)
    in_graph = run(logits, lengths)
    for value, expected in zip(tf.nest.flatten(in_graph), tf.nest.flatten(eager), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)
    for example in range(3):
        alone = run(
            logits[example : example + 1, : lengths[example]], lengths[example : example + 1]
        )
        np.testing.assert_array_equal(alone[1].token_ids[0], eager[1].token_ids[example])
        np.testing.assert_allclose(alone[1].scores[0], eager[1].scores[example], atol=1e-4)
