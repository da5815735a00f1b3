"""The loop of a sequence layer over tensors of fixed shape, which every runtime can run.

The other loops of the layers keep columns in tensor lists, for which LiteRT has no built-in
operation.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

StepFunction = Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any]]

COLUMNS_AT_ONCE = 4
"""Columns per loop iteration, if the number of columns is known and divisible by it."""


def run_both_ways(
    forward: tf.Tensor, backward: tf.Tensor, lengths: tf.Tensor, advance: StepFunction, state: Any
) -> tuple[tf.Tensor, tf.Tensor]:
    """Run a recurrence over the valid columns of every example in both directions at once.

    Each example is reversed within its own length, so that padding comes last in both directions
    and needs no handling in the loop. The directions are rows of one batch: only the product with
    the recurrent kernels, `multiply_both_ways`, takes separate operations.

    Args:
        forward: float [B, W, G], projected inputs of the gates.
        backward: float [B, W, G], those of the backward direction, in column order.
        lengths: int32 [B], number of valid columns, at least 1.
        advance: `(entries float [2B, G], state) -> (output float [2B, U], state)`; the first B rows
            are forward, the others backward.
        state: Initial state, a nest of float [2B, U].

    Returns:
        `outputs` float [B, W, 2U] and `summary` float [B, 2U], as the sequence layers return them.
    """
    backward = tf.reverse_sequence(backward, lengths, seq_axis=1, batch_axis=0)
    entries = tf.transpose(tf.concat([forward, backward], axis=0), (1, 0, 2))  # [W, 2B, G]
    num_columns, rows = tf.shape(entries)[0], tf.shape(entries)[1]
    at_once = 1 if (entries.shape[0] or 1) % COLUMNS_AT_ONCE else COLUMNS_AT_ONCE
    num_turns = num_columns // at_once
    entries = tf.reshape(entries, (num_turns, at_once * rows, entries.shape[-1]))
    turns = tf.range(num_turns)
    units = tf.nest.flatten(state)[0].shape[-1]

    def body(turn: tf.Tensor, state: Any, outputs: tf.Tensor) -> tuple[Any, ...]:
        written = []
        for column in tf.split(tf.gather(entries, turn), at_once):
            output, state = advance(column, state)
            written.append(output)
        # A sum, because LiteRT selects slowly between tensors of different shapes.
        here = tf.reshape(tf.cast(tf.equal(turns, turn), outputs.dtype), (-1, 1, 1))
        return turn + 1, state, outputs + here * tf.concat(written, axis=0)

    # Zeros, but no constant: converters would store one for each width.
    blank = tf.clip_by_value(entries[:, :, :units], 0.0, 0.0)
    *_, outputs = tf.while_loop(
        lambda turn, *_: turn < num_turns, body, (tf.constant(0), state, blank)
    )
    outputs = tf.transpose(tf.reshape(outputs, (num_columns, rows, units)), (1, 0, 2))
    forward, backward = tf.split(outputs, 2)  # [B, W, U] each
    return join_directions(forward, backward, lengths)


def multiply_both_ways(state: tf.Tensor, kernels: Sequence[tf.Tensor]) -> tf.Tensor:
    """Multiply the rows of each direction, float [2B, U], by its kernel [U, G]: float [2B, G]."""
    ways = zip(tf.split(state, 2), kernels, strict=True)
    return tf.concat([tf.matmul(rows, kernel) for rows, kernel in ways], axis=0)


def join_directions(
    forward: tf.Tensor, backward: tf.Tensor, lengths: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Join the outputs of both directions.

    Args:
        forward: float [B, W, U].
        backward: float [B, W, U], in processing order: the last valid column of each example first.
        lengths: int32 [B].

    Returns:
        See `run_both_ways`.
    """
    ends = [tf.gather(part, lengths - 1, axis=1, batch_dims=1) for part in (forward, backward)]
    backward = tf.reverse_sequence(backward, lengths, seq_axis=1, batch_axis=0)
    valid = tf.sequence_mask(lengths, tf.shape(forward)[1], forward.dtype)
    valid = tf.expand_dims(valid, -1)
    return tf.concat([forward, backward], axis=-1) * valid, tf.concat(ends, axis=-1)


def blank_state(inputs: tf.Tensor, units: int) -> tf.Tensor:
    """Return zeros for both directions, float [2B, U], for `inputs` [B, W, D]."""
    return tf.zeros((2 * tf.shape(inputs)[0], units), inputs.dtype)
