"""The loop of a sequence layer over tensors of fixed shape, which every runtime can run.

Tensor lists, in which the layers' own loops keep their columns, are TensorFlow's alone: LiteRT has
no built-in operation for them.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Advance = Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any]]


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
        advance: `(entries float [2, B, G], state) -> (outputs float [2, B, U], state)`; the
            directions are the first axis.
        state: before the first column, a nest of float [2, B, U].

    Returns:
        `outputs` float [B, W, 2U] and `summary` float [B, 2U], as the sequence layers return them.
    """
    num_columns = tf.shape(forward)[1]
    backward = tf.reverse_sequence(backward, lengths, seq_axis=1, batch_axis=0)
    entries = tf.transpose(tf.stack([forward, backward]), (2, 0, 1, 3))  # [W, 2, B, G]
    columns = tf.range(num_columns)
    like = tf.nest.flatten(state)[0]

    def body(column: tf.Tensor, state: Any, outputs: tf.Tensor) -> tuple[Any, ...]:
        output, state = advance(tf.gather(entries, column), state)
        # A sum: LiteRT is slow where it chooses between tensors of different shapes.
        here = tf.cast(tf.equal(columns, column), output.dtype)[:, None, None, None]
        return column + 1, state, outputs + here * output[None]

    *_, outputs = tf.while_loop(
        lambda column, *_: column < num_columns,
        body,
        (
            tf.constant(0),
            state,
            tf.zeros(tf.concat([num_columns[None], tf.shape(like)], axis=0), like.dtype),
        ),
        maximum_iterations=num_columns,
    )
    forward, backward = tf.unstack(tf.transpose(outputs, (1, 2, 0, 3)))  # [B, W, U] each
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
    """Return zeros for both directions, float [2, B, U], for `inputs` [B, W, D]."""
    return tf.zeros((2, tf.shape(inputs)[0], units), inputs.dtype)
