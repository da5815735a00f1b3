"""CTC probability of a text: summed over all alignments, of its prefixes, in its columns.

Prefixes that grow by a character need the sums of all columns (`extend_alignments`). These are of
the kind `r(t) = (r(t - 1) + a(t - 1)) y(t)`. With `S(t) = log y(1) + ... + log y(t)` they are
`log r(t) = S(t) + logsumexp_s(log a(s - 1) - S(s - 1))` over `s <= t`: a cumulative sum, no loop
over the columns. Of a text that is known, all prefixes are computed in one loop (`align`).
"""

from typing import NamedTuple

import tensorflow as tf

from attention_ocr.decoding.temperature import Temperature, at_temperature
from attention_ocr.text.charset import BLANK_ID, END_ID, START_ID

NEVER = -1e30
"""Logarithm of a probability of 0. Finite, so that differences are never NaN."""
SMALLEST = -60.0
"""Logarithm of the smallest probability of a label, so that sums of logarithms stay exact."""


class Alignments(NamedTuple):
    """Log-probability of all ways to have read a text in the first t columns, t = 0 ... W.

    Attributes:
        by_character: float32 [..., W + 1], of those whose last column is the last character.
        by_blank: float32 [..., W + 1], of those whose last column is blank.
    """

    by_character: tf.Tensor
    by_blank: tf.Tensor

    def total(self) -> tf.Tensor:
        """Return float32 [..., W + 1], the sum of both."""
        return log_add(self.by_character, self.by_blank)


