"""What every way of decoding returns."""

from typing import NamedTuple

import tensorflow as tf

from attention_ocr.text.charset import END_ID, PAD_ID


class DecoderOutput(NamedTuple):
    """Texts as token ids, with how sure the model is of each.

    Attributes:
        token_ids: int32 [B, L], the characters; padding behind the last one.
        lengths: int32 [B], characters of each text.
        character_confidences: float32 [B, L], probability of each character; 0 behind the last.
        confidence: float32 [B], probability of the whole text with its end, and of nothing after.
        attention: float32 [B, L, N], where each character was read; 0 behind the last.
    """

    token_ids: tf.Tensor
    lengths: tf.Tensor
    character_confidences: tf.Tensor
    confidence: tf.Tensor
    attention: tf.Tensor


class Alternatives(NamedTuple):
    """The n best texts of a search, the best first.

    Attributes:
        token_ids: int32 [B, n, L]; padding behind the last character.
        confidence: float32 [B, n], probability of each text; 0 where no other text was left.
        scores: float32 [B, n], by which the search put them in order; -inf where none was left.
    """

    token_ids: tf.Tensor
    confidence: tf.Tensor
    scores: tf.Tensor


def decoded_from_steps(
    token_ids: tf.Tensor, confidences: tf.Tensor, attention: tf.Tensor
) -> DecoderOutput:
    """Tell the characters of the L + 1 steps from their ends and from what was never written.

    Args:
        token_ids: int32 [B, L + 1], with the end; padding behind it.
        confidences: float32 [B, L + 1], 1 behind the end.
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
