"""The loop of a sequence layer over tensors of fixed shape, which every runtime can run.

Tensor lists, in which the layers' own loops keep their columns, are TensorFlow's alone: LiteRT has
no built-in operation for them.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Advance = Callable[[int, tf.Tensor, Any], tuple[tf.Tensor, Any]]


def run_both_ways(
    forward: tf.Tensor, backward: tf.Tensor, lengths: tf.Tensor, advance: Advance, state: Any
) -> tuple[tf.Tensor, tf.Tensor]:
    """Run a recurrence over the valid columns of every example in both directions at once.

    Each example is reversed within its own length, so that padding comes last in both directions
    and the loop need not know it.

    Args:
        forward: float [B, W, G], projected inputs of the gates.
        backward: float [B, W, G], those of the backward direction, in the order of the columns.
        lengths: int32 [B], valid columns, at least 1.
        advance: `(direction, entries float [B, G], state) -> (output float [B, U], state)`;
            direction 0 is forward, 1 backward.
        state: of one direction before the first column, a nest of float [B, U].

    Returns:
        `outputs` float [B, W, 2U] and `summary` float [B, 2U], as the sequence layers return them.
    """
    num_columns = tf.shape(forward)[1]
    backward = tf.reverse_sequence(backward, lengths, seq_axis=1, batch_axis=0)
    entries = tf.transpose(tf.concat([forward, backward], axis=-1), (1, 0, 2))  # [W, B, 2G]
    columns = tf.range(num_columns)
    like = tf.nest.flatten(state)[0]

    # XNNPACK runs what lies between two operations that it has not, such as to stack or unstack, in
    # one go: the directions go their own ways.
    def body(column: tf.Tensor, states: Any, outputs: tf.Tensor) -> tuple[Any, ...]:
        entry = tf.split(tf.gather(entries, column), 2, axis=-1)
        steps = [advance(way, entry[way], states[way]) for way in (0, 1)]
        output = tf.concat([output for output, _ in steps], axis=-1)
        # A sum: LiteRT is slow where it chooses between tensors of different shapes.
        here = tf.reshape(tf.cast(tf.equal(columns, column), output.dtype), (-1, 1, 1))
        states = tuple(state for _, state in steps)
        return column + 1, states, outputs + here * output

    *_, outputs = tf.while_loop(
        lambda column, *_: column < num_columns,
        body,
        (
            tf.constant(0),
            (state, state),
            tf.zeros((num_columns, tf.shape(like)[0], 2 * like.shape[-1]), like.dtype),
        ),
    )
    forward, backward = tf.split(tf.transpose(outputs, (1, 0, 2)), 2, axis=-1)  # [B, W, U] each
    return join_directions(forward, backward, lengths)


def join_directions(
    forward: tf.Tensor, backward: tf.Tensor, lengths: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Join what a recurrence says in each direction.

    Args:
        forward: float [B, W, U].
        backward: float [B, W, U], in the order in which that direction ran: the last valid column
            of each example first.
        lengths: int32 [B].

    Returns:
        See `run_both_ways`.
    """
    ends = [tf.gather(part, lengths - 1, axis=1, batch_dims=1) for part in (forward, backward)]
    backward = tf.reverse_sequence(backward, lengths, seq_axis=1, batch_axis=0)
    valid = tf.sequence_mask(lengths, tf.shape(forward)[1], forward.dtype)[..., None]
    return tf.concat([forward, backward], axis=-1) * valid, tf.concat(ends, axis=-1)


def blank_state(inputs: tf.Tensor, units: int) -> tf.Tensor:
    """Return zeros for one direction, float [B, U], for `inputs` [B, W, D]."""
    return tf.zeros((tf.shape(inputs)[0], units), inputs.dtype)
