"""An n-gram model of characters, counted from words and looked up in the graph."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from attention_ocr.charset import END_ID, Charset

START, END = "\x02", "\x03"
"""Stand for the start and the end of a word; no charset is read from a file that holds them."""

KIND = "ngram"
MAX_DENSE = 2**16
"""Scores that may be worked out beforehand for the shortest contexts: a quarter of a megabyte."""

MAX_EDGES = 16
"""Characters that are looked up one by one; a context that knows more is worked out beforehand."""


def count_ngrams(words: Iterable[str], order: int, min_count: int = 1) -> dict[str, dict[str, int]]:
    """Count what follows each context of fewer than `order` characters.

    Args:
        words: in NFC; a word that stands twice counts twice.
        order: n, of the longest n-gram; the start of a word is part of it, once.
        min_count: contexts seen less often are left out, but for the empty one.

    Returns:
        For each context, from the empty one on, how often each character or `END` follows.
    """
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for word in words:
        text = START + word + END
        for position in range(1, len(text)):
            for length in range(min(order - 1, position) + 1):
                counts[text[position - length : position]][text[position]] += 1
    # A context is seen no more often than the next shorter one, which stays with it.
    return {
        context: following
        for context, following in counts.items()
        if not context or sum(following.values()) >= min_count
    }


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
        words: in NFC, at least one.
        order: n.
        min_count: contexts seen less often are left to the next shorter ones.
        ignore_case: whether letters count as their small ones, and are scored so.

    Returns:
        The arrays of a model file, see `NgramModel`.
    """
    if ignore_case:
        words = (word.lower() for word in words)
    counts = count_ngrams(words, order, min_count)
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
    """Return the longest context at the end of a text; behind the end of a word, the empty one."""
    while text not in number:
        text = text[1:]
    return number[text]


class _Chain(NamedTuple):
    """The contexts of R texts from the longest on, N of them, with what each knows of itself.

    Attributes:
        symbols: int32 [N, R, K], symbols that may follow, or nothing; K is `MAX_EDGES`.
        places: int32 [N, R, K], where they lie among all edges.
        holds: bool [N, R, K], which of them are the context's own.
        backoffs: float32 [N, R].
        row: int32 [R], of the shorter context that ends the chain, in the dense tables.
    """

    symbols: tf.Tensor
    places: tf.Tensor
    holds: tf.Tensor
    backoffs: tf.Tensor
    row: tf.Tensor


