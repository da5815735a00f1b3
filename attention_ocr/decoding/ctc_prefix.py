"""What CTC says of a beginning of a text, for a search that goes character by character."""

from typing import NamedTuple

import tensorflow as tf

from attention_ocr.charset import BLANK_ID, END_ID
from attention_ocr.decoding.ctc_scores import (
    RunningSum,
    empty_alignments,
    extend_alignments,
    running_logsumexp,
)

TINY = 1e-37


class PrefixState(NamedTuple):
    """Of R texts; the log-probabilities are those of `ctc_scores.Alignments`.

    Attributes:
        total: float32 [R, W + 1], of all alignments.
        by_blank: float32 [R, W + 1], of those whose last column is blank.
        last: int32 [R], last character; blank of an empty text.
        score: float32 [R], log-probability that a text begins so.
    """

    total: tf.Tensor
    by_blank: tf.Tensor
    last: tf.Tensor
    score: tf.Tensor


class CTCPrefixScorer:
    """Scores a next character by how probable CTC finds texts that begin so.

    `p(h c ...) = sum over t of a(t - 1) p(c in column t)`, where `a(t - 1)` is the probability that
    the columns before say h; behind the end it is the probability of the text itself (Watanabe et
    al., 2017, section II-D). The scores of a text's tokens add up to the
    logarithm of that.

    Args:
        log_probabilities: float32 [B, W, V], from `ctc_log_probabilities`. R is a multiple of B,
            the rows of an example side by side.
        running_sum: how sums over columns are taken.
    """

    def __init__(
        self, log_probabilities: tf.Tensor, running_sum: RunningSum = running_logsumexp
    ) -> None:
        self._running_sum = running_sum
        self._probabilities = tf.exp(log_probabilities)
        self._by_label = tf.transpose(log_probabilities, (0, 2, 1))  # [B, V, W]
        self._blank = log_probabilities[..., BLANK_ID]
        self._batch_size = tf.shape(log_probabilities)[0]

    def initial_state(self, num_rows: tf.Tensor) -> PrefixState:
        """Return the state of R empty texts: every text begins so."""
        width = num_rows // self._batch_size
        alignments = empty_alignments(tf.repeat(self._blank, width, axis=0))
        shape = tf.reshape(num_rows, (1,))
        return PrefixState(
            alignments.total(), alignments.by_blank, tf.fill(shape, BLANK_ID), tf.zeros(shape)
        )

    def scores(self, state: PrefixState) -> tf.Tensor:
        """Return float32 [R, V], log-probability of each next token, given the text so far."""
        before = state.total[:, :-1]
        largest = tf.reduce_max(before, axis=1, keepdims=True)
        shape = (self._batch_size, -1, tf.shape(before)[1])
        shares = tf.reshape(tf.exp(before - largest), shape)
        sums = tf.reshape(tf.matmul(shares, self._probabilities), (tf.shape(before)[0], -1))
        begun = tf.math.log(sums + TINY) + largest
        # The same character again must come from a blank.
        repeated = _begun(state.by_blank, self._columns_of(state.last))
        labels = tf.range(tf.shape(begun)[1])
        begun = tf.where(labels == tf.expand_dims(state.last, -1), repeated, begun)
        begun = tf.where(labels == END_ID, state.total[:, -1:], begun)
        return tf.minimum(begun - tf.expand_dims(state.score, -1), 0.0)

    def advance(self, state: PrefixState, token_ids: tf.Tensor) -> PrefixState:
        """Return the state behind the tokens int32 [R]."""
        repeats = tf.expand_dims(token_ids == state.last, -1)
        before = tf.where(repeats, state.by_blank, state.total)
        character = self._columns_of(token_ids)
        blank = self._columns_of(tf.fill(tf.shape(token_ids), BLANK_ID))
        alignments = extend_alignments(before, character, blank, self._running_sum)
        score = tf.squeeze(_begun(before, character), -1)
        return PrefixState(alignments.total(), alignments.by_blank, token_ids, score)

    def _columns_of(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Return float32 [R, W], log-probability of a label of each row in its columns."""
        labels = tf.reshape(token_ids, (self._batch_size, -1))
        columns = tf.gather(self._by_label, labels, batch_dims=1)
        return tf.reshape(columns, (-1, tf.shape(columns)[-1]))


def _begun(before: tf.Tensor, character: tf.Tensor) -> tf.Tensor:
    """Return float32 [R, 1], log of the sum over t of `before[t - 1]` and the character in t."""
    parts = before[:, :-1] + character
    # Written out: `reduce_logsumexp` asks whether numbers are finite, which LiteRT cannot.
    largest = tf.reduce_max(parts, axis=1, keepdims=True)
    return tf.math.log(tf.reduce_sum(tf.exp(parts - largest), axis=1, keepdims=True)) + largest
