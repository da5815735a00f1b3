"""Language models in a search, against the sums over every text."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.beam import BeamOptions, beam_decode
from attention_ocr.decoding.context import prepare_decoding
from attention_ocr.decoding.ctc_beam import ctc_beam_decode
from attention_ocr.decoding.protocols import Weighted
from attention_ocr.language_models.files import save_language_model
from attention_ocr.language_models.lstm import LSTMModel, train_lstm
from attention_ocr.language_models.ngram import NgramModel, train_ngram
from attention_ocr.text.charset import END_ID, PAD_ID, START_ID, UNKNOWN_ID, Charset
from tests import tiny
from tests.decoding import alignments

CHARSET = Charset("abc")
V, L, N, W = CHARSET.vocabulary_size, 3, 2, 5
WORDS = ["ab", "abc", "cab", "ba"]
TEXTS = [
    text
    for length in range(L + 1)
    for text in itertools.product((UNKNOWN_ID, *CHARSET.encode("abc")), repeat=length)
]


@pytest.fixture(scope="module", params=["ngram", "lstm"])
def model(request):
    if request.param == "ngram":
        return NgramModel(train_ngram(WORDS, 3), CHARSET)
    return LSTMModel(train_lstm(WORDS, units=5, epochs=3), CHARSET)


@pytest.fixture(scope="module")
def log_probabilities(model) -> dict[tuple[int, ...], float]:
    """Score every text with the model, token by token."""
    scores = {}
    for text in TEXTS:
        state, total = model.initial_state(tf.constant(1)), 0.0
        for token_id in text:
            total += float(model.scores(state)[0, token_id])
            state = model.advance(state, tf.constant([token_id]))
        scores[text] = total + float(model.scores(state)[0, END_ID])
    return scores


def padded(text: tuple[int, ...]) -> list[int]:
    return [*text, *[PAD_ID] * (L - len(text))]


def test_the_best_sum_of_ctc_and_language_is_found(model, log_probabilities):
    logits = 1.5 * np.random.default_rng(3).normal(size=(1, W, V))
    probabilities = alignments.every_text(logits[0])
    scores = {
        text: math.log(probabilities[text]) + 0.8 * log_probabilities[text]
        for text in TEXTS
        # The unknown character is never read.
        if text in probabilities and UNKNOWN_ID not in text
    }
    order = sorted(scores, key=lambda text: -scores[text])[:6]
    _, found = ctc_beam_decode(logits, tf.constant([W]), L, 200, 6, [Weighted(model, 0.8)])
    assert found.token_ids[0].numpy().tolist() == [padded(text) for text in order]
    np.testing.assert_allclose(found.scores[0], [scores[text] for text in order], atol=2e-3)


def test_the_best_sum_of_attention_and_language_is_found(model, log_probabilities):
    table = 1.5 * np.random.default_rng(4).normal(size=(L + 1, V, V))
    table[..., [PAD_ID, START_ID]] = -1e9
    log_table = table - np.log(np.exp(table).sum(axis=-1, keepdims=True))

    def step(token_ids, t):
        logits = tf.gather_nd(tf.constant(table, tf.float32), tf.stack([t, token_ids], axis=1))
        return logits, t + 1, tf.ones((tf.shape(t)[0], N)) / N

    scores = {}
    for text in TEXTS:
        tokens = [START_ID, *text, END_ID]
        read = sum(log_table[t, tokens[t], tokens[t + 1]] for t in range(len(text) + 1))
        scores[text] = read + 0.8 * log_probabilities[text]
    order = sorted(scores, key=lambda text: -scores[text])[:6]
    sizes = (tf.constant(1), tf.constant(N), L)
    options = BeamOptions(200, 6)
    _, found = beam_decode(step, tf.zeros(1, tf.int32), *sizes, options, [Weighted(model, 0.8)])
    assert found.token_ids[0].numpy().tolist() == [padded(text) for text in order]
    np.testing.assert_allclose(found.scores[0], [scores[text] for text in order], atol=1e-3)


def test_confidences_follow_a_language_model(model):
    rows = np.random.default_rng(5).normal(size=(L + 1, V)).astype(np.float32)
    rows[:, [PAD_ID, START_ID]] = -1e9

    def step(_, t):
        return tf.gather(tf.constant(rows), t), t + 1, tf.ones((tf.shape(t)[0], N)) / N

    def decode(temperature):
        sizes = (tf.constant(1), tf.constant(N), L)
        scorers = [Weighted(model, 0.8)]
        begin = tf.zeros(1, tf.int32)
        return beam_decode(step, begin, *sizes, BeamOptions(4), scorers, None, temperature)[0]

    for temperature in (2.0, 1.0):
        best = decode(temperature)
        tokens = [*best.token_ids[0, : int(best.lengths[0])].numpy().tolist(), END_ID]
        state, expected = model.initial_state(tf.constant(1)), 1.0
        for t, token_id in enumerate(tokens):
            logits = rows[t] / temperature + 0.8 * model.scores(state)[0].numpy()
            expected *= float(tf.nn.softmax(logits)[token_id])
            state = model.advance(state, tf.constant([token_id]))
        np.testing.assert_allclose(best.confidence, [expected], rtol=1e-3)


def test_without_a_weight_the_file_is_not_even_opened(tmp_path):
    config = tiny.config(language_model=str(tmp_path / "nowhere.npz"))
    assert prepare_decoding(config, tiny.CHARSET).scorers == ()
    with pytest.raises(FileNotFoundError, match="nowhere.npz"):
        prepare_decoding(config.with_decoding({"language_model_weight": 0.1}), tiny.CHARSET)
    with pytest.raises(ValueError, match="needs a `language_model`. Received: 0.1"):
        tiny.config(language_model_weight=0.1)
    path = tmp_path / "model.npz"
    save_language_model(train_ngram(WORDS, 3), path)
    values = {"language_model": str(path), "language_model_weight": 0.1}
    assert prepare_decoding(config.with_decoding(values), tiny.CHARSET).scorers[0].weight == 0.1
