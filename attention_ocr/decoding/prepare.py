"""All that decoding needs, made once: settings, characters, and what comes from files."""

from typing import NamedTuple

from attention_ocr.charset import Charset
from attention_ocr.config import Config
from attention_ocr.settings.decoding import DecodingConfig


class Decoding(NamedTuple):
    """How a model decodes.

    Attributes:
        settings: of decoding.
        charset: the characters of the model.
        max_length: L, characters of the longest text.
    """

    settings: DecodingConfig
    charset: Charset
    max_length: int


def prepare_decoding(config: Config, charset: Charset) -> Decoding:
    """Read what the settings name.

    Args:
        config: the settings.
        charset: the characters of the model.
    """
    return Decoding(config.decoding, charset, config.model.max_length)
