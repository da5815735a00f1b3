import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.ctc_scores import (
    SMALLEST,
    align,
    ctc_log_probabilities,
    text_log_probability,
)
from attention_ocr.text.charset import BLANK_ID, END_ID, START_ID
from tests.decoding import alignments

V, W, L = 7, 5, 4
A, B, C = 4, 5, 6


def padded(text: tuple[int, ...]) -> list[int]:
    return [*text, *[BLANK_ID] * (L - len(text))]


@pytest.fixture(scope="module", params=[0, 1])
def logits(request):
    return 2.0 * np.random.default_rng(request.param).normal(size=(W, V))


def test_start_end_and_padding_have_no_part_in_the_labels(logits):
    log_probabilities = ctc_log_probabilities(logits[None], tf.constant([3])).numpy()[0]
    expected = np.maximum(alignments.log_softmax(logits), SMALLEST)
    np.testing.assert_allclose(log_probabilities[:3], expected[:3], rtol=1e-5)
    assert log_probabilities[3:, BLANK_ID].tolist() == [0.0, 0.0]
    assert (np.delete(log_probabilities[3:], BLANK_ID, axis=1) == SMALLEST).all()
    assert (log_probabilities[:, [START_ID, END_ID]] == SMALLEST).all()


def test_a_temperature_flattens_the_labels(logits):
    hot = ctc_log_probabilities(logits[None], tf.constant([W]), temperature=2.0).numpy()[0]
    np.testing.assert_allclose(hot[:, 3:], alignments.log_softmax(logits / 2)[:, 3:], rtol=1e-4)


@pytest.mark.parametrize("width", [1, 3, 5])
def test_a_text_is_as_probable_as_all_its_paths_together(logits, width):
    texts = {t: p for t, p in alignments.every_text(logits[:width]).items() if len(t) <= L}
    assert len(texts) > width
    repeated = np.repeat(logits[None], len(texts), axis=0)
    log_probabilities = ctc_log_probabilities(repeated, tf.fill((len(texts),), width))
    token_ids = tf.constant([padded(text) for text in texts])
    result = tf.exp(text_log_probability(log_probabilities, token_ids))
    np.testing.assert_allclose(result, list(texts.values()), rtol=1e-3)


def test_two_equal_characters_need_a_column_between_them(logits):
    log_probabilities = ctc_log_probabilities(np.repeat(logits[None], 2, 0), tf.constant([2, 3]))
    token_ids = tf.constant([padded((A, A))] * 2)
    result = tf.exp(text_log_probability(log_probabilities, token_ids)).numpy()
    assert result[0] < 1e-20
    exact = np.exp(alignments.log_softmax(logits))
    np.testing.assert_allclose(result[1], exact[0, A] * exact[1, BLANK_ID] * exact[2, A], rtol=1e-3)


def test_characters_stand_where_their_paths_put_them(logits):
    texts = [(A,), (B, A), (C, C), (A, B, C), ()]
    widths = [4, 5, 5, 5, 3]
    log_probabilities = ctc_log_probabilities(
        np.repeat(logits[None], len(texts), 0), tf.constant(widths)
    )
    token_ids = tf.constant([padded(text) for text in texts])
    aligned = align(log_probabilities, tf.constant(widths), token_ids)
    for index, (text, width) in enumerate(zip(texts, widths, strict=True)):
        expected = np.zeros((L, W))
        expected[: len(text), :width] = alignments.posteriors(logits[:width], text)
        np.testing.assert_allclose(aligned.posteriors[index], expected, atol=2e-3)


def test_long_and_certain_columns_keep_their_precision():
    # 64 columns, each with its label at odds of a million.
    text = [A, B, C, A, C, B, A, B]
    logits = np.zeros((1, 64, V))
    for column in range(64):
        label = text[column // 8] if column % 8 == 3 else BLANK_ID
        logits[0, column, label] = np.log(1e6)
    log_probabilities = ctc_log_probabilities(logits, tf.constant([64]))
    token_ids = tf.constant([text])
    # The likeliest label has 1e6 / (1e6 + 4) of each column, other paths hardly anything.
    np.testing.assert_allclose(
        text_log_probability(log_probabilities, token_ids), [-64 * 4e-6], atol=3e-4
    )
    posteriors = align(log_probabilities, tf.constant([64]), token_ids).posteriors
    np.testing.assert_allclose(posteriors[0, :, 3::8], np.eye(8), atol=1e-3)
