"""Recognition with one lexicon per image, for data that provide them."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from absl import logging

from attention_ocr.data.sources import LEXICON
from attention_ocr.decoding.automaton import TableRule, Tables
from attention_ocr.decoding.context import prepare_decoding
from attention_ocr.decoding.image_lexicons import ImageLexicons, split_lexicons
from attention_ocr.decoding.temperature import Temperature
from attention_ocr.inference.recognize import RecognitionOutput, recognize
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset


def has_lexicons(batches: Any) -> bool:
    """Return whether batches of `evaluation_batches` hold one lexicon per image."""
    return LEXICON in getattr(batches, "element_spec", {})


def make_lexicon_recognize(
    recognizer: Recognizer,
    config: Config,
    charset: Charset,
    temperature: Temperature | None = None,
) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], RecognitionOutput]:
    """Return `recognize` for images with one lexicon each; see `evaluate.make_recognize`.

    Args:
        recognizer: The network.
        config: Its settings.
        charset: Its charset.
        temperature: Replaces that of the settings, while it is fitted.

    Returns:
        A function of images, image sizes and lexicons string [B], words separated by line feeds.

    Raises:
        ValueError: If the settings also have a rule for all images.
    """
    settings = config.decoding
    for name in ("lexicon", "pattern", "allowed_characters"):
        if getattr(settings, name):
            raise ValueError(
                "Expected either a lexicon per image, from the data, or a rule for all images. "
                f"Received both: {name}={getattr(settings, name)!r}"
            )
    decoding = prepare_decoding(config, charset, temperature)
    max_length = config.model.max_length
    lexicons = ImageLexicons(charset, max_length, settings.lexicon_ignore_case)
    words = -(-charset.vocabulary_size // 32)
    vector = tf.TensorSpec((None,), tf.int32)

    @tf.function(
        input_signature=(
            tf.TensorSpec(
                (None, config.image.input_height, None, config.image.image_channels), tf.float32
            ),
            tf.TensorSpec((None, 2), tf.int32),
            Tables(tf.TensorSpec((None, words), tf.int32), *[vector] * 5),
        ),
    )
    def read(images: tf.Tensor, image_sizes: tf.Tensor, tables: Tables) -> RecognitionOutput:
        rule = TableRule(tables, charset.vocabulary_size)
        return recognize(recognizer, decoding._replace(rule=rule), images, image_sizes)

    def read_by_lexicons(
        images: tf.Tensor, image_sizes: tf.Tensor, joined: tf.Tensor
    ) -> RecognitionOutput:
        before = lexicons.num_without
        tables = lexicons.tables(split_lexicons(joined.numpy()))
        if before == 0 and lexicons.num_without:
            logging.warning(
                "Images are recognised without a lexicon if none of its words consists of at most "
                "max_length=%d characters of the model's charset",
                max_length,
            )
        return read(images, image_sizes, Tables(*map(tf.constant, tables)))

    return read_by_lexicons
