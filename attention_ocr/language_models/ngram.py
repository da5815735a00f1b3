"""A character n-gram model, counted from words and looked up in the graph."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from attention_ocr.io.progress import with_progress
from attention_ocr.text.charset import END_ID, Charset

START, END = "\x02", "\x03"
"""Start and end of a word; no charset file may hold them."""

KIND = "ngram"
MAX_DENSE = 2**16
"""Most scores tabulated for the shortest contexts: a quarter of a megabyte."""

MAX_WORKED_OUT = 2**28
"""Most scores tabulated in all: a gigabyte, tens of times that of any real model."""

MAX_EDGES = 16
"""Most characters looked up one by one; a context with more edges is tabulated."""


def count_ngrams(words: Iterable[str], order: int, min_count: int = 1) -> dict[str, dict[str, int]]:
    """Count the characters after each context of fewer than `order` characters.

    Args:
        words: Words in NFC; a word that occurs twice counts twice.
        order: n, length of the longest n-gram; the start of a word is part of it, once.
        min_count: Contexts seen less often are left out, except for the empty one.

    Returns:
        For each context, from the empty one on, how often each character or `END` follows.
    """
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for word in words:
        text = START + word + END
        for position in range(1, len(text)):
            for length in range(min(order - 1, position) + 1):
                counts[text[position - length : position]][text[position]] += 1
    # A context is seen no more often than the next shorter one, which is therefore kept too.
    return {
        context: following
        for context, following in counts.items()
        if not context or sum(following.values()) >= min_count
    }


def _counted(words: Iterable[str], ignore_case: bool) -> Iterator[str]:
    words = (word.lower() for word in words) if ignore_case else words
    yield from with_progress(words, "counting", unit="word")


def train_ngram(
    words: Iterable[str], order: int, min_count: int = 1, ignore_case: bool = False
) -> dict[str, np.ndarray]:
    """Estimate an n-gram model with Witten-Bell smoothing.

    `p(c | h) = (count(h c) + d(h) p(c | h')) / (count(h) + d(h))`, where `d(h)` is the number of
    different characters that follow h, and h' is h without its first character (Chen and Goodman,
    1999, section 2.6). Below the empty context, all characters of the words, the end and one
    unknown character are equally likely. Kneser-Ney smoothing needs counts that occur once, which
    the short contexts of characters do not have.

    Args:
        words: Words in NFC, at least one.
        order: n.
        min_count: Contexts seen less often back off to the next shorter ones.
        ignore_case: Whether to count and score capital letters as small ones.

    Returns:
        The arrays of a model file, see `NgramModel`.
    """
    counts = count_ngrams(_counted(words, ignore_case), order, min_count)
    characters = sorted({c for following in counts.values() for c in following} - {END})
    unknown = 1.0 / (len(characters) + 2)
    contexts = sorted(counts, key=lambda context: (len(context), context))
    number = {context: index for index, context in enumerate(contexts)}
    symbol = {character: index for index, character in enumerate([*characters, END])}
    probabilities: dict[str, dict[str, float]] = {}
    edges: list[tuple[int, float, int]] = []
    sizes, backoffs, shorter = [], [], []
    for context in contexts:
        following = counts[context]
        total, different = sum(following.values()), len(following)
        lower = probabilities.get(context[1:], {}) if context else {}
        probabilities[context] = {
            character: (count + different * lower.get(character, unknown)) / (total + different)
            for character, count in following.items()
        }
        for character in sorted(following, key=symbol.__getitem__):
            after = (context + character)[1 - order :] if order > 1 else ""
            target = _longest_known(number, after)
            edges.append((symbol[character], probabilities[context][character], target))
        sizes.append(different)
        backoffs.append(different / (total + different))
        shorter.append(number[context[1:]] if context else 0)
    return {
        "kind": np.array(KIND),
        "order": np.array(order),
        "characters": np.array(characters),
        "sizes": np.array(sizes, np.int32),
        "symbols": np.array([edge[0] for edge in edges], np.int32),
        "log_probabilities": np.log([edge[1] for edge in edges]).astype(np.float32),
        "targets": np.array([edge[2] for edge in edges], np.int32),
        "log_backoffs": np.log(backoffs).astype(np.float32),
        "shorter": np.array(shorter, np.int32),
        "start": np.array(number.get(START, 0)),
        "log_unknown": np.array(np.log(unknown), np.float32),
        "ignores_case": np.array(ignore_case),
    }


def _longest_known(number: Mapping[str, int], text: str) -> int:
    """Return the longest context at the end of a text; after the end of a word, the empty one."""
    while text not in number:
        text = text[1:]
    return number[text]


class NgramState(NamedTuple):
    """Scores after R texts; N is the length of the longest chain of contexts.

    Attributes:
        scores: float32 [R, S], log-probability of each next symbol.
        symbols: int32 [R, N, K], symbols with an edge from the contexts of a chain, or none; K is
            `MAX_EDGES`.
        targets: int32 [R, N, K], the longest known context after each.
        row: int32 [R], row in the dense tables of the shorter context that ends the chain.
    """

    scores: tf.Tensor
    symbols: tf.Tensor
    targets: tf.Tensor
    row: tf.Tensor


class NgramModel:
    """Looks up the log-probabilities of a back-off model in flat tensors.

    The state of a text is its longest context that the model knows. Probabilities of a context
    replace those of the next shorter one, which are lowered by its back-off weight; each edge holds
    the difference, so that the score of a chain of contexts is a sum. The shortest contexts, and
    those with more than `MAX_EDGES` characters, are tabulated. LiteRT and ONNX have every
    operation.

    Args:
        arrays: Arrays of a model file. The contexts follow each other, shorter ones first; for
            each, `sizes` edges with their `symbols`, `log_probabilities` and `targets`, the weight
            `log_backoffs`, and the next `shorter` context.
        charset: Charset of the recogniser, whose tokens the model scores. Characters that no
            training word had get the probability of the unknown character.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], charset: Charset) -> None:
        _check_arrays(arrays)
        characters = [str(character) for character in arrays["characters"]]
        # After the characters come the end, the unknown, and one that matches nothing.
        self._num_symbols = len(characters) + 3
        ignores_case = bool(arrays.get("ignores_case", False))
        self._symbol_of = _symbols_of_tokens(characters, charset, ignores_case)
        self._start = int(arrays["start"])
        sizes = arrays["sizes"].astype(np.int32)
        offsets = (np.cumsum(sizes) - sizes).astype(np.int32)
        is_dense = self._choose_dense(sizes, arrays["shorter"])
        self._dense, self._next = self._tabulate(arrays, offsets, np.flatnonzero(is_dense))
        # A tabulated context ends a chain: it is its own shorter context, and has no edges. Its
        # offset is its row in the table.
        places = np.arange(len(sizes))
        self._shorter = np.where(is_dense, places, arrays["shorter"]).astype(np.int32)
        self._offsets = np.where(is_dense, np.cumsum(is_dense) - 1, offsets).astype(np.int32)
        # Small types: a single-file model holds all of it.
        self._sizes = np.where(is_dense, 0, sizes).astype(np.int8)
        self._length = _longest_chain(is_dense, arrays["shorter"])
        gains, self._log_backoffs = _edge_gains(arrays, is_dense)
        # Lookups may read past the end of the last context.
        small = np.int8 if self._num_symbols <= np.iinfo(np.int8).max else np.int32
        self._symbols = np.pad(arrays["symbols"].astype(small), (0, MAX_EDGES))
        self._gains = np.pad(gains, (0, MAX_EDGES))
        self._targets = np.pad(arrays["targets"].astype(np.int32), (0, MAX_EDGES))

    def _choose_dense(self, sizes: np.ndarray, shorter: np.ndarray) -> np.ndarray:
        """Return bool [C], the contexts that are tabulated."""
        lengths = np.zeros(len(sizes), np.int32)
        for context in range(1, len(sizes)):
            lengths[context] = lengths[shorter[context]] + 1
        longest = max(
            length
            for length in range(int(lengths.max()) + 1)
            if length == 0 or (lengths <= length).sum() * self._num_symbols <= MAX_DENSE
        )
        return (lengths <= longest) | (sizes > MAX_EDGES)

    def _tabulate(
        self, arrays: Mapping[str, np.ndarray], offsets: np.ndarray, contexts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and targets [D, S] of the D contexts."""
        scores = np.zeros((len(contexts), self._num_symbols), np.float32)
        targets = np.zeros((len(contexts), self._num_symbols), np.int32)
        for row, context in enumerate(contexts):
            chain = [context]
            while chain[-1]:
                chain.append(arrays["shorter"][chain[-1]])
            scores[row] = arrays["log_unknown"]
            for part in reversed(chain):
                edges = slice(offsets[part], offsets[part] + arrays["sizes"][part])
                known = arrays["symbols"][edges]
                scores[row] += arrays["log_backoffs"][part]
                scores[row, known] = arrays["log_probabilities"][edges]
                targets[row, known] = arrays["targets"][edges]
        return scores, targets

    def initial_state(self, num_rows: tf.Tensor) -> NgramState:
        """Return the state of empty texts."""
        return self._look_up(tf.fill(tf.reshape(num_rows, (1,)), self._start))

    def scores(self, state: NgramState) -> tf.Tensor:
        """Return float32 [R, V], log-probability of each next token."""
        return tf.gather(state.scores, self._symbol_of, axis=1)

    def advance(self, state: NgramState, token_ids: tf.Tensor) -> NgramState:
        """Return the state after the tokens int32 [R]."""
        symbols = tf.gather(self._symbol_of, token_ids)
        after = tf.gather(np.reshape(self._next, -1), state.row * self._num_symbols + symbols)
        if self._length:
            found = tf.equal(state.symbols, tf.reshape(symbols, (-1, 1, 1)))
            targets = tf.reduce_max(tf.where(found, state.targets, 0), axis=(1, 2))
            # Longer contexts have larger numbers, and their targets are no shorter.
            after = tf.maximum(after, targets)
        return self._look_up(after)

    def _look_up(self, contexts: tf.Tensor) -> NgramState:
        """Look up the state of texts with the longest contexts int32 [R]."""
        chain = [contexts]
        for _ in range(self._length):
            chain.append(tf.gather(self._shorter, chain[-1]))
        row = tf.gather(self._offsets, chain.pop())
        scores = tf.gather(self._dense, row)
        if not self._length:
            nothing = tf.zeros((tf.shape(row)[0], 0, MAX_EDGES), tf.int32)
            return NgramState(scores, nothing, nothing, row)
        longer = tf.stack(chain, axis=1)  # [R, N]
        steps = tf.range(MAX_EDGES)
        places = tf.expand_dims(tf.gather(self._offsets, longer), 2) + steps
        sizes = tf.cast(tf.gather(self._sizes, longer), tf.int32)
        known = tf.cast(tf.gather(self._symbols, places), tf.int32)
        symbols = tf.where(steps < tf.expand_dims(sizes, 2), known, self._num_symbols - 1)
        gains = tf.unstack(tf.gather(self._gains, places), axis=1)
        rows = tf.reshape(tf.range(tf.shape(row)[0]), (-1, 1, 1)) + tf.zeros_like(symbols)
        indices = tf.unstack(tf.stack([rows, symbols], axis=-1), axis=1)
        scores += tf.expand_dims(tf.gather(self._log_backoffs, contexts), 1)
        # One context after the other: they share symbols, and ONNX does not sum over duplicates.
        for index, gain in zip(indices, gains, strict=True):
            scores += tf.scatter_nd(index, gain, tf.shape(scores))
        return NgramState(scores, symbols, tf.gather(self._targets, places), row)


def _check_arrays(arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse inconsistent arrays: some of their numbers determine how much memory is allocated.

    Raises:
        ValueError: If arrays are inconsistent; the message says which.
    """
    characters, sizes, symbols = arrays["characters"], arrays["sizes"], arrays["symbols"]
    shapes = {
        "characters": (len(characters),),
        "sizes": (len(sizes),),
        "shorter": (len(sizes),),
        "log_backoffs": (len(sizes),),
        "symbols": (len(symbols),),
        "log_probabilities": (len(symbols),),
        "targets": (len(symbols),),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(f"its `{name}` should be {shape}. Received: {arrays[name].shape}")
    above: dict[str, np.ndarray] = {
        "sizes": np.array(len(symbols) + 1),
        "symbols": np.array(len(characters) + 3),
        # A shorter context precedes the longer one, so that every chain ends.
        "shorter": np.maximum(np.arange(len(sizes)), 1),
        "targets": np.array(len(sizes)),
        "start": np.array(len(sizes)),
    }
    for name, ends in above.items():
        values = arrays[name].astype(np.int64)
        if (values < 0).any() or (values >= ends).any():
            raise ValueError(f"its `{name}` are out of range")
    if not len(sizes) or int(sizes.astype(np.int64).sum()) != len(symbols):
        raise ValueError("its `sizes` are not those of its contexts")
    num_tabulated = int((sizes > MAX_EDGES).sum())
    if num_tabulated * (len(characters) + 3) > MAX_WORKED_OUT:
        raise ValueError(f"it has {num_tabulated} contexts with many characters")


def _symbols_of_tokens(characters: list[str], charset: Charset, ignores_case: bool) -> np.ndarray:
    """Return the symbol of each token, int32 [V]; after the characters come end and unknown."""
    symbols = np.full(charset.vocabulary_size, len(characters) + 1, np.int32)
    symbols[END_ID] = len(characters)
    places = {character: place for place, character in enumerate(characters)}
    # Without glyphs of another character: two symbols would share a token.
    for character in charset.characters:
        known = character.lower() if ignores_case else character
        if known in places:
            symbols[charset.encode(character)[0]] = places[known]
    return symbols


def _longest_chain(is_dense: np.ndarray, shorter: np.ndarray) -> int:
    """Return the length of the longest chain of contexts before a tabulated one."""
    steps = np.zeros(len(is_dense), np.int32)
    for context in np.flatnonzero(~is_dense):
        steps[context] = steps[shorter[context]] + 1
    return int(steps.max())


def _edge_gains(
    arrays: Mapping[str, np.ndarray], is_dense: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Turn the choice of the longest context that knows a symbol into a sum.

    Args:
        arrays: Arrays of a model file.
        is_dense: bool [C], the contexts that are tabulated.

    Returns:
        float32 [E], the score that each edge adds to that of the next shorter context, its own
        back-off weight included; and float32 [C], the weights of a context and of all shorter
        ones before a tabulated one.
    """
    sizes, shorter = arrays["sizes"], arrays["shorter"].astype(np.int64)
    log_backoffs = arrays["log_backoffs"].astype(np.float64)
    contexts = np.repeat(np.arange(len(sizes)), sizes)
    num_symbols = int(arrays["symbols"].max()) + 1
    keys = contexts * num_symbols + arrays["symbols"]
    order = np.argsort(keys)
    log_probabilities = arrays["log_probabilities"].astype(np.float64)
    gains = log_probabilities - log_backoffs[contexts]
    open_edges, at = np.arange(len(contexts)), shorter[contexts]
    while len(open_edges):
        queries = at * num_symbols + arrays["symbols"][open_edges]
        places = order[np.minimum(np.searchsorted(keys, queries, sorter=order), len(keys) - 1)]
        known = keys[places] == queries
        gains[open_edges[known]] -= log_probabilities[places[known]]
        gains[open_edges[~known]] -= log_backoffs[at[~known]]
        at_end = ~known & (at == 0)
        gains[open_edges[at_end]] -= arrays["log_unknown"]
        open_edges, at = open_edges[~known & ~at_end], shorter[at[~known & ~at_end]]
    totals, at = np.zeros(len(sizes)), np.arange(len(sizes))
    while not is_dense[at].all():
        totals += np.where(is_dense[at], 0.0, log_backoffs[at])
        at = np.where(is_dense[at], at, shorter[at])
    return gains.astype(np.float32), totals.astype(np.float32)
