"""An n-gram model of characters, counted from words and looked up in the graph."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
import tensorflow as tf

from attention_ocr import bit_rows
from attention_ocr.charset import END_ID, Charset

START, END = "\x02", "\x03"
"""Stand for the start and the end of a word; no charset is read from a file that holds them."""

KIND = "ngram"
MAX_DENSE = 2**20
"""Numbers that may be worked out beforehand: 4 MB."""


def count_ngrams(words: Iterable[str], order: int) -> dict[str, dict[str, int]]:
    """Count what follows each context of fewer than `order` characters.

    Args:
        words: in NFC; a word that stands twice counts twice.
        order: n, of the longest n-gram; the start of a word is part of it, once.

    Returns:
        For each context, from the empty one on, how often each character or `END` follows.
    """
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for word in words:
        text = START + word + END
        for position in range(1, len(text)):
            for length in range(min(order - 1, position) + 1):
                counts[text[position - length : position]][text[position]] += 1
    return counts


def train_ngram(words: Iterable[str], order: int) -> dict[str, np.ndarray]:
    """Estimate an n-gram model with Witten-Bell smoothing.

    `p(c | h) = (count(h c) + d(h) p(c | h')) / (count(h) + d(h))`, where `d(h)` is the number of
    different characters that follow h, and h' is h without its first character (Chen and Goodman,
    1999, section 2.6). Below the empty context, all characters of the words, the end and one
    unknown character are equally likely. Kneser-Ney smoothing needs counts that occur once, which
    the short contexts of characters do not have.

    Args:
        words: in NFC, at least one.
        order: n.

    Returns:
        The arrays of a model file, see `NgramModel`.
    """
    counts = count_ngrams(words, order)
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
            after = (context + character)[-(order - 1) :] if order > 1 else ""
            target = number[after] if character != END else 0
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
        "start": np.array(number[START] if order > 1 else 0),
        "log_unknown": np.array(np.log(unknown), np.float32),
    }


class NgramModel:
    """Looks the log-probabilities of a back-off model up in flat tensors.

    The state of a text is its longest context that the model knows. What a context knows of
    itself replaces what the next shorter one says, less its back-off weight. For the shortest
    contexts that is worked out beforehand, as many as fit into `MAX_DENSE` numbers.

    Args:
        arrays: of a model file. The contexts lie one behind the other, shorter ones first; for
            each, `sizes` edges with their `symbols`, `log_probabilities` and `targets`, the
            weight `log_backoffs`, and the next `shorter` context.
        charset: of the recogniser, whose tokens the model scores. What the words of the model did
            not hold has the probability of an unknown character.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], charset: Charset) -> None:
        self._vocabulary_size = charset.vocabulary_size
        self._start, self._depth = int(arrays["start"]), int(arrays["order"]) - 1
        self._log_backoffs, self._shorter = arrays["log_backoffs"], arrays["shorter"]
        # Not what stands for another character: two would share a token.
        known = set(charset.characters)
        ids = [charset.encode(c)[0] if c in known else -1 for c in arrays["characters"]]
        token_ids = np.array([*ids, END_ID])[arrays["symbols"]]
        contexts = np.repeat(np.arange(len(arrays["sizes"])), arrays["sizes"])
        # In the order of the tokens within each context, without those the charset lacks.
        order = np.lexsort((token_ids, contexts))
        order = order[token_ids[order] >= 0]
        sizes = np.bincount(contexts[order], minlength=len(arrays["sizes"]))
        self._offsets = (np.cumsum(sizes) - sizes).astype(np.int32)
        rows = np.split(token_ids[order], self._offsets[1:])
        self._bits = bit_rows.pack_rows([row.tolist() for row in rows], self._vocabulary_size)
        self._log_probabilities = arrays["log_probabilities"][order]
        self._targets = arrays["targets"][order].astype(np.int32)
        self._dense, self._num_refined = self._work_out(rows, float(arrays["log_unknown"]))

    def _work_out(self, rows: list[np.ndarray], log_unknown: float) -> tuple[np.ndarray, int]:
        """Return the scores [S', V] of the shortest contexts, and how many lengths are left."""
        lengths = np.zeros(len(rows), np.int32)
        for context in range(1, len(rows)):
            lengths[context] = lengths[self._shorter[context]] + 1
        longest = max(
            length
            for length in range(self._depth + 1)
            if length == 0 or (lengths <= length).sum() * self._vocabulary_size <= MAX_DENSE
        )
        num_dense = int((lengths <= longest).sum())
        dense = np.full((num_dense, self._vocabulary_size), log_unknown, np.float32)
        for context in range(num_dense):
            if context:
                dense[context] = dense[self._shorter[context]]
            dense[context] += self._log_backoffs[context]
            start = self._offsets[context]
            known = rows[context]
            dense[context, known] = self._log_probabilities[start : start + len(known)]
        return dense, self._depth - longest

    def initial_state(self, num_rows: tf.Tensor) -> tf.Tensor:
        """Return the context of an empty text, int32 [R]."""
        return tf.fill(tf.reshape(num_rows, (1,)), self._start)

    def scores(self, state: tf.Tensor) -> tf.Tensor:
        """Return float32 [R, V], log-probability of each next token."""
        contexts = [state]
        for _ in range(self._num_refined):
            contexts.append(tf.gather(self._shorter, contexts[-1]))
        base = contexts.pop()
        for context in reversed(contexts):
            base = tf.where(context < len(self._dense), context, base)
        scores = tf.gather(self._dense, base)
        for context in reversed(contexts):
            is_dense = context < len(self._dense)
            scores = tf.where(is_dense[:, None], scores, self._refine(scores, context))
        return scores

    def _refine(self, scores: tf.Tensor, context: tf.Tensor) -> tf.Tensor:
        """Return the scores [R, V] in a context, given those in the next shorter one."""
        bits = bit_rows.expand(tf.gather(self._bits, context), self._vocabulary_size)
        places = tf.gather(self._offsets, context)[:, None] + bit_rows.ranks(bits)
        places = tf.minimum(places, len(self._targets) - 1)
        handed_down = scores + tf.gather(self._log_backoffs, context)[:, None]
        return tf.where(bits, tf.gather(self._log_probabilities, places), handed_down)

    def advance(self, state: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
        """Return the longest known context behind the tokens int32 [R]."""
        after = tf.zeros_like(state)
        known = tf.zeros_like(state, tf.bool)
        for _ in range(self._depth + 1):
            words = tf.gather(self._bits, state)
            rank = bit_rows.rank(words, token_ids)
            holds = bit_rows.rank(words, token_ids + 1) > rank
            places = tf.minimum(tf.gather(self._offsets, state) + rank, len(self._targets) - 1)
            after = tf.where(holds & ~known, tf.gather(self._targets, places), after)
            known |= holds
            state = tf.gather(self._shorter, state)
        return after