class NgramModel:
    """Looks the log-probabilities of a back-off model up in flat tensors.

    The state of a text is its longest context that the model knows. What a context knows of
    itself replaces what the next shorter one says, less its back-off weight. For the shortest
    contexts, and for those that know more than `MAX_EDGES` characters, all is worked out
    beforehand. Every operation is one that LiteRT and ONNX have.

    Args:
        arrays: of a model file. The contexts lie one behind the other, shorter ones first; for
            each, `sizes` edges with their `symbols`, `log_probabilities` and `targets`, the
            weight `log_backoffs`, and the next `shorter` context.
        charset: of the recogniser, whose tokens the model scores. What the words of the model did
            not hold has the probability of an unknown character.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], charset: Charset) -> None:
        characters = [str(character) for character in arrays["characters"]]
        # Behind the characters come the end, the unknown, and one that is nothing.
        self._num_symbols = len(characters) + 3
        ignores_case = bool(arrays.get("ignores_case", False))
        self._symbol_of = _symbols_of_tokens(characters, charset, ignores_case)
        self._start = int(arrays["start"])
        sizes = arrays["sizes"].astype(np.int32)
        offsets = (np.cumsum(sizes) - sizes).astype(np.int32)
        is_dense = self._choose_dense(sizes, arrays["shorter"])
        self._dense, self._next = self._work_out(arrays, offsets, np.flatnonzero(is_dense))
        # What is worked out ends a chain: it is its own shorter context, and has no edges. Where
        # those would begin stands its row.
        places = np.arange(len(sizes))
        self._shorter = np.where(is_dense, places, arrays["shorter"]).astype(np.int32)
        self._offsets = np.where(is_dense, np.cumsum(is_dense) - 1, offsets).astype(np.int32)
        # In few bytes: a model in one file holds all of it.
        self._sizes = np.where(is_dense, 0, sizes).astype(np.int8)
        self._log_backoffs = np.where(is_dense, 0.0, arrays["log_backoffs"]).astype(np.float32)
        self._length = _longest_chain(is_dense, arrays["shorter"])
        # The last context may be read past its end.
        small = np.int8 if self._num_symbols <= np.iinfo(np.int8).max else np.int32
        self._symbols = np.pad(arrays["symbols"].astype(small), (0, MAX_EDGES))
        self._log_probabilities = np.pad(arrays["log_probabilities"], (0, MAX_EDGES))
        self._targets = np.pad(arrays["targets"].astype(np.int32), (0, MAX_EDGES))

    def _choose_dense(self, sizes: np.ndarray, shorter: np.ndarray) -> np.ndarray:
        """Return bool [S], which contexts are worked out."""
        lengths = np.zeros(len(sizes), np.int32)
        for context in range(1, len(sizes)):
            lengths[context] = lengths[shorter[context]] + 1
        longest = max(
            length
            for length in range(int(lengths.max()) + 1)
            if length == 0 or (lengths <= length).sum() * self._num_symbols <= MAX_DENSE
        )
        return (lengths <= longest) | (sizes > MAX_EDGES)

    def _work_out(
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

    def initial_state(self, num_rows: tf.Tensor) -> tf.Tensor:
        """Return the context of an empty text, int32 [R]."""
        return tf.fill(tf.reshape(num_rows, (1,)), self._start)

    def _chain(self, state: tf.Tensor) -> _Chain:
        contexts = [state]
        for _ in range(self._length):
            contexts.append(tf.gather(self._shorter, contexts[-1]))
        row = tf.gather(self._offsets, contexts.pop())
        longer = tf.stack(contexts) if contexts else tf.zeros((0, tf.shape(state)[0]), tf.int32)
        steps = tf.range(MAX_EDGES)
        places = tf.gather(self._offsets, longer)[..., None] + steps
        holds = steps < tf.cast(tf.gather(self._sizes, longer), tf.int32)[..., None]
        # The edges of the next context must not share a symbol: ONNX keeps one of two, no sum.
        symbols = tf.cast(tf.gather(self._symbols, places), tf.int32)
        return _Chain(
            symbols=tf.where(holds, symbols, self._num_symbols - 1),
            places=places,
            holds=holds,
            backoffs=tf.gather(self._log_backoffs, longer),
            row=row,
        )

    def scores(self, state: tf.Tensor) -> tf.Tensor:
        """Return float32 [R, V], log-probability of each next token."""
        chain = self._chain(state)
        scores = tf.gather(self._dense, chain.row)
        log_probabilities = tf.gather(self._log_probabilities, chain.places)
        rows = tf.range(tf.shape(state)[0])[:, None] + tf.zeros_like(chain.symbols)
        indices = tf.stack([rows, chain.symbols], axis=-1)
        for place in reversed(range(self._length)):
            scores += chain.backoffs[place][:, None]
            handed_down = tf.gather(scores, chain.symbols[place], batch_dims=1)
            own = tf.where(chain.holds[place], log_probabilities[place] - handed_down, 0.0)
            scores += tf.scatter_nd(indices[place], own, tf.shape(scores))
        return tf.gather(scores, self._symbol_of, axis=1)

    def advance(self, state: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
        """Return the longest known context behind the tokens int32 [R]."""
        chain = self._chain(state)
        symbols = tf.gather(self._symbol_of, token_ids)
        after = tf.gather(np.reshape(self._next, -1), chain.row * self._num_symbols + symbols)
        found = tf.equal(chain.symbols, symbols[None, :, None])
        targets = tf.where(found, tf.gather(self._targets, chain.places), -1)
        targets = tf.reduce_max(targets, axis=-1)
        for place in reversed(range(self._length)):
            after = tf.where(targets[place] >= 0, targets[place], after)
        return after


def _symbols_of_tokens(characters: list[str], charset: Charset, ignores_case: bool) -> np.ndarray:
    """Return the symbol of each token, int32 [V]; behind the characters come end and unknown."""
    symbols = np.full(charset.vocabulary_size, len(characters) + 1, np.int32)
    symbols[END_ID] = len(characters)
    places = {character: place for place, character in enumerate(characters)}
    # Not what stands for another character: two would share a token.
    for character in charset.characters:
        known = character.lower() if ignores_case else character
        if known in places:
            symbols[charset.encode(character)[0]] = places[known]
    return symbols


def _longest_chain(is_dense: np.ndarray, shorter: np.ndarray) -> int:
    """Return how many contexts at most lie before one that is worked out."""
    steps = np.zeros(len(is_dense), np.int32)
    for context in np.flatnonzero(~is_dense):
        steps[context] = steps[shorter[context]] + 1
    return int(steps.max())
