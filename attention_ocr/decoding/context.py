"""All that decoding needs, made once: settings, characters, and what comes from files."""

from pathlib import Path
from typing import NamedTuple

from attention_ocr.decoding.protocols import Rule, Weighted
from attention_ocr.decoding.rules import make_rule
from attention_ocr.decoding.temperature import Temperature
from attention_ocr.language_models.files import load_language_model
from attention_ocr.settings.config import Config
from attention_ocr.settings.decoding import DecodingConfig
from attention_ocr.text.charset import Charset


class Decoding(NamedTuple):
    """How a model decodes.

    Attributes:
        settings: of decoding.
        charset: the characters of the model.
        max_length: L, characters of the longest text.
        rule: what every text must keep, if anything.
        scorers: what has a say in a search beside the head that reads.
        temperature: of the confidences of the head that reads.
    """

    settings: DecodingConfig
    charset: Charset
    max_length: int
    rule: Rule | None
    scorers: tuple[Weighted, ...]
    temperature: Temperature


def prepare_decoding(
    config: Config, charset: Charset, temperature: Temperature | None = None
) -> Decoding:
    """Read what the settings name.

    Args:
        config: the settings.
        charset: the characters of the model.
        temperature: in place of that of the settings, while it is fitted.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file or a setting is not fit for the model; the message names it.
    """
    settings, max_length = config.decoding, config.model.max_length
    rule = make_rule(settings, charset, max_length)
    scorers: tuple[Weighted, ...] = ()
    if settings.language_model_weight > 0:
        model = load_language_model(Path(settings.language_model), charset)
        scorers = (Weighted(model, settings.language_model_weight),)
    if temperature is None:
        heads = {"ctc": settings.ctc_temperature}
        temperature = heads.get(settings.decoding, settings.attention_temperature)
    return Decoding(settings, charset, max_length, rule, scorers, temperature)
