"""Greedy decoding of CTC logits."""

import tensorflow as tf

from attention_ocr.decoding.ctc_forward import text_probability
from attention_ocr.decoding.greedy import without_unknown
from attention_ocr.decoding.result import DecoderOutput
from attention_ocr.decoding.temperature import Temperature, at_temperature
from attention_ocr.text.charset import BLANK_ID, END_ID, PAD_ID, START_ID


def ctc_greedy_decode(
    logits: tf.Tensor, column_lengths: tf.Tensor, max_length: int, temperature: Temperature = 1.0
) -> DecoderOutput:
    """Take the likeliest label of every column, merge repeats, drop blanks.

    That is best-path decoding (Graves et al., 2006, section 3.2). The unknown character, which
    cannot be displayed, is not a label of the path; its probability lowers the confidence.

    Args:
        logits: float [B, W, V].
        column_lengths: int32 [B], columns that lie on the content.
        max_length: L; characters after the first L are cut.
        temperature: Temperature of the confidences; it changes no text.

    Returns:
        The texts. A character's confidence is its highest probability in its run of columns;
        a text's confidence is its probability, summed over all its alignments; `attention`
        float32 [B, L, W] is spread evenly over the columns of the character's run.
    """
    labels, num_columns = tf.range(tf.shape(logits)[-1]), tf.shape(logits)[1]
    impossible = tf.equal(labels, START_ID) | tf.equal(labels, END_ID)
    logits = tf.where(impossible, tf.float32.min, at_temperature(logits, temperature))
    probabilities = tf.nn.softmax(logits)
    valid = tf.sequence_mask(column_lengths, num_columns)
    known = without_unknown(probabilities)
    best = tf.where(valid, tf.argmax(known, axis=-1, output_type=tf.int32), BLANK_ID)
    peaks = tf.reduce_max(known, axis=-1)
    previous = tf.pad(best[:, :-1], ((0, 0), (1, 0)), constant_values=BLANK_ID)
    starts = (best != BLANK_ID) & (best != previous)
    position = tf.cumsum(tf.cast(starts, tf.int32), axis=1) - 1
    # [B, L, W]: the columns in which each character stands.
    runs = (position[:, None, :] == tf.range(max_length)[None, :, None]) & (best != BLANK_ID)[
        :, None, :
    ]
    firsts = runs & starts[:, None, :]
    share = tf.cast(runs, tf.float32)
    token_ids = tf.reduce_max(tf.where(firsts, best[:, None, :], PAD_ID), axis=-1)
    return DecoderOutput(
        token_ids=token_ids,
        lengths=tf.minimum(tf.reduce_sum(tf.cast(starts, tf.int32), axis=1), max_length),
        character_confidences=tf.reduce_max(tf.where(runs, peaks[:, None, :], 0.0), axis=-1),
        confidence=text_probability(probabilities, column_lengths, token_ids),
        attention=tf.math.divide_no_nan(share, tf.reduce_sum(share, axis=-1, keepdims=True)),
    )
