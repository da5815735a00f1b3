"""A search only where greedy decoding is unsure: most texts need none, and it takes most time."""

from collections.abc import Callable

import tensorflow as tf

from attention_ocr.decoding.result import Alternatives, DecoderOutput

SearchOutput = tuple[DecoderOutput, Alternatives]


def search_uncertain(
    greedy: DecoderOutput, search: Callable[[tf.Tensor], SearchOutput], surest: float
) -> SearchOutput:
    """Search for the texts of which greedy decoding is unsure, and keep the others.

    A cascade in the sense of Viola and Jones (2001, section 4): the cheap reader answers what it is
    sure of. What an example gets does not depend on the others of its batch, only the time does: a
    batch is searched if one of it is.

    Args:
        greedy: B texts.
        search: `(is_needed bool scalar) -> ` the best texts of all B, and n = 1 alternative of
            each; anything where it is not needed.
        surest: confidence in [0, 1] from which on a text is kept.

    Returns:
        The texts. The alternative of one that was kept is the text itself; its score is the
        logarithm of its confidence.
    """
    is_sure = greedy.confidence >= surest
    itself = Alternatives(
        tf.expand_dims(greedy.token_ids, 1),
        tf.expand_dims(greedy.confidence, 1),
        tf.expand_dims(tf.math.log(greedy.confidence), 1),
    )

    def choose(kept: tf.Tensor, searched: tf.Tensor) -> tf.Tensor:
        rows = tf.concat([tf.shape(is_sure), [1] * (kept.shape.rank - 1)], axis=0)
        return tf.where(tf.reshape(is_sure, rows), kept, searched)

    searched = search(~tf.reduce_all(is_sure))
    found: SearchOutput = tf.nest.map_structure(choose, (greedy, itself), searched)
    return found
