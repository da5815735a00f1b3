"""A finite automaton over characters: the one form of every rule that a search keeps."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from attention_ocr.decoding import bitset
from attention_ocr.text.charset import END_ID

Transitions = Sequence[Mapping[int, int]]
"""For each state, the next state by token id. State 0 is the start."""


class Tables(NamedTuple):
    """Automata as arrays, or tensors, one behind the other.

    Attributes:
        bits: int32 [S, ceil(V / 32)], the tokens of each state.
        offsets: int32 [S], the place of the first edge of each state.
        targets: int32 [E], the state behind each edge.
        target_distances: int32 [E], the fewest characters from there to an accepting state.
        distances: int32 [S], from each state.
        starts: int32 [A], the start of each automaton.
    """

    bits: Any
    offsets: Any
    targets: Any
    target_distances: Any
    distances: Any
    starts: Any


class TableRule:
    """A rule for each example of a batch, or one for all.

    Args:
        tables: of as many automata as there are examples, or of one.
        vocabulary_size: V.

    Attributes:
        longest: see `scorer.Rule`; not known.
    """

    longest: int | None = None

    def __init__(self, tables: Tables, vocabulary_size: int) -> None:
        self.tables = tables
        self._vocabulary_size = vocabulary_size

    def initial_state(self, num_rows: tf.Tensor) -> tf.Tensor:
        """Return the start, int32 [R], of the rows of each example that of its automaton."""
        starts = tf.convert_to_tensor(self.tables.starts)
        return tf.repeat(starts, num_rows // tf.shape(starts)[0])

    def allowed(self, state: tf.Tensor, remaining: tf.Tensor | None = None) -> tf.Tensor:
        """Return bool [R, V]: the tokens behind which a text can still be completed.

        Args:
            state: int32 [R].
            remaining: int32, scalar or [R], characters for which there is room; none where there
                is room for the longest text.
        """
        allowed = bitset.expand(tf.gather(self.tables.bits, state), self._vocabulary_size)
        if remaining is None:
            return allowed
        places = tf.gather(self.tables.offsets, state)[:, None] + bitset.ranks(allowed)
        # Places of tokens that are not allowed may lie behind the last edge.
        places = tf.minimum(places, tf.shape(self.tables.targets)[0] - 1)
        distances = tf.gather(self.tables.target_distances, places)
        return allowed & (distances < tf.reshape(remaining, (-1, 1)))

    def reachable(self, state: tf.Tensor, remaining: tf.Tensor) -> tf.Tensor:
        """Return bool [R]: whether `remaining` int32 [R] characters suffice to complete a text."""
        return tf.gather(self.tables.distances, state) <= remaining

    def advance(self, state: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
        """Return the state int32 [R] behind tokens int32 [R] that are allowed; else any state."""
        rank = bitset.rank(tf.gather(self.tables.bits, state), token_ids)
        places = tf.minimum(
            tf.gather(self.tables.offsets, state) + rank, tf.shape(self.tables.targets)[0] - 1
        )
        return tf.gather(self.tables.targets, places)


class Automaton(TableRule):
    """Lets texts through that lead from the start to an accepting state.

    Each state has its tokens as a row of bits; its edges stand side by side in the order of their
    tokens, the end token among them where the state accepts. So the place of an edge is that of the
    state's first one and the number of smaller tokens. States from which no text can be completed
    are left out.

    Args:
        transitions: of every state.
        accepting: bool for every state.
        vocabulary_size: V.

    Attributes:
        num_states: S, those that are left.
        shortest: characters of the shortest text.
        longest: of the longest; none where there is no longest.

    Raises:
        ValueError: no text leads to an accepting state.
    """

    def __init__(
        self, transitions: Transitions, accepting: Sequence[bool], vocabulary_size: int
    ) -> None:
        distances = _distances(transitions, accepting)
        reached = _reached(transitions)
        distances = {state: n for state, n in distances.items() if state in reached}
        if 0 not in distances:
            raise ValueError("Expected a rule that some text keeps. Received one that none does.")
        number = {state: index for index, state in enumerate(sorted(distances))}
        rows: list[list[tuple[int, int, int]]] = []
        for state, index in number.items():
            edges = [
                (token_id, number[after], distances[after])
                for token_id, after in transitions[state].items()
                if after in distances
            ]
            # No text is too long to end.
            edges += [(END_ID, index, -1)] if accepting[state] else []
            rows.append(sorted(edges))
        sizes = np.array([len(row) for row in rows])
        edges = [edge for row in rows for edge in row]
        tables = Tables(
            bits=bitset.pack_rows(
                [[token_id for token_id, _, _ in row] for row in rows], vocabulary_size
            ),
            offsets=(np.cumsum(sizes) - sizes).astype(np.int32),
            targets=np.array([after for _, after, _ in edges], np.int32),
            target_distances=np.array([distance for _, _, distance in edges], np.int32),
            distances=np.array([distances[state] for state in number], np.int32),
            starts=np.zeros(1, np.int32),
        )
        super().__init__(tables, vocabulary_size)
        self.num_states = len(rows)
        self.shortest = int(tables.distances[0])
        self.longest = _longest(rows)

    def initial_state(self, num_rows: tf.Tensor) -> tf.Tensor:
        """Return the start, int32 [R]."""
        return tf.zeros(tf.reshape(num_rows, (1,)), tf.int32)


def stack(automata: Sequence[Automaton]) -> Tables:
    """Return the tables of several automata as those of one rule, each with a start of its own."""
    tables = [automaton.tables for automaton in automata]
    sizes = np.array([len(table.offsets) for table in tables])
    num_edges = np.array([len(table.targets) for table in tables])
    states = (np.cumsum(sizes) - sizes).astype(np.int32)
    edges = (np.cumsum(num_edges) - num_edges).astype(np.int32)
    return Tables(
        bits=np.concatenate([table.bits for table in tables]),
        offsets=np.concatenate([t.offsets + first for t, first in zip(tables, edges, strict=True)]),
        targets=np.concatenate(
            [t.targets + first for t, first in zip(tables, states, strict=True)]
        ),
        target_distances=np.concatenate([table.target_distances for table in tables]),
        distances=np.concatenate([table.distances for table in tables]),
        starts=states,
    )


def _distances(transitions: Transitions, accepting: Sequence[bool]) -> dict[int, int]:
    """Return the fewest characters to an accepting state, of the states that have a way there."""
    before: list[list[int]] = [[] for _ in transitions]
    for state, edges in enumerate(transitions):
        for after in edges.values():
            before[after].append(state)
    distances = {state: 0 for state, accepts in enumerate(accepting) if accepts}
    queue = deque(distances)
    while queue:
        after = queue.popleft()
        for state in before[after]:
            if state not in distances:
                distances[state] = distances[after] + 1
                queue.append(state)
    return distances


def _reached(transitions: Transitions) -> set[int]:
    """Return the states to which some text leads."""
    found, stack = {0}, [0]
    while stack:
        for after in transitions[stack.pop()].values():
            if after not in found:
                found.add(after)
                stack.append(after)
    return found


def _longest(rows: Sequence[Sequence[tuple[int, int, int]]]) -> int | None:
    """Return the characters of the longest text from the start; none where there is a circle."""
    lengths: dict[int, int | None] = {}
    stack = [0]
    while stack:
        state = stack[-1]
        following = {after for token_id, after, _ in rows[state] if token_id != END_ID}
        if state not in lengths:
            lengths[state] = None
            for after in following:
                if after not in lengths:
                    stack.append(after)
                elif lengths[after] is None:
                    return None
            continue
        stack.pop()
        if lengths[state] is None:
            lengths[state] = max((1 + (lengths[after] or 0) for after in following), default=0)
    return lengths[0]
