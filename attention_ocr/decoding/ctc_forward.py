"""Probability of texts by CTC, summed over all alignments, in few operations.

The forward algorithm (Graves et al., 2006, section 4.1) over the columns, on probabilities that are
scaled to a sum of 1 after each column. `ctc_scores` computes the same from logarithms, for any
text; here, probabilities that underflow next to the other prefixes of the text are lost. The
likeliest path never is: each of its prefixes is the likeliest of its length.
"""

from typing import Any

import tensorflow as tf

from attention_ocr.text.charset import BLANK_ID

TINY = 1e-37


def text_probability(
    probabilities: tf.Tensor, column_lengths: tf.Tensor, token_ids: tf.Tensor
) -> tf.Tensor:
    """Return the probability of texts, summed over all their alignments.

    All tensors of the loop keep their shape, so that it can be exported to any runtime.

    Args:
        probabilities: float32 [B, W, V], of every label in every column.
        column_lengths: int32 [B], columns on the content.
        token_ids: int32 [B, L], such that the likeliest path of each example is one of the text or
            of one that begins with it; padding after the last character.

    Returns:
        float32 [B] in [0, 1].
    """
    is_character = tf.cast(tf.not_equal(token_ids, BLANK_ID), tf.float32)
    is_content = tf.sequence_mask(column_lengths, tf.shape(probabilities)[1], tf.float32)
    # Columns on the padding are blank with probability 1. [W, B, 1] and [W, B, L]:
    blanks = probabilities[:, :, BLANK_ID] * is_content + (1.0 - is_content)
    blanks = tf.expand_dims(tf.transpose(blanks, (1, 0)), 2)
    characters = tf.gather(tf.transpose(probabilities, (0, 2, 1)), token_ids, batch_dims=1)
    characters *= tf.expand_dims(is_character, 2) * tf.expand_dims(is_content, 1)
    characters = tf.transpose(characters, (2, 0, 1))
    before = tf.pad(token_ids[:, :-1], ((0, 0), (1, 0)), constant_values=BLANK_ID)
    differs = tf.cast(tf.not_equal(token_ids, before), tf.float32)

    def body(
        t: tf.Tensor, by_blank: tf.Tensor, by_character: tf.Tensor, log_scale: tf.Tensor
    ) -> tuple[Any, ...]:
        shifted = tf.pad(by_character, ((0, 0), (1, 0)))
        # The same character again must come from a blank.
        entered = by_blank[:, :-1] + differs * shifted[:, :-1]
        new_blank = (by_blank + shifted) * tf.gather(blanks, t)
        new_character = (by_character + entered) * tf.gather(characters, t)
        scale = tf.reduce_sum(new_blank, axis=1) + tf.reduce_sum(new_character, axis=1) + TINY
        divisor = tf.expand_dims(scale, 1)
        return t + 1, new_blank / divisor, new_character / divisor, log_scale + tf.math.log(scale)

    num_columns = tf.reduce_max(column_lengths)
    start = tf.pad(tf.ones_like(is_character[:, :1]), ((0, 0), (0, tf.shape(token_ids)[1])))
    _, by_blank, by_character, log_scale = tf.while_loop(
        lambda t, *_: t < num_columns,
        body,
        (
            tf.constant(0),
            tf.ensure_shape(start, (token_ids.shape[0], token_ids.shape[1] + 1)),
            tf.zeros_like(is_character),
            tf.zeros_like(is_character[:, 0]),
        ),
    )
    # After as many characters as the text has.
    length = tf.reduce_sum(is_character, axis=1, keepdims=True)
    places = tf.cast(tf.range(tf.shape(by_blank)[1]), tf.float32)
    at_end = tf.cast(tf.equal(places, length), tf.float32)
    total = tf.reduce_sum((by_blank + tf.pad(by_character, ((0, 0), (1, 0)))) * at_end, axis=1)
    return tf.minimum(tf.exp(log_scale + tf.math.log(total + TINY)), 1.0)
