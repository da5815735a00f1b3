import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.beam import BeamOptions, beam_decode
from attention_ocr.decoding.ctc_prefix import CTCPrefixScorer, PortableCTCPrefixScorer
from attention_ocr.decoding.ctc_scores import ctc_log_probabilities
from attention_ocr.decoding.protocols import Weighted
from attention_ocr.text.charset import END_ID, PAD_ID, START_ID, UNKNOWN_ID
from tests.decoding import alignments
from tests.decoding.stepping import bigram_decoder

V, W, L, N = 7, 5, 3, 2
A, B, C = 4, 5, 6
CHARACTERS = (UNKNOWN_ID, A, B, C)
READABLE = (A, B, C)


@pytest.fixture(scope="module")
def logits():
    return 1.5 * np.random.default_rng(11).normal(size=(2, W, V))


@pytest.fixture(scope="module", params=[CTCPrefixScorer, PortableCTCPrefixScorer])
def scorer(logits, request):
    return request.param(ctc_log_probabilities(logits, tf.constant([5, 4])))


def begins(texts: dict[tuple[int, ...], float], beginning: tuple[int, ...]) -> float:
    return sum(p for text, p in texts.items() if text[: len(beginning)] == beginning)


@pytest.mark.parametrize("text", [(), (A,), (A, A), (B, C, B), (C, A)])
def test_scores_are_those_of_all_texts_with_the_prefix(logits, scorer, text):
    # Two rows of each example, the second with other characters.
    state = scorer.initial_state(tf.constant(4))
    score = np.zeros(4)
    for position, character in enumerate(text):
        tokens = np.array([character, CHARACTERS[position], character, CHARACTERS[position]])
        score += scorer.scores(state).numpy()[np.arange(4), tokens]
        state = scorer.advance(state, tf.constant(tokens, tf.int32))
    scores = scorer.scores(state).numpy() + score[:, None]
    for example, width in enumerate((5, 4)):
        texts = alignments.every_text(logits[example, :width])
        for character in CHARACTERS:
            expected = begins(texts, (*text, character))
            np.testing.assert_allclose(
                math.exp(scores[2 * example, character]), expected, rtol=1e-3, atol=1e-12
            )
        expected = texts.get(text, 0.0)
        np.testing.assert_allclose(math.exp(scores[2 * example, END_ID]), expected, rtol=1e-3)


def test_both_scorers_agree_over_many_columns():
    sharp = 6.0 * np.random.default_rng(3).normal(size=(2, 64, V))
    log_probabilities = ctc_log_probabilities(sharp, tf.constant([64, 50]))
    scorers = CTCPrefixScorer(log_probabilities), PortableCTCPrefixScorer(log_probabilities)
    states = [scorer.initial_state(tf.constant(2)) for scorer in scorers]
    total = np.zeros(2)
    for _ in range(12):
        exact, relative = (
            scorer.scores(state).numpy() for scorer, state in zip(scorers, states, strict=True)
        )
        likely = exact > -30.0
        np.testing.assert_allclose(relative[likely], exact[likely], rtol=1e-2, atol=1e-3)
        assert (relative[~likely] < -29.0).all()
        # The last but one of the characters.
        tokens = np.array(CHARACTERS)[np.argsort(exact[:, CHARACTERS], axis=1)[:, 1]]
        total += exact[np.arange(2), tokens]
        states = [
            scorer.advance(state, tf.constant(tokens, tf.int32))
            for scorer, state in zip(scorers, states, strict=True)
        ]
    assert (total < -20.0).all()


def test_no_score_is_above_0(scorer):
    state = scorer.initial_state(tf.constant(2))
    for character in (A, A, B, C, C, A):
        assert (scorer.scores(state).numpy() <= 0.0).all()
        state = scorer.advance(state, tf.constant([character, B]))


@pytest.mark.parametrize("weight", [0.0, 0.4, 0.9])
def test_joint_decoding_finds_the_best_sum_of_all_texts(logits, scorer, weight):
    table = 1.5 * np.random.default_rng(12).normal(size=(2, L + 1, V, V))
    step, log_table = bigram_decoder(table, N)

    options = BeamOptions(4**L * 2, num_best=4, attention_weight=1.0 - weight)
    sizes = (tf.constant(2), tf.constant(N), L)
    state = (tf.range(2), tf.zeros(2, tf.int32))
    _, alternatives = beam_decode(step, state, *sizes, options, [Weighted(scorer, weight)])
    for example, width in enumerate((5, 4)):
        by_ctc = alignments.every_text(logits[example, :width])
        scores, attention = {}, {}
        for length in range(L + 1):
            for text in itertools.product(READABLE, repeat=length):
                tokens = [START_ID, *text, END_ID]
                attention[text] = sum(
                    log_table[example, t, tokens[t], tokens[t + 1]] for t in range(length + 1)
                )
                ctc = math.log(by_ctc[text]) if text in by_ctc else -99.0
                scores[text] = (1 - weight) * attention[text] + weight * ctc
        order = sorted(scores, key=lambda text: -scores[text])[:4]
        found = alternatives.token_ids[example].numpy().tolist()
        assert found == [[*text, *[PAD_ID] * (L - len(text))] for text in order]
        np.testing.assert_allclose(
            alternatives.scores[example], [scores[t] for t in order], rtol=2e-3
        )
        # The confidences of both, character by character.
        expected = []
        for text in order:
            tokens = [START_ID, *text, END_ID]
            state, confidence = scorer.initial_state(tf.constant(2)), 1.0
            for t, token_id in enumerate(tokens[1:]):
                scores = weight * scorer.scores(state).numpy()[example]
                confidence *= tf.nn.softmax(table[example, t, tokens[t]] + scores)[token_id].numpy()
                state = scorer.advance(state, tf.fill((2,), token_id))
            expected.append(confidence)
        np.testing.assert_allclose(alternatives.confidence[example], expected, rtol=2e-3)