def log_add(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Return `log(exp(first) + exp(second))` of finite numbers."""
    return tf.maximum(first, second) + tf.math.softplus(-tf.abs(first - second))


def ctc_log_probabilities(
    logits: tf.Tensor, column_lengths: tf.Tensor, temperature: Temperature = 1.0
) -> tf.Tensor:
    """Return the log-probability of every label in every column.

    Start and end are labels of no column; columns on the padding are blank with probability 1.

    Args:
        logits: float [B, W, V].
        column_lengths: int32 [B], columns on the content.
        temperature: Divides the logits.

    Returns:
        float32 [B, W, V], at least `SMALLEST`.
    """
    labels = tf.range(tf.shape(logits)[-1])
    impossible = (labels == START_ID) | (labels == END_ID)
    logits = at_temperature(logits, temperature)
    log_probabilities = tf.nn.log_softmax(tf.where(impossible, tf.float32.min, logits))
    is_content = tf.expand_dims(tf.sequence_mask(column_lengths, tf.shape(logits)[1]), -1)
    blank = tf.where(labels == BLANK_ID, 0.0, SMALLEST)
    return tf.maximum(tf.where(is_content, log_probabilities, blank), SMALLEST)


def empty_alignments(blank: tf.Tensor) -> Alignments:
    """Return the alignments of the empty text.

    Args:
        blank: float32 [..., W], log-probability of the blank in each column.
    """
    nothing_yet = tf.zeros_like(blank[..., :1])
    by_blank = tf.concat([nothing_yet, tf.cumsum(blank, axis=-1)], axis=-1)
    return Alignments(tf.fill(tf.shape(by_blank), NEVER), by_blank)


def extend_alignments(before: tf.Tensor, character: tf.Tensor, blank: tf.Tensor) -> Alignments:
    """Return the alignments of texts with one more character (Graves, 2012, section 7.3.1).

    Args:
        before: float32 [..., W + 1], of the texts without it that it may directly follow: all, or
            those ending in a blank where it repeats the last character.
        character: float32 [..., W], log-probability of the character in each column.
        blank: float32 [..., W], log-probability of the blank in each column.
    """
    by_character = _recurrence(before, character)
    return Alignments(by_character, _recurrence(by_character, blank))


def _recurrence(entries: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    """Return log r of `r(t) = (r(t - 1) + entries(t - 1)) factors(t)`, r(0) = 0: [..., W + 1]."""
    sums = tf.cumsum(factors, axis=-1)
    sums_before = sums - factors
    entered = tf.math.cumulative_logsumexp(entries[..., :-1] - sums_before, axis=-1)
    never = tf.fill(tf.shape(sums[..., :1]), NEVER)
    return tf.concat([never, tf.maximum(sums + entered, NEVER)], axis=-1)


class AlignedTexts(NamedTuple):
    """Texts and the columns in which they stand.

    Attributes:
        log_probabilities: float32 [B], of each text.
        posteriors: float32 [B, L, W], probability that the column shows the character, given the
            text; 0 after the last character and on the padding.
    """

    log_probabilities: tf.Tensor
    posteriors: tf.Tensor


def text_log_probability(log_probabilities: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
    """Return the log-probability of texts, all their alignments summed.

    Args:
        log_probabilities: float32 [B, W, V], from `ctc_log_probabilities`.
        token_ids: int32 [B, L]; padding after the last character.

    Returns:
        float32 [B].
    """
    return _forward(log_probabilities, token_ids, tf.shape(log_probabilities)[1])[0]


def align(
    log_probabilities: tf.Tensor, column_lengths: tf.Tensor, token_ids: tf.Tensor
) -> AlignedTexts:
    """Find where the characters of texts stand, by the forward-backward algorithm.

    Graves et al. (2006), section 4.1: the probability of a prefix up to a column times that of the
    rest from there on.

    Args:
        log_probabilities: float32 [B, W, V], from `ctc_log_probabilities`.
        column_lengths: int32 [B].
        token_ids: int32 [B, L]; padding after the last character.
    """
    is_character = token_ids != BLANK_ID
    lengths = tf.reduce_sum(tf.cast(is_character, tf.int32), axis=1)
    num_columns = tf.reduce_max(column_lengths)
    total, forward = _forward(log_probabilities, token_ids, num_columns)
    _, backward = _forward(
        tf.reverse_sequence(log_probabilities, column_lengths, seq_axis=1),
        tf.reverse_sequence(token_ids, lengths, seq_axis=1),
        num_columns,
    )
    # ONNX reverses along the first two axes only.
    backward = tf.reverse_sequence(backward, column_lengths, seq_axis=0, batch_axis=1)
    forward, backward = tf.transpose(forward, (1, 2, 0)), tf.transpose(backward, (1, 2, 0))
    backward = tf.reverse_sequence(backward, lengths, seq_axis=1)
    # [B, L, W]: both count the character's own column.
    shared = _of_characters(log_probabilities, token_ids)
    posteriors = tf.exp(tf.minimum(forward + backward - shared - total[:, None, None], 0.0))
    is_content = tf.sequence_mask(column_lengths, tf.shape(log_probabilities)[1])[:, None]
    return AlignedTexts(total, tf.where(is_character[..., None] & is_content, posteriors, 0.0))


def _of_characters(log_probabilities: tf.Tensor, token_ids: tf.Tensor) -> tf.Tensor:
    """Return float32 [B, L, W], log-probability of each character of a text in each column."""
    by_label = tf.transpose(log_probabilities, (0, 2, 1))  # [B, V, W]
    return tf.gather(by_label, token_ids, batch_dims=1)


def _forward(
    log_probabilities: tf.Tensor, token_ids: tf.Tensor, num_columns: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return log-probabilities [B] of texts, and [W, B, L] of their prefixes that end there.

    All tensors of the loop keep their shape, so that it can be exported to any runtime. Columns
    from `num_columns` on are blank; their prefixes are arbitrary.
    """
    is_character = token_ids != BLANK_ID
    blanks = tf.expand_dims(tf.transpose(log_probabilities[..., BLANK_ID]), 2)  # [W, B, 1]
    characters = _of_characters(log_probabilities, token_ids)
    characters = tf.where(tf.expand_dims(is_character, 2), characters, NEVER)
    characters = tf.transpose(characters, (2, 0, 1))  # [W, B, L]
    previous = tf.pad(token_ids[:, :-1], ((0, 0), (1, 0)), constant_values=BLANK_ID)
    # The same character again must come from a blank.
    follows = tf.where(token_ids == previous, NEVER, 0.0)
    columns = tf.range(tf.shape(characters)[0])

    def end_with(by_character: tf.Tensor) -> tf.Tensor:
        return tf.pad(by_character, ((0, 0), (1, 0)), constant_values=NEVER)

    def body(
        t: tf.Tensor, by_blank: tf.Tensor, by_character: tf.Tensor, found: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        ended = end_with(by_character)
        entered = log_add(by_blank[:, :-1], ended[:, :-1] + follows)
        by_blank = log_add(by_blank, ended) + tf.gather(blanks, t)
        by_character = log_add(by_character, entered) + tf.gather(characters, t)
        by_blank, by_character = tf.maximum(by_blank, NEVER), tf.maximum(by_character, NEVER)
        here = tf.reshape(tf.cast(tf.equal(columns, t), tf.float32), (-1, 1, 1))
        return t + 1, by_blank, by_character, found + here * by_character

    places = tf.range(tf.shape(token_ids)[1] + 1)
    nothing = NEVER * tf.ones_like(follows)
    start = tf.where(places == 0, 0.0, end_with(nothing))
    # Zeros, but no constant: converters would store one for each width.
    zeros = tf.clip_by_value(characters, 0.0, 0.0)
    _, by_blank, by_character, found = tf.while_loop(
        lambda t, *_: t < num_columns, body, (tf.constant(0), start, nothing, zeros)
    )
    length = tf.reduce_sum(tf.cast(is_character, tf.int32), axis=1, keepdims=True)
    at_end = tf.cast(tf.equal(places, length), tf.float32)
    total = tf.reduce_sum(log_add(by_blank, end_with(by_character)) * at_end, axis=1)
    return total, found
