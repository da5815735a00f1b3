"""Greedy decoding of an autoregressive decoder."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from attention_ocr.decoding.result import DecoderOutput, decoded_from_steps
from attention_ocr.decoding.temperature import Temperature, at_temperature
from attention_ocr.text.charset import END_ID, PAD_ID, START_ID, UNKNOWN_ID

Step = Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any, tf.Tensor]]
_Written = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


def greedy_decode(
    step: Step,
    initial_state: Any,
    batch_size: tf.Tensor,
    num_cells: tf.Tensor,
    max_length: int,
    temperature: Temperature = 1.0,
) -> DecoderOutput:
    """Take the likeliest character at each step until every example has ended.

    After `max_length` characters only the end may follow: a text that the model would have
    continued is cut there, and its confidence shows it. All tensors of the loop keep their
    shape, so that the loop can be exported to any runtime.

    The unknown character is never chosen, as it cannot be displayed; its probability lowers the
    confidence of the character chosen in its place.

    Args:
        step: `(token_ids int32 [B], state) -> (logits float [B, V], state, weights [B, N])`.
        initial_state: State before the first step, any nest of tensors.
        batch_size: int32 scalar B.
        num_cells: int32 scalar N.
        max_length: L, characters of the longest text.
        temperature: Temperature of the confidences; it changes no text.

    Returns:
        The texts with their confidences and attention.
    """
    num_steps = max_length + 1

    def unfinished(t: tf.Tensor, ended: tf.Tensor, *_: Any) -> tf.Tensor:
        return (t < num_steps) & ~tf.reduce_all(ended)

    def body(
        t: tf.Tensor, ended: tf.Tensor, previous: tf.Tensor, state: Any, written: _Written
    ) -> tuple[Any, ...]:
        logits, state, weights = step(previous, state)
        probabilities = tf.nn.softmax(without_impossible(at_temperature(logits, temperature)))
        chosen = tf.argmax(without_unknown(probabilities), axis=-1, output_type=tf.int32)
        chosen = tf.where(t == max_length, END_ID, chosen)
        confidence = tf.gather(probabilities, chosen, axis=1, batch_dims=1)
        # `expand_dims`, not indices, which take LiteRT two operations.
        here = tf.equal(tf.range(num_steps), t) & ~tf.expand_dims(ended, 1)
        written = _write_step(here, written, chosen, confidence, weights)
        return t + 1, ended | (chosen == END_ID), chosen, state, written

    ended, start = tf.zeros(batch_size[None], tf.bool), tf.fill(batch_size[None], START_ID)
    nothing = (
        tf.fill((batch_size, num_steps), PAD_ID),
        tf.ones((batch_size, num_steps)),
        tf.zeros((batch_size, num_steps, num_cells)),
    )
    *_, written = tf.while_loop(
        unfinished, body, (tf.constant(0), ended, start, initial_state, nothing)
    )
    return decoded_from_steps(*written)


def _write_step(
    here: tf.Tensor,
    written: _Written,
    chosen: tf.Tensor,
    confidence: tf.Tensor,
    weights: tf.Tensor,
) -> _Written:
    """Write a step into the earlier ones, where `here`, bool [B, L + 1], is true."""
    token_ids, confidences, attention = written
    token_ids = tf.where(here, tf.expand_dims(chosen, 1), token_ids)
    confidences = tf.where(here, tf.expand_dims(confidence, 1), confidences)
    # A sum: LiteRT is slow where it chooses between tensors of different shapes.
    attention += tf.expand_dims(tf.cast(here, weights.dtype), 2) * tf.expand_dims(weights, 1)
    return token_ids, confidences, attention


def without_impossible(logits: tf.Tensor) -> tf.Tensor:
    """Rule out the tokens that no text contains: padding and start."""
    # Comparisons, because ONNX has no one-hot vectors of truth values.
    token_ids = tf.range(tf.shape(logits)[-1])
    impossible = tf.equal(token_ids, PAD_ID) | tf.equal(token_ids, START_ID)
    # A sum: LiteRT is slow where it chooses between tensors of different shapes.
    return logits + tf.where(impossible, logits.dtype.min, 0.0)


def without_unknown(probabilities: tf.Tensor) -> tf.Tensor:
    """Return `probabilities` float32 [..., V] with the unknown character below all others."""
    is_unknown = tf.equal(tf.range(tf.shape(probabilities)[-1]), UNKNOWN_ID)
    # A sum: LiteRT is slow where it chooses between tensors of different shapes.
    return probabilities - tf.where(is_unknown, 2.0, 0.0)
