import itertools

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.ctc import ctc_greedy_decode
from attention_ocr.decoding.ctc_scores import ctc_log_probabilities, text_log_probability
from attention_ocr.text.charset import BLANK_ID, END_ID, PAD_ID, START_ID, UNKNOWN_ID
from tests.decoding import alignments

V = 7
A, B, C = 4, 5, 6


def path_probabilities(path: list[tuple[int, float]]) -> np.ndarray:
    """Return probabilities [W, V] in which each column has one label of the given probability."""
    columns = []
    for label, probability in path:
        column = np.full(V, (1.0 - probability) / (V - 3))
        column[[START_ID, END_ID]] = 1e-30
        column[label] = probability
        columns.append(column)
    return np.array(columns)


def decode(probabilities: np.ndarray, lengths: list[int], max_length: int):
    return ctc_greedy_decode(
        tf.constant(np.log(probabilities), tf.float32), tf.constant(lengths), max_length
    )


WORKED_OUT = path_probabilities(
    [(A, 0.7), (A, 0.9), (BLANK_ID, 0.6), (A, 0.8), (B, 0.5), (B, 0.4), (BLANK_ID, 0.9), (C, 0.3)]
)


def test_repeats_merge_and_blanks_separate_them():
    decoded = decode(WORKED_OUT[None], [8], 5)
    assert decoded.token_ids.numpy().tolist() == [[A, A, B, C, PAD_ID]]
    assert decoded.lengths.numpy().tolist() == [4]
    np.testing.assert_allclose(
        decoded.character_confidences, [[0.9, 0.8, 0.5, 0.3, 0.0]], rtol=1e-5
    )
    texts = alignments.every_text(np.log(WORKED_OUT))
    np.testing.assert_allclose(decoded.confidence, [texts[A, A, B, C]], rtol=1e-4)
    expected = np.zeros((5, 8))
    expected[0, :2], expected[1, 3], expected[2, 4:6], expected[3, 7] = 0.5, 1.0, 0.5, 1.0
    np.testing.assert_allclose(decoded.attention[0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("width", "token_ids"),
    [
        (8, [A, A, B, C]),
        (7, [A, A, B, 0]),
        (4, [A, A, 0, 0]),
        (2, [A, 0, 0, 0]),
        (0, [0, 0, 0, 0]),
    ],
)
def test_columns_on_the_padding_are_not_read(width, token_ids):
    decoded = decode(WORKED_OUT[None], [width], 4)
    assert decoded.token_ids.numpy().tolist() == [token_ids]
    assert decoded.lengths.numpy().tolist() == [np.count_nonzero(token_ids)]
    assert not decoded.attention[0, :, width:].numpy().any()
    texts = alignments.every_text(np.log(WORKED_OUT[:width]))
    confidence = texts[tuple(token_id for token_id in token_ids if token_id)]
    np.testing.assert_allclose(decoded.confidence, [confidence], rtol=1e-4)


def test_confidence_is_the_probability_of_the_text_and_not_of_one_path():
    # Every path of the text "a" is one of 2 to the columns, and yet the text is certain.
    column = np.full(V, 1e-30)
    column[[BLANK_ID, A]] = 0.499, 0.501
    decoded = decode(np.array([column] * 3)[None], [3], 5)
    texts = alignments.every_text(np.log(np.array([column] * 3)))
    assert decoded.token_ids[0].numpy().tolist() == [A, 0, 0, 0, 0]
    np.testing.assert_allclose(decoded.confidence, [texts[A,]], rtol=1e-4)
    assert decoded.confidence[0] > 5 * 0.501**3


def test_a_temperature_changes_the_confidence_and_no_text():
    logits = tf.constant(np.log(WORKED_OUT[None]), tf.float32)
    plain, softer = (ctc_greedy_decode(logits, tf.constant([8]), 5, heat) for heat in (1.0, 2.0))
    np.testing.assert_array_equal(plain.token_ids, softer.token_ids)
    texts = alignments.every_text(np.log(WORKED_OUT) / 2.0)
    np.testing.assert_allclose(softer.confidence, [texts[A, A, B, C]], rtol=1e-4)


def test_the_unknown_character_is_never_read_and_lowers_the_confidence():
    probabilities = path_probabilities([(UNKNOWN_ID, 0.7), (BLANK_ID, 0.9), (B, 0.8)])
    probabilities[0, [A, B, C, BLANK_ID]] = 0.2, 0.05, 0.03, 0.02
    decoded = decode(probabilities[None], [3], 4)
    assert decoded.token_ids.numpy().tolist() == [[A, B, 0, 0]]
    texts = alignments.every_text(np.log(probabilities))
    np.testing.assert_allclose(decoded.confidence, [texts[A, B]], rtol=1e-4)
    assert decoded.confidence[0] < 0.2


def test_a_long_text_of_likely_characters_keeps_its_confidence():
    # Two hundred columns: more than fit into a product of probabilities without a scale.
    path = [(label, 0.8) for index in range(50) for label in (A + index % 3, BLANK_ID) * 2]
    logits = tf.constant(np.log(path_probabilities(path)[None]), tf.float32)
    lengths = tf.constant([200])
    decoded = ctc_greedy_decode(logits, lengths, 120)
    log_probability = text_log_probability(
        ctc_log_probabilities(logits, lengths), decoded.token_ids
    )
    assert np.isfinite(log_probability.numpy()).all()
    np.testing.assert_allclose(np.log(decoded.confidence), log_probability, rtol=1e-3)


def test_characters_after_the_limit_are_cut():
    decoded = decode(WORKED_OUT[None], [8], 2)
    assert decoded.token_ids.numpy().tolist() == [[A, A]]
    assert decoded.lengths.numpy().tolist() == [2]
    assert decoded.character_confidences.shape == (1, 2)
    assert decoded.attention.shape == (1, 2, 8)


def test_nothing_but_blanks_is_an_empty_text():
    decoded = decode(path_probabilities([(BLANK_ID, 0.9)] * 3)[None], [3], 4)
    assert decoded.lengths.numpy().tolist() == [0]
    assert not decoded.character_confidences.numpy().any()
    assert not decoded.attention.numpy().any()
    np.testing.assert_allclose(decoded.confidence, [0.9**3], rtol=1e-5)


def test_start_and_end_are_never_read_and_have_no_probability():
    column = np.full(V, 1e-30)
    column[[START_ID, END_ID, A, B]] = 0.5, 0.3, 0.15, 0.05
    decoded = decode(column[None, None], [1], 2)
    assert decoded.token_ids.numpy().tolist() == [[A, 0]]
    np.testing.assert_allclose(decoded.confidence, [0.75], rtol=1e-5)


def test_of_two_equal_labels_the_lower_id_is_taken():
    column = np.full(V, 1e-30)
    column[[A, B]] = 0.5
    assert decode(column[None, None], [1], 2).token_ids.numpy().tolist() == [[A, 0]]


def reference(probabilities: np.ndarray, max_length: int) -> tuple[list[int], list[float]]:
    """Decode one example as in the paper, with a loop."""
    allowed = [label for label in range(V) if label not in (START_ID, END_ID)]
    readable = [place for place, label in enumerate(allowed) if label != UNKNOWN_ID]
    probabilities = probabilities[:, allowed] / probabilities[:, allowed].sum(axis=1, keepdims=True)
    path = [allowed[readable[place]] for place in probabilities[:, readable].argmax(axis=1)]
    peaks = probabilities[:, readable].max(axis=1)
    token_ids, confidences, column = [], [], 0
    for label, run in itertools.groupby(path):
        length = len(list(run))
        if label != BLANK_ID:
            token_ids.append(label)
            confidences.append(peaks[column : column + length].max())
        column += length
    return token_ids[:max_length], confidences[:max_length]


@pytest.mark.parametrize("max_length", [3, 20])
def test_it_equals_a_plain_loop_on_random_logits(max_length):
    random = np.random.default_rng(max_length)
    num_examples, num_columns = 64, 12
    # Sharp enough that repeats and blanks abound.
    logits = 3.0 * random.normal(size=(num_examples, num_columns, V))
    logits[..., BLANK_ID] += 1.0
    logits += np.roll(logits, 1, axis=1)
    lengths = random.integers(0, num_columns + 1, num_examples)
    run = tf.function(
        lambda logits, lengths: ctc_greedy_decode(logits, lengths, max_length),
        input_signature=(
            tf.TensorSpec((None, None, None), tf.float32),
            tf.TensorSpec((None,), tf.int32),
        ),
    )
    decoded = run(logits.astype(np.float32), lengths.astype(np.int32))
    probabilities = np.exp(logits)
    log_probabilities = ctc_log_probabilities(tf.cast(logits, tf.float32), lengths)
    expected = tf.exp(text_log_probability(log_probabilities, decoded.token_ids))
    # Of texts that were cut, nearly nothing is left.
    np.testing.assert_allclose(decoded.confidence, expected, rtol=2e-3, atol=1e-12)
    for index, length in enumerate(lengths):
        token_ids, confidences = reference(probabilities[index, :length], max_length)
        rest = [0] * (max_length - len(token_ids))
        assert decoded.token_ids[index].numpy().tolist() == token_ids + rest
        assert int(decoded.lengths[index]) == len(token_ids)
        np.testing.assert_allclose(
            decoded.character_confidences[index], confidences + rest, rtol=1e-4
        )
        sums = tf.reduce_sum(decoded.attention[index], axis=-1)
        np.testing.assert_allclose(sums, [1.0] * len(token_ids) + rest, atol=1e-5)
