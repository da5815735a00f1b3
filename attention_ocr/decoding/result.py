"""Results of every decoding algorithm."""

from typing import NamedTuple

import tensorflow as tf

from attention_ocr.text.charset import END_ID, PAD_ID


class DecoderOutput(NamedTuple):
    """Texts as token ids, with their confidences.

    Attributes:
        token_ids: int32 [B, L], the characters; padding after the last one.
        lengths: int32 [B], characters of each text.
        character_confidences: float32 [B, L], probability of each character; 0 after the last.
        confidence: float32 [B], probability of the whole text with its end, and of nothing after.
        attention: float32 [B, L, N], where each character was read; 0 after the last.
    """

    token_ids: tf.Tensor
    lengths: tf.Tensor
    character_confidences: tf.Tensor
    confidence: tf.Tensor
    attention: tf.Tensor


class Alternatives(NamedTuple):
    """The n best texts of a search, best first.

    Attributes:
        token_ids: int32 [B, n, L]; padding after the last character.
        confidence: float32 [B, n], probability of each text; 0 where there are fewer texts.
        scores: float32 [B, n], the scores by which the search ranked them; -inf where there are
            fewer.
    """

    token_ids: tf.Tensor
    confidence: tf.Tensor
    scores: tf.Tensor


def decoded_from_steps(
    token_ids: tf.Tensor, confidences: tf.Tensor, attention: tf.Tensor
) -> DecoderOutput:
    """Split L + 1 steps into characters, end and padding.

    Args:
        token_ids: int32 [B, L + 1], with the end; padding after it.
        confidences: float32 [B, L + 1], 1 after the end.
        attention: float32 [B, L + 1, N].
    """
    is_character = (token_ids != PAD_ID) & (token_ids != END_ID)
    return DecoderOutput(
        token_ids=tf.where(is_character, token_ids, PAD_ID)[:, :-1],
        lengths=tf.reduce_sum(tf.cast(is_character, tf.int32), axis=1),
        character_confidences=tf.where(is_character, confidences, 0.0)[:, :-1],
        confidence=tf.reduce_prod(confidences, axis=1),
        attention=tf.where(tf.expand_dims(is_character, -1), attention, 0.0)[:, :-1],
    )
