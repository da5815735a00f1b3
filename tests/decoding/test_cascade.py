"""Confident greedy texts are kept; the others come from the search."""

import numpy as np
import tensorflow as tf

from attention_ocr.decoding.cascade import search_uncertain
from attention_ocr.decoding.result import Alternatives, DecoderOutput

L, N = 4, 3
A, C = 4, 6
CONFIDENCES = [0.95, 0.4, 0.9]


def decoded(token_id: int, confidences: list[float]) -> DecoderOutput:
    """Return texts of one character."""
    num_texts = len(confidences)
    first = tf.one_hot([0] * num_texts, L)
    return DecoderOutput(
        token_ids=token_id * tf.cast(first, tf.int32),
        lengths=tf.ones(num_texts, tf.int32),
        character_confidences=tf.constant(confidences)[:, None] * first,
        confidence=tf.constant(confidences),
        attention=first[..., None] * tf.one_hot([token_id % N], N),
    )


def searched(asked: list):
    def search():
        asked.append(True)
        best = decoded(C, [0.1, 0.2, 0.3])
        return best, Alternatives(
            best.token_ids[:, None], best.confidence[:, None], tf.fill((3, 1), -7.0)
        )

    return search


def test_each_example_is_kept_or_searched_by_its_own_confidence():
    asked = []
    best, alternatives = search_uncertain(decoded(A, CONFIDENCES), searched(asked), 0.9)
    assert asked == [True]
    assert best.token_ids.numpy()[:, 0].tolist() == [A, C, A]
    np.testing.assert_allclose(best.confidence, [0.95, 0.2, 0.9], rtol=1e-6)
    np.testing.assert_allclose(best.character_confidences[:, 0], [0.95, 0.2, 0.9], rtol=1e-6)
    assert best.attention.numpy()[:, 0].argmax(axis=-1).tolist() == [A % N, C % N, A % N]
    assert alternatives.token_ids.numpy()[:, 0, 0].tolist() == [A, C, A]
    np.testing.assert_allclose(alternatives.confidence[:, 0], [0.95, 0.2, 0.9], rtol=1e-6)
    np.testing.assert_allclose(
        alternatives.scores[:, 0], [np.log(0.95), -7.0, np.log(0.9)], rtol=1e-6
    )


def test_a_batch_of_high_confidence_needs_no_search():
    asked = []
    best, _ = search_uncertain(decoded(A, CONFIDENCES), searched(asked), 0.4)
    assert not asked
    assert best.token_ids.numpy()[:, 0].tolist() == [A, A, A]


def test_only_some_texts_are_searched_if_so_wished():
    asked = []
    for among, expected in [([True, False, False], None), ([True, True, False], [A, C, A])]:
        best, alternatives = search_uncertain(
            decoded(A, CONFIDENCES), searched(asked), 0.9, tf.constant(among)
        )
        assert best.token_ids.numpy()[:, 0].tolist() == (expected or [A, A, A])
        assert alternatives.token_ids.numpy()[:, 0, 0].tolist() == (expected or [A, A, A])
    assert asked == [True]


def test_a_graph_computes_nothing_of_a_search_that_is_not_needed():
    asked = []

    def count(confidence):
        asked.append(True)
        return confidence

    @tf.function
    def read(confidences):
        greedy = decoded(A, CONFIDENCES)._replace(confidence=confidences)

        def search():
            best = decoded(C, [0.1, 0.2, 0.3])
            counted = tf.ensure_shape(tf.numpy_function(count, [best.confidence], tf.float32), 3)
            alternatives = Alternatives(best.token_ids[:, None], counted[:, None], counted[:, None])
            return best._replace(confidence=counted), alternatives

        return search_uncertain(greedy, search, 0.5)[0].confidence

    np.testing.assert_allclose(read(tf.constant([0.9, 0.8, 0.7])), [0.9, 0.8, 0.7])
    assert not asked
    np.testing.assert_allclose(read(tf.constant([0.9, 0.4, 0.7])), [0.9, 0.2, 0.7])
    assert asked
