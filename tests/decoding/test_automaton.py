import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.decoding import bitset
from attention_ocr.decoding.automaton import Automaton
from attention_ocr.text.charset import END_ID

V = 70
A, B, C = 4, 37, 69
"""In three different words of 32 bits."""

# A, AB, ABC, CC; texts that begin with B lead nowhere.
STATES = [{A: 1, B: 4, C: 5}, {B: 2}, {C: 3}, {}, {A: 4}, {C: 3}]
ACCEPTING = [False, True, True, True, False, False]


@pytest.fixture(scope="module")
def automaton():
    return Automaton(STATES, ACCEPTING, V)


def allowed(automaton: Automaton, text: list[int], remaining=None) -> list[int]:
    state = automaton.initial_state(tf.constant(1))
    for token_id in text:
        state = automaton.advance(state, tf.constant([token_id]))
    return np.flatnonzero(automaton.allowed(state, remaining)[0]).tolist()


def test_allowed_tokens_lead_to_a_complete_text(automaton):
    assert allowed(automaton, []) == [A, C]
    assert allowed(automaton, [A]) == [END_ID, B]
    assert allowed(automaton, [A, B]) == [END_ID, C]
    assert allowed(automaton, [A, B, C]) == [END_ID]
    assert allowed(automaton, [C]) == [C]
    assert automaton.num_states == 5
    assert (automaton.shortest, automaton.longest) == (1, 3)


def test_tokens_that_cannot_be_completed_in_the_remaining_length_are_not_allowed(automaton):
    assert allowed(automaton, [], tf.constant(2)) == [A, C]
    assert allowed(automaton, [], tf.constant(1)) == [A]
    assert allowed(automaton, [], tf.constant(0)) == []
    assert allowed(automaton, [A], tf.constant(0)) == [END_ID]
    state = tf.constant([0, 0, 1])
    rows = automaton.allowed(state, tf.constant([1, 2, 0])).numpy()
    assert [np.flatnonzero(row).tolist() for row in rows] == [[A], [A, C], [END_ID]]
    reachable = automaton.reachable(tf.constant([0, 0, 1]), tf.constant([0, 1, 0]))
    assert reachable.numpy().tolist() == [False, True, True]


def test_a_cycle_has_no_longest_text():
    assert Automaton([{A: 0}], [True], V).longest is None
    assert Automaton([{A: 1, B: 2}, {C: 0}, {}], [False, False, True], V).longest is None
    # A circle that no whole text goes through does not count.
    assert Automaton([{A: 1, B: 2}, {C: 1}, {}], [False, False, True], V).longest == 1


def test_an_automaton_without_a_text_is_refused():
    with pytest.raises(ValueError, match="that some text satisfies"):
        Automaton([{A: 1}, {}], [False, False], V)


def test_bits_and_ranks_equal_sets():
    random = np.random.default_rng(0)
    rows = [sorted(random.choice(V, size, replace=False).tolist()) for size in (0, 1, 9, 40, V)]
    words = tf.constant(bitset.pack_rows(rows, V))
    bits = bitset.expand(words, V)
    assert [np.flatnonzero(row).tolist() for row in bits.numpy()] == rows
    expected = [[sum(i < token_id for i in row) for token_id in range(V)] for row in rows]
    np.testing.assert_array_equal(bitset.ranks(bits), expected)
    for token_id in (0, 31, 32, 63, 64, V - 1):
        ranks = bitset.rank(words, tf.fill((len(rows),), token_id))
        assert ranks.numpy().tolist() == [row[token_id] for row in expected]


def random_automaton(seed, num_states=6):
    """Return transitions over three tokens and accepting states; some lead nowhere."""
    random = np.random.default_rng(seed)
    transitions = [
        {token: int(random.integers(num_states)) for token in (A, B, C) if random.random() < 0.45}
        for _ in range(num_states)
    ]
    return transitions, (random.random(num_states) < 0.4).tolist()


def lengths_of_texts(transitions, accepting, longest):
    """Return the lengths up to a limit of the accepted texts, step by step over sets of states."""
    states, found = {0}, []
    for length in range(longest + 1):
        if any(accepting[state] for state in states):
            found.append(length)
        states = {after for state in states for after in transitions[state].values()}
    return found


@pytest.mark.parametrize("seed", range(40))
def test_the_shortest_and_the_longest_text_are_those_of_a_search(seed):
    transitions, accepting = random_automaton(seed)
    # Of six states, a text of six characters or more passes through one of them twice.
    lengths = lengths_of_texts(transitions, accepting, 2 * len(transitions))
    if not lengths:
        with pytest.raises(ValueError, match="that some text satisfies"):
            Automaton(transitions, accepting, V)
        return
    found = Automaton(transitions, accepting, V)
    assert found.shortest == lengths[0]
    assert found.longest == (lengths[-1] if lengths[-1] < len(transitions) else None)


def test_states_that_share_their_ends_have_a_longest_text():
    # Two ways of different lengths to the same end: no cycle.
    diamond = [{A: 1, B: 2, C: 3}, {A: 3}, {A: 1, B: 3}, {}]
    assert Automaton(diamond, [False, False, False, True], V).longest == 3
    chain = [{A: index + 1} for index in range(5000)]
    assert Automaton([*chain, {}], [False] * 5000 + [True], V).longest == 5000
