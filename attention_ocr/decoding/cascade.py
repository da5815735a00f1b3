"""A cascade: only texts that greedy decoding reads with low confidence are searched."""

from collections.abc import Callable

import tensorflow as tf

from attention_ocr.decoding.result import Alternatives, DecoderOutput

SearchOutput = tuple[DecoderOutput, Alternatives]


def search_uncertain(
    greedy: DecoderOutput,
    search: Callable[[], SearchOutput],
    threshold: float,
    among: tf.Tensor | None = None,
) -> SearchOutput:
    """Search for the texts of low greedy confidence, and keep the others.

    A cascade in the sense of Viola and Jones (2001, section 4): the cheap decoder settles the easy
    cases. The result of an example does not depend on its batch, only the time does: a batch is
    searched if one of its examples is.

    Args:
        greedy: B texts.
        search: Returns the best texts of all B, and n = 1 alternative of each. In a graph, all
            that it computes belongs to a branch that is skipped if no text is uncertain.
        threshold: Confidence in [0, 1] from which a text is kept.
        among: bool [B], the texts of which any is searched at all; by default all.

    Returns:
        The texts. The alternative of a kept text is the text itself; its score is the logarithm of
        its confidence.
    """
    is_kept = greedy.confidence >= threshold
    if among is not None:
        is_kept = tf.logical_or(is_kept, tf.logical_not(among))
    itself = Alternatives(
        tf.expand_dims(greedy.token_ids, 1),
        tf.expand_dims(greedy.confidence, 1),
        tf.expand_dims(tf.math.log(greedy.confidence), 1),
    )

    def choose(kept: tf.Tensor, searched: tf.Tensor) -> tf.Tensor:
        rows = tf.concat([tf.shape(is_kept), [1] * (kept.shape.rank - 1)], axis=0)
        return tf.where(tf.reshape(is_kept, rows), kept, searched)

    def searched() -> SearchOutput:
        found: SearchOutput = tf.nest.map_structure(choose, (greedy, itself), search())
        return found

    result: SearchOutput = tf.cond(tf.reduce_all(is_kept), lambda: (greedy, itself), searched)
    return result
