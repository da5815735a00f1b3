import math

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.language_models import ngram
from attention_ocr.language_models.ngram import END, START, NgramModel, train_ngram
from attention_ocr.text.charset import END_ID, UNKNOWN_ID, Charset

WORDS = ["ab", "abb", "ba", "cab", "ab"]
CHARSET = Charset("xabc")


def probability(words: list[str], order: int, context: str, character: str) -> float:
    """Return Witten and Bell's estimate, by the recursion of its definition."""
    texts = [START + word + END for word in words]
    context = context[len(context) - order + 1 :] if len(context) >= order else context
    alphabet = set("".join(words))

    def estimate(context: str, character: str) -> float:
        following = [
            text[position]
            for text in texts
            for position in range(max(1, len(context)), len(text))
            if text[position - len(context) : position] == context
        ]
        lower = estimate(context[1:], character) if context else 1.0 / (len(alphabet) + 2)
        if not following:
            return lower
        different = len(set(following))
        return (following.count(character) + different * lower) / (len(following) + different)

    return estimate(context, character)


def scores_after(model: NgramModel, text: str) -> np.ndarray:
    state = model.initial_state(tf.constant(1))
    for token_id in CHARSET.encode(text):
        state = model.advance(state, tf.constant([token_id]))
    return model.scores(state).numpy()[0]


def test_a_small_model_by_hand():
    # After the start: a three times, b and c once each; three different characters.
    model = NgramModel(train_ngram(["ab", "ab", "a", "b", "c"], 2), CHARSET)
    start = np.exp(scores_after(model, ""))
    # Ten tokens, a 3, b 3, c 1, end 5: four different of twelve; five symbols below.
    lower = {"a": (3 + 4 / 5) / 16, "b": (3 + 4 / 5) / 16, "c": (1 + 4 / 5) / 16}
    counts = {"a": 3, "b": 1, "c": 1}
    for character, count in counts.items():
        token_id = CHARSET.encode(character)[0]
        np.testing.assert_allclose(start[token_id], (count + 3 * lower[character]) / 8, rtol=1e-5)
    np.testing.assert_allclose(start[CHARSET.encode("x")], 3 / 8 * 4 / 16 / 5, rtol=1e-5)


@pytest.mark.parametrize("max_dense", [0, 40, 10**6])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_graph_agrees_with_the_definition(order, max_dense, monkeypatch):
    monkeypatch.setattr(ngram, "MAX_DENSE", max_dense)
    model = NgramModel(train_ngram(WORDS, order), CHARSET)
    for text in ("", "a", "ab", "abb", "abba", "cb", "x", "xa", "bxab", "cabab"):
        scores = scores_after(model, text)
        # An unknown character resets the context.
        context = START + text if "x" not in text else text[text.rindex("x") + 1 :]
        for character in "abc":
            np.testing.assert_allclose(
                scores[CHARSET.encode(character)[0]],
                math.log(probability(WORDS, order, context, character)),
                rtol=1e-4,
            )
        np.testing.assert_allclose(
            scores[END_ID], math.log(probability(WORDS, order, context, END)), rtol=1e-4
        )
        unknown = math.log(probability(WORDS, order, context, "?"))
        np.testing.assert_allclose(scores[[CHARSET.encode("x")[0], UNKNOWN_ID]], unknown, rtol=1e-4)
        known = [*CHARSET.encode("abc"), END_ID, UNKNOWN_ID]
        np.testing.assert_allclose(np.exp(scores[known]).sum(), 1.0, rtol=1e-4)


def test_characters_that_the_recogniser_lacks_are_left_out():
    charset = Charset("ba")
    model = NgramModel(train_ngram(WORDS, 3), charset)
    state = model.initial_state(tf.constant(1))
    a, b = charset.encode("ab")
    scores = model.scores(state).numpy()[0]
    expected = [math.log(probability(WORDS, 3, START, character)) for character in "ab"]
    np.testing.assert_allclose(scores[[a, b]], expected, rtol=1e-4)


def test_glyphs_that_stand_for_another_character_are_left_out():
    arrays = train_ngram(["ab", "äb", "bä"], 3)
    plain = NgramModel(arrays, Charset("ab"))
    folded = NgramModel(arrays, Charset("ab", {"ä": "a"}))
    state = plain.initial_state(tf.constant(1))
    np.testing.assert_array_equal(folded.scores(state), plain.scores(state))


def test_a_longer_memory_fits_the_words_better():
    losses = []
    for order in (1, 2, 4):
        model = NgramModel(train_ngram(WORDS, order), CHARSET)
        loss = 0.0
        for word in WORDS:
            ids = [*CHARSET.encode(word), END_ID]
            loss -= sum(scores_after(model, word[:t])[ids[t]] for t in range(len(ids)))
        losses.append(loss)
    assert losses[0] > losses[1] > losses[2]


def test_rare_contexts_are_left_to_shorter_ones():
    # `cab` occurs once: after `c`, a model of contexts seen twice falls back to the empty one.
    model = NgramModel(train_ngram(WORDS, 3, min_count=2), CHARSET)
    whole = NgramModel(train_ngram(WORDS, 3), CHARSET)
    a = CHARSET.encode("a")[0]
    unigram = scores_after(NgramModel(train_ngram(WORDS, 1), CHARSET), "")
    np.testing.assert_allclose(scores_after(model, "c"), unigram, rtol=1e-4)
    assert scores_after(whole, "c")[a] > unigram[a] + 0.3
    np.testing.assert_allclose(
        scores_after(model, "a")[:3], scores_after(whole, "a")[:3], rtol=1e-4
    )


def test_a_model_without_case_scores_capitals_as_small_letters():
    charset = Charset("abAB")
    model = NgramModel(train_ngram(["Ab", "aB", "ba"], 3, ignore_case=True), charset)
    small = NgramModel(train_ngram(["ab", "ab", "ba"], 3), charset)
    state, expected = model.initial_state(tf.constant(1)), small.initial_state(tf.constant(1))
    for text in ("A", "b"):
        scores, lower_case = model.scores(state).numpy()[0], small.scores(expected).numpy()[0]
        np.testing.assert_allclose(scores[charset.encode("AB")], lower_case[charset.encode("ab")])
        np.testing.assert_allclose(scores[charset.encode("ab")], lower_case[charset.encode("ab")])
        state = model.advance(state, tf.constant(charset.encode(text)))
        expected = small.advance(expected, tf.constant(charset.encode(text.lower())))


@pytest.mark.parametrize("max_edges", [1, 2])
def test_contexts_with_many_characters_are_tabulated(max_edges, monkeypatch):
    expected = scores_after(NgramModel(train_ngram(WORDS, 4), CHARSET), "ab")
    monkeypatch.setattr(ngram, "MAX_EDGES", max_edges)
    monkeypatch.setattr(ngram, "MAX_DENSE", 0)
    model = NgramModel(train_ngram(WORDS, 4), CHARSET)
    np.testing.assert_allclose(scores_after(model, "ab"), expected, rtol=1e-5)
