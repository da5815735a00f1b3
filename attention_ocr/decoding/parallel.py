"""Decoding of a decoder that gives all characters at once."""

import tensorflow as tf

from attention_ocr.decoding.greedy import without_impossible, without_unknown
from attention_ocr.decoding.result import DecoderOutput, decoded_from_steps
from attention_ocr.decoding.temperature import Temperature, at_temperature
from attention_ocr.text.charset import END_ID, PAD_ID


def parallel_decode(
    logits: tf.Tensor, weights: tf.Tensor, temperature: Temperature = 1.0
) -> DecoderOutput:
    """Take the likeliest character of each step, up to the first end.

    As in `greedy_decode`, the last step can only be the end, and an unknown character is never
    chosen.

    Args:
        logits: float [B, L + 1, V].
        weights: float32 [B, L + 1, N], where each step looked.
        temperature: Of the confidences; it changes no text.

    Returns:
        The texts with their confidences and attention.
    """
    num_steps = tf.shape(logits)[1]
    probabilities = tf.nn.softmax(without_impossible(at_temperature(logits, temperature)))
    chosen = tf.argmax(without_unknown(probabilities), axis=-1, output_type=tf.int32)
    is_last = tf.equal(tf.range(num_steps), num_steps - 1)
    chosen = tf.where(is_last, END_ID, chosen)
    confidences = tf.gather(probabilities, chosen, axis=2, batch_dims=2)
    ends = tf.cast(tf.equal(chosen, END_ID), tf.int32)
    is_read = tf.equal(tf.cumsum(ends, axis=1, exclusive=True), 0)
    return decoded_from_steps(
        tf.where(is_read, chosen, PAD_ID), tf.where(is_read, confidences, 1.0), weights
    )
