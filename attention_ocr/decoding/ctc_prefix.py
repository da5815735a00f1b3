"""CTC prefix scores, for a search that goes character by character.

`p(h c ...) = sum over t of a(t - 1) p(c in column t)`, where `a(t - 1)` is the probability that the
columns before show h; after the end it is the probability of the text itself (Watanabe et al.,
2017, section II-D). The scores of a text's tokens add up to the logarithm of that.
"""

from typing import NamedTuple

import tensorflow as tf

from attention_ocr.decoding.ctc_scores import NEVER, empty_alignments, extend_alignments
from attention_ocr.text.charset import BLANK_ID, END_ID

TINY = 1e-37


class PrefixState(NamedTuple):
    """Of R texts; the log-probabilities are those of `ctc_scores.Alignments`.

    Attributes:
        total: float32 [R, W + 1], of all alignments.
        by_blank: float32 [R, W + 1], of those whose last column is blank.
        last: int32 [R], last character; blank of an empty text.
        score: float32 [R], log-probability of all texts with this prefix.
    """

    total: tf.Tensor
    by_blank: tf.Tensor
    last: tf.Tensor
    score: tf.Tensor


class CTCPrefixScorer:
    """Scores a next character by the CTC probability of the prefix that it makes.

    Args:
        log_probabilities: float32 [B, W, V], from `ctc_log_probabilities`. R is a multiple of B,
            the rows of an example side by side.
    """

    def __init__(self, log_probabilities: tf.Tensor) -> None:
        self._probabilities = tf.exp(log_probabilities)
        self._by_label = tf.transpose(log_probabilities, (0, 2, 1))  # [B, V, W]
        self._blank = log_probabilities[..., BLANK_ID]
        self._batch_size = tf.shape(log_probabilities)[0]

    def initial_state(self, num_rows: tf.Tensor) -> PrefixState:
        """Return the state of R empty texts: the prefix of every text."""
        width = num_rows // self._batch_size
        alignments = empty_alignments(tf.repeat(self._blank, width, axis=0))
        last = tf.fill(num_rows[None], BLANK_ID)
        return PrefixState(alignments.total(), alignments.by_blank, last, tf.zeros(num_rows[None]))

    def scores(self, state: PrefixState) -> tf.Tensor:
        """Return float32 [R, V], log-probability of each next token, given the text so far."""
        before = state.total[:, :-1]
        largest = tf.reduce_max(before, axis=1, keepdims=True)
        shares = tf.reshape(tf.exp(before - largest), (self._batch_size, -1, tf.shape(before)[1]))
        sums = tf.reshape(tf.matmul(shares, self._probabilities), (tf.shape(before)[0], -1))
        begun = tf.math.log(sums + TINY) + largest
        # The same character again must come from a blank.
        repeated = self._begun(state.by_blank, state.last)
        labels = tf.range(tf.shape(begun)[1])
        begun = tf.where(labels == state.last[:, None], repeated[:, None], begun)
        begun = tf.where(labels == END_ID, state.total[:, -1:], begun)
        return tf.minimum(begun - state.score[:, None], 0.0)

    def advance(self, state: PrefixState, token_ids: tf.Tensor) -> PrefixState:
        """Return the state after the tokens int32 [R]."""
        repeats = token_ids == state.last
        before = tf.where(repeats[:, None], state.by_blank, state.total)
        blank = self._columns_of(tf.fill(tf.shape(token_ids), BLANK_ID))
        alignments = extend_alignments(before, self._columns_of(token_ids), blank)
        score = self._begun(before, token_ids)
        return PrefixState(alignments.total(), alignments.by_blank, token_ids, score)

    def _begun(self, before: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
        """Return float32 [R], log of the sum over t of `before[t - 1]` and the label in t."""
        return tf.reduce_logsumexp(before[:, :-1] + self._columns_of(token_ids), axis=1)

    def _columns_of(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Return float32 [R, W], log-probability of a label of each row in its columns."""
        return _rows_of(self._by_label, token_ids)


class RelativeState(NamedTuple):
    """Of R texts; probabilities relative to that of the prefix.

    Attributes:
        total: float32 [R, W + 1], that the first t columns show the whole text.
        by_blank: float32 [R, W + 1], that, and that the last of them is blank.
        last: int32 [R], last character; blank of an empty text.
        columns: float32 [R, W], probability of the last character in each column.
    """

    total: tf.Tensor
    by_blank: tf.Tensor
    last: tf.Tensor
    columns: tf.Tensor


class PortableCTCPrefixScorer:
    """The scores of `CTCPrefixScorer` in few operations, which every runtime has.

    Probabilities are stored relative to that of the prefix: those that underflow, below about
    e^-85, are lost, and no search would have found them. They take W times W values for each text,
    which is much for a line.

    Args:
        log_probabilities: See `CTCPrefixScorer`.
    """

    def __init__(self, log_probabilities: tf.Tensor) -> None:
        self._probabilities = tf.exp(log_probabilities)
        self._columns = tf.transpose(self._probabilities, (0, 2, 1))  # [B, V, W]
        sums = tf.cumsum(tf.transpose(log_probabilities, (0, 2, 1)), axis=-1)
        self._sums = tf.pad(sums, ((0, 0), (0, 0), (1, 0)))  # [B, V, W + 1]
        self._batch_size = tf.shape(log_probabilities)[0]
        places = tf.range(tf.shape(sums)[-1] + 1)
        self._order = tf.where(tf.expand_dims(places, -1) < places, 0.0, NEVER)
        self._blanks = self._stays(self._sums[:, BLANK_ID])

    def initial_state(self, num_rows: tf.Tensor) -> RelativeState:
        """Return the state of R empty texts: the prefix of every text."""
        last = tf.fill(tf.reshape(num_rows, (1,)), BLANK_ID)
        by_blank = tf.exp(_rows_of(self._sums, last))
        return RelativeState(by_blank, by_blank, last, _rows_of(self._columns, last))

    def scores(self, state: RelativeState) -> tf.Tensor:
        """Return float32 [R, V], log-probability of each next token, given the text so far."""
        begun = self._of_examples(state.total[:, :-1], self._probabilities)
        # The same character again must come from a blank.
        repeated = tf.reduce_sum(state.by_blank[:, :-1] * state.columns, axis=1, keepdims=True)
        labels = tf.range(tf.shape(begun)[1])
        begun = tf.where(tf.equal(labels, tf.expand_dims(state.last, -1)), repeated, begun)
        begun = tf.where(tf.equal(labels, END_ID), state.total[:, -1:], begun)
        return tf.minimum(tf.math.log(begun + TINY), 0.0)

    def advance(self, state: RelativeState, token_ids: tf.Tensor) -> RelativeState:
        """Return the state after the tokens int32 [R]."""
        repeats = tf.expand_dims(tf.equal(token_ids, state.last), -1)
        before = tf.where(repeats, state.by_blank, state.total)
        columns = _rows_of(self._columns, token_ids)
        begun = tf.reduce_sum(before[:, :-1] * columns, axis=1, keepdims=True)
        stays = self._stays(_rows_of(self._sums, token_ids))
        entries = tf.expand_dims(before / (begun + TINY), 1)
        by_character = tf.squeeze(tf.matmul(entries, stays), 1)
        by_blank = self._of_examples(by_character, self._blanks)
        return RelativeState(by_character + by_blank, by_blank, token_ids, columns)

    def _stays(self, sums: tf.Tensor) -> tf.Tensor:
        """Return float32 [R, W + 1, W + 1]: that all columns from s + 1 to t > s show one label.

        Args:
            sums: float32 [R, W + 1], log-probability that all columns up to t show it.
        """
        return tf.exp(tf.expand_dims(sums, 1) - tf.expand_dims(sums, 2) + self._order)

    def _of_examples(self, rows: tf.Tensor, matrices: tf.Tensor) -> tf.Tensor:
        """Return the product [R, M] of rows [R, N] and the matrix of their example, [B, N, M]."""
        shape = (self._batch_size, -1, tf.shape(rows)[1])
        product = tf.matmul(tf.reshape(rows, shape), matrices)
        return tf.reshape(product, (-1, tf.shape(matrices)[2]))


def _rows_of(by_label: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
    """Return [R, N]: of values [B, V, N], those of the label of each row, int32 [R]."""
    labels = tf.reshape(token_ids, (tf.shape(by_label)[0], -1))
    rows = tf.gather(by_label, labels, batch_dims=1)
    return tf.reshape(rows, (-1, tf.shape(rows)[-1]))
