"""A finite automaton over characters: the representation of every rule that constrains a search."""

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
    """Concatenated automata, as arrays or tensors.

    Attributes:
        bits: int32 [S, ceil(V / 32)], the tokens of each state.
        offsets: int32 [S], the place of the first edge of each state.
        targets: int32 [E], the state after each edge.
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
    """A rule for each example of a batch, or one rule for all.

    Args:
        tables: One automaton for each example, or one for all.
        vocabulary_size: V.

    Attributes:
        longest: See `protocols.Rule`; unknown.
    """

    longest: int | None = None

    def __init__(self, tables: Tables, vocabulary_size: int) -> None:
        self.tables = tables
        self._vocabulary_size = vocabulary_size

    def initial_state(self, num_rows: tf.Tensor) -> tf.Tensor:
        """Return the start states, int32 [R], of each example that of its automaton."""
        starts = tf.convert_to_tensor(self.tables.starts)
        return tf.repeat(starts, num_rows // tf.shape(starts)[0])

    def allowed(self, state: tf.Tensor, remaining: tf.Tensor | None = None) -> tf.Tensor:
        """Return bool [R, V]: the tokens after which a text can still be completed.

        Args:
            state: int32 [R].
            remaining: int32, scalar or [R], characters that still fit; `None` where the longest
                text fits.
        """
        allowed = bitset.expand(tf.gather(self.tables.bits, state), self._vocabulary_size)
        if remaining is None:
            return allowed
        places = tf.gather(self.tables.offsets, state)[:, None] + bitset.ranks(allowed)
        # Places of tokens that are not allowed may lie past the last edge.
        places = tf.minimum(places, tf.shape(self.tables.targets)[0] - 1)
        distances = tf.gather(self.tables.target_distances, places)
        return allowed & (distances < tf.reshape(remaining, (-1, 1)))

    def reachable(self, state: tf.Tensor, remaining: tf.Tensor) -> tf.Tensor:
        """Return bool [R]: whether `remaining` int32 [R] characters suffice to complete a text."""
        return tf.gather(self.tables.distances, state) <= remaining

    def advance(self, state: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
        """Return the state int32 [R] after tokens int32 [R]; any state for tokens not allowed."""
        rank = bitset.rank(tf.gather(self.tables.bits, state), token_ids)
        places = tf.minimum(
            tf.gather(self.tables.offsets, state) + rank, tf.shape(self.tables.targets)[0] - 1
        )
        return tf.gather(self.tables.targets, places)


class Automaton(TableRule):
    """Accepts texts that lead from the start to an accepting state.

    Each state has its tokens as a row of bits; its edges are stored in the order of their tokens,
    the end token among them where the state accepts. So the place of an edge is that of the
    state's first edge plus the number of smaller tokens. States from which no text can be completed
    are left out.

    Args:
        transitions: Transitions of every state.
        accepting: Whether each state is accepting.
        vocabulary_size: V.

    Attributes:
        num_states: S, the states that are kept.
        shortest: Length of the shortest text in characters.
        longest: Length of the longest text; `None` where the length is unbounded.

    Raises:
        ValueError: If no text leads to an accepting state.
    """

    def __init__(
        self, transitions: Transitions, accepting: Sequence[bool], vocabulary_size: int
    ) -> None:
        distances = _distances(transitions, accepting)
        reached = _reached(transitions)
        distances = {state: n for state, n in distances.items() if state in reached}
        if 0 not in distances:
            raise ValueError(
                "Expected a rule that some text satisfies. Received one that no text satisfies."
            )
        number = {state: index for index, state in enumerate(sorted(distances))}
        rows: list[list[tuple[int, int, int]]] = []
        for state, index in number.items():
            edges = [
                (token_id, number[after], distances[after])
                for token_id, after in transitions[state].items()
                if after in distances
            ]
            # The end token needs no room.
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
    """Return the tables of several automata as those of one rule, each with its own start."""
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
    """Return the fewest characters to an accepting state, for the states that can reach one."""
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
    """Return the length of the longest text from the start; `None` where there is a cycle."""
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
