"""From images to texts: the encoder and the head that reads, in one call."""

from typing import NamedTuple

import tensorflow as tf

from attention_ocr.charset import decode_in_graph
from attention_ocr.decoding.ctc import ctc_greedy_decode
from attention_ocr.decoding.greedy import greedy_decode
from attention_ocr.decoding.prepare import Decoding
from attention_ocr.models.recognizer import Recognizer


class Recognition(NamedTuple):
    """What was read.

    Attributes:
        text: string [B], UTF-8.
        confidence: float32 [B] in [0, 1], probability of the whole text.
        character_confidences: float32 [B, L] in [0, 1]; 0 behind the last character.
        attention: float32 [B, L, H', W'], where each character was read; 0 behind the last.
    """

    text: tf.Tensor
    confidence: tf.Tensor
    character_confidences: tf.Tensor
    attention: tf.Tensor


def recognize(
    recognizer: Recognizer,
    decoding: Decoding,
    images: tf.Tensor,
    image_sizes: tf.Tensor,
) -> Recognition:
    """Read a batch of prepared images.

    Args:
        recognizer: the network.
        decoding: from `decoding.prepare.prepare_decoding`.
        images: float [B, H, W, C], as `data.images` prepares them.
        image_sizes: int32 [B, 2], height and width of each picture without its padding.
    """
    encoded = recognizer.encode(images, image_sizes)
    grid_shape = tf.shape(encoded.feature_grid)
    batch_size, rows, columns = grid_shape[0], grid_shape[1], grid_shape[2]
    decoder, ctc_head = recognizer.decoder, recognizer.ctc_head
    if decoding.settings.decoding == "ctc" and ctc_head is not None:
        decoded = ctc_greedy_decode(
            ctc_head(encoded.columns), encoded.column_lengths, decoding.max_length
        )
        rows = tf.constant(1)
    elif decoding.settings.decoding == "attention" and decoder is not None:
        state, memory = recognizer.start_decoding(encoded)
        decoded = greedy_decode(
            lambda token_ids, state: decoder.step(token_ids, state, memory),
            state,
            batch_size,
            rows * columns,
            decoding.max_length,
        )
    else:
        raise ValueError(
            f"The recogniser lacks the head of decoding={decoding.settings.decoding!r}."
        )
    return Recognition(
        text=decode_in_graph(decoding.charset, decoded.token_ids),
        confidence=decoded.confidence,
        character_confidences=decoded.character_confidences,
        attention=tf.reshape(decoded.attention, (batch_size, decoding.max_length, rows, columns)),
    )
