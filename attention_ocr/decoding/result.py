"""What every way of decoding returns."""

from typing import NamedTuple

import tensorflow as tf


class Decoded(NamedTuple):
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
