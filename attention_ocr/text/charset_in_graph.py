"""The charset inside a TensorFlow graph: texts to token ids and back."""

import tensorflow as tf

from attention_ocr.text.charset import END_ID, PAD_ID, UNKNOWN_CHARACTER, UNKNOWN_ID, Charset


def encode_in_graph(charset: Charset, texts: tf.Tensor) -> tf.RaggedTensor:
    """Return the token ids of `texts`, as `Charset.encode` does but inside a graph.

    Args:
        charset: The charset.
        texts: string [B], UTF-8 in NFC.

    Returns:
        Ragged int32 [B, (length)].
    """
    # A search in the sorted code points is stateless, so that a pipeline that holds it can be
    # checkpointed; a lookup table is not.
    order = sorted((*charset.characters, *charset.glyphs))
    code_points = tf.constant([ord(character) for character in order], tf.int32)
    sorted_ids = tf.constant([charset.encode(character)[0] for character in order], tf.int32)
    codes = tf.strings.unicode_decode(texts, "UTF-8")

    def look_up(flat_codes: tf.Tensor) -> tf.Tensor:
        positions = tf.minimum(tf.searchsorted(code_points, flat_codes), len(order) - 1)
        found = tf.equal(tf.gather(code_points, positions), flat_codes)
        return tf.where(found, tf.gather(sorted_ids, positions), UNKNOWN_ID)

    return tf.ragged.map_flat_values(look_up, codes)


def decode_in_graph(charset: Charset, token_ids: tf.Tensor) -> tf.Tensor:
    """Return the texts of `token_ids`, as `Charset.decode` does but inside a graph.

    Args:
        charset: The charset.
        token_ids: int [B, T].

    Returns:
        string [B], UTF-8.
    """
    entries = ["", "", "", UNKNOWN_CHARACTER, *charset.characters]
    table = tf.constant([entry.encode("utf-8") for entry in entries])
    ended = tf.cumsum(tf.cast(tf.equal(token_ids, END_ID), tf.int32), axis=1) > 0
    visible = tf.where(ended, PAD_ID, token_ids)
    return tf.strings.reduce_join(tf.gather(table, visible), axis=1)
