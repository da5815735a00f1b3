"""Which texts are words, judged by their characters."""

import unicodedata

import numpy as np
import tensorflow as tf

from attention_ocr.text.charset import END_ID, PAD_ID, SPECIAL_TOKENS, Charset

JOINERS = frozenset("'’-‐ ")
"""Characters that stand in words beside letters and combining marks."""

PUNCTUATION = frozenset('.,!?:;"“”„«»()')
"""Characters that stand around words of running text."""


def word_mask(charset: Charset, token_ids: tf.Tensor) -> tf.Tensor:
    """Return 1 for texts of letters, their marks, `JOINERS` and `PUNCTUATION` only, else 0.

    Args:
        charset: Characters of the token ids.
        token_ids: int32 [B, L], padding after the last character.

    Returns:
        float32 [B]; an empty text counts as a word.
    """
    belongs = np.zeros(charset.vocabulary_size, np.float32)
    belongs[[PAD_ID, END_ID]] = 1.0
    for token_id, character in enumerate(charset.characters, start=len(SPECIAL_TOKENS)):
        is_letter = character.isalpha() or unicodedata.category(character).startswith("M")
        belongs[token_id] = is_letter or character in JOINERS | PUNCTUATION
    return tf.reduce_min(tf.gather(tf.constant(belongs), token_ids), axis=1)
