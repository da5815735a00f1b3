"""What CTC says of a beginning of a text, for a search that goes character by character."""

from typing import NamedTuple

import tensorflow as tf

from attention_ocr.charset import BLANK_ID, END_ID
from attention_ocr.decoding.ctc_scores import Alignments, empty_alignments, extend_alignments

TINY = 1e-37


class PrefixState(NamedTuple):
    """Of R texts.

    Attributes:
        alignments: [R, W + 1].
        last: int32 [R], last character; blank of an empty text.
        score: float32 [R], log-probability that a text begins so.
    """

    alignments: Alignments
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
    """

    def __init__(self, log_probabilities: tf.Tensor) -> None:
        self._probabilities = tf.exp(log_probabilities)
        self._by_label = tf.transpose(log_probabilities, (0, 2, 1))  # [B, V, W]
        self._blank = log_probabilities[..., BLANK_ID]
        self._batch_size = tf.shape(log_probabilities)[0]

    def initial_state(self, num_rows: tf.Tensor) -> PrefixState:
        """Return the state of R empty texts: every text begins so."""
        width = num_rows // self._batch_size
        alignments = empty_alignments(tf.repeat(self._blank, width, axis=0))
        return PrefixState(alignments, tf.fill(num_rows[None], BLANK_ID), tf.zeros(num_rows[None]))

    def scores(self, state: PrefixState) -> tf.Tensor:
        """Return float32 [R, V], log-probability of each next token, given the text so far."""
        num_rows = tf.shape(state.last)[0]
        total = state.alignments.total()
        before = total[:, :-1]
        largest = tf.reduce_max(before, axis=1, keepdims=True)
        shares = tf.reshape(tf.exp(before - largest), (self._batch_size, -1, tf.shape(before)[1]))
        sums = tf.reshape(tf.matmul(shares, self._probabilities), (num_rows, -1))
        begun = tf.math.log(sums + TINY) + largest
        # The same character again must come from a blank.
        repeated = self._begun(state.alignments.by_blank, state.last)
        labels = tf.range(tf.shape(begun)[1])
        begun = tf.where(labels == state.last[:, None], repeated[:, None], begun)
        begun = tf.where(labels == END_ID, total[:, -1:], begun)
        return tf.minimum(begun - state.score[:, None], 0.0)

    def advance(self, state: PrefixState, token_ids: tf.Tensor) -> PrefixState:
        """Return the state behind the tokens int32 [R]."""
        repeats = token_ids == state.last
        total = state.alignments.total()
        before = tf.where(repeats[:, None], state.alignments.by_blank, total)
        alignments = extend_alignments(
            state.alignments, repeats, self._columns_of(token_ids), self._of_blank(token_ids)
        )
        return PrefixState(alignments, token_ids, self._begun(before, token_ids))

    def _begun(self, before: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
        """Return float32 [R], log of the sum over t of `before[t - 1]` and the label in t."""
        return tf.reduce_logsumexp(before[:, :-1] + self._columns_of(token_ids), axis=1)

    def _columns_of(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Return float32 [R, W], log-probability of a label of each row in its columns."""
        labels = tf.reshape(token_ids, (self._batch_size, -1))
        columns = tf.gather(self._by_label, labels, batch_dims=1)
        return tf.reshape(columns, (-1, tf.shape(columns)[-1]))

    def _of_blank(self, token_ids: tf.Tensor) -> tf.Tensor:
        return self._columns_of(tf.fill(tf.shape(token_ids), BLANK_ID))
