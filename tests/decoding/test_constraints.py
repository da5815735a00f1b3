"""Scorers and rules that are fused into a search, and how their states follow the beam."""

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding.constraints import Constraints, take_rows, with_shapes_of
from attention_ocr.decoding.protocols import Weighted

B, K, V = 2, 3, 5


class Counting:
    """A scorer whose score of each token is how many tokens came before, and the token's id."""

    def initial_state(self, num_rows):
        return tf.zeros((num_rows,), tf.float32)

    def scores(self, state):
        return state[:, None] + tf.range(V, dtype=tf.float32)[None]

    def advance(self, state, token_ids):
        return state + tf.cast(token_ids, tf.float32)


class Recording:
    """A rule that keeps the last token."""

    def initial_state(self, num_rows):
        return {"last": tf.fill((num_rows,), -1)}

    def advance(self, state, token_ids):
        del state
        return {"last": token_ids}


def test_without_scorers_and_rule_there_is_neither_score_nor_state():
    constraints = Constraints((), None)
    state = constraints.initial_state(tf.constant(B * K))
    assert state == ((), ())
    assert constraints.scores(state) is None
    assert constraints.advance(state, tf.zeros((B * K,), tf.int32)) == ((), ())


def test_scores_are_the_weighted_sum():
    constraints = Constraints((Weighted(Counting(), 2.0), Weighted(Counting(), 0.5)), None)
    state = constraints.initial_state(tf.constant(2))
    state = constraints.advance(state, tf.constant([1, 4]))
    expected = 2.5 * (np.array([[1.0], [4.0]]) + np.arange(V))
    np.testing.assert_allclose(constraints.scores(state).numpy(), expected)


def test_a_weight_may_differ_by_row():
    weight = tf.constant([[1.0], [0.0]])
    constraints = Constraints((Weighted(Counting(), weight),), None)
    scores = constraints.scores(constraints.initial_state(tf.constant(2))).numpy()
    np.testing.assert_allclose(scores, [np.arange(V), np.zeros(V)])


def test_scorers_and_rule_advance_by_the_same_tokens():
    constraints = Constraints((Weighted(Counting(), 1.0),), Recording())
    state = constraints.initial_state(tf.constant(3))
    assert state.rule["last"].numpy().tolist() == [-1, -1, -1]
    for token_ids in ([1, 2, 3], [4, 0, 1]):
        state = constraints.advance(state, tf.constant(token_ids))
    assert state.scorers[0].numpy().tolist() == [5.0, 2.0, 4.0]
    assert state.rule["last"].numpy().tolist() == [4, 0, 1]


@pytest.mark.parametrize(
    "parents", [[[0, 1, 2], [0, 1, 2]], [[2, 2, 0], [1, 0, 0]], [[1, 1, 1], [2, 2, 2]]]
)
def test_every_text_has_the_state_of_its_parent_in_its_own_example(parents):
    states = {
        "flat": tf.range(B * K),
        "wide": (tf.reshape(tf.range(B * K * 2), (B * K, 2)),),
    }
    taken = take_rows(states, tf.constant(parents))
    expected = [K * example + parent for example, row in enumerate(parents) for parent in row]
    assert taken["flat"].numpy().tolist() == expected
    assert taken["wide"][0].numpy().tolist() == [[2 * row, 2 * row + 1] for row in expected]


def test_an_empty_state_stays_empty():
    assert take_rows((), tf.zeros((B, K), tf.int32)) == ()


def test_shapes_of_a_loop_stay_as_they_were():
    @tf.function(input_signature=[tf.TensorSpec((None, K), tf.int32)])
    def shape_of(parents):
        before = {"state": tf.zeros((B * K, 4))}
        after = take_rows(before, parents)
        kept = with_shapes_of(before, after)
        assert after["state"].shape.as_list() == [None, 4]
        assert kept["state"].shape.as_list() == [B * K, 4]
        return kept["state"]

    assert shape_of(tf.zeros((B, K), tf.int32)).shape == (B * K, 4)
    with pytest.raises(tf.errors.InvalidArgumentError):
        shape_of(tf.zeros((B + 1, K), tf.int32))
