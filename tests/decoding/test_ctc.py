import itertools

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.charset import BLANK_ID, END_ID, PAD_ID, START_ID
from attention_ocr.decoding.ctc import ctc_greedy_decode

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


def test_repeats_merge_and_blanks_part_them():
    decoded = decode(WORKED_OUT[None], [8], 5)
    assert decoded.token_ids.numpy().tolist() == [[A, A, B, C, PAD_ID]]
    assert decoded.lengths.numpy().tolist() == [4]
    np.testing.assert_allclose(
        decoded.character_confidences, [[0.9, 0.8, 0.5, 0.3, 0.0]], rtol=1e-5
    )
    product = 0.7 * 0.9 * 0.6 * 0.8 * 0.5 * 0.4 * 0.9 * 0.3
    np.testing.assert_allclose(decoded.confidence, [product], rtol=1e-5)
    expected = np.zeros((5, 8))
    expected[0, :2], expected[1, 3], expected[2, 4:6], expected[3, 7] = 0.5, 1.0, 0.5, 1.0
    np.testing.assert_allclose(decoded.attention[0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("width", "token_ids", "confidence"),
    [
        (8, [A, A, B, C], 0.7 * 0.9 * 0.6 * 0.8 * 0.5 * 0.4 * 0.9 * 0.3),
        (7, [A, A, B, 0], 0.7 * 0.9 * 0.6 * 0.8 * 0.5 * 0.4 * 0.9),
        (4, [A, A, 0, 0], 0.7 * 0.9 * 0.6 * 0.8),
        (2, [A, 0, 0, 0], 0.7 * 0.9),
        (0, [0, 0, 0, 0], 1.0),
    ],
)
def test_columns_on_the_padding_are_not_read(width, token_ids, confidence):
    decoded = decode(WORKED_OUT[None], [width], 4)
    assert decoded.token_ids.numpy().tolist() == [token_ids]
    assert decoded.lengths.numpy().tolist() == [np.count_nonzero(token_ids)]
    assert not decoded.attention[0, :, width:].numpy().any()
    np.testing.assert_allclose(decoded.confidence, [confidence], rtol=1e-5)


def test_characters_behind_the_limit_are_cut():
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


def reference(probabilities: np.ndarray, max_length: int) -> tuple[list[int], list[float], float]:
    """Decode one example as the paper says, with a loop."""
    allowed = [label for label in range(V) if label not in (START_ID, END_ID)]
    probabilities = probabilities[:, allowed] / probabilities[:, allowed].sum(axis=1, keepdims=True)
    path = [allowed[label] for label in probabilities.argmax(axis=1)]
    peaks = probabilities.max(axis=1)
    token_ids, confidences, column = [], [], 0
    for label, run in itertools.groupby(path):
        length = len(list(run))
        if label != BLANK_ID:
            token_ids.append(label)
            confidences.append(peaks[column : column + length].max())
        column += length
    return token_ids[:max_length], confidences[:max_length], float(np.prod(peaks))


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
    for index, length in enumerate(lengths):
        token_ids, confidences, confidence = reference(probabilities[index, :length], max_length)
        rest = [0] * (max_length - len(token_ids))
        assert decoded.token_ids[index].numpy().tolist() == token_ids + rest
        assert int(decoded.lengths[index]) == len(token_ids)
        np.testing.assert_allclose(
            decoded.character_confidences[index], confidences + rest, rtol=1e-4
        )
        np.testing.assert_allclose(decoded.confidence[index], confidence, rtol=1e-3)
        sums = tf.reduce_sum(decoded.attention[index], axis=-1)
        np.testing.assert_allclose(sums, [1.0] * len(token_ids) + rest, atol=1e-5)
