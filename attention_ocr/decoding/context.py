"""The context of decoding, built once: settings, characters, lexicons and language models."""

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
    """Everything a model needs for decoding.

    Attributes:
        settings: Settings of decoding.
        charset: Characters of the model.
        max_length: L, characters of the longest text.
        rule: Constraint that every text must satisfy, or `None`.
        scorers: Scorers fused into the search.
        temperature: Temperature of the confidences of the head that reads.
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
    """Load the files that the settings name, and build the context.

    Args:
        config: Settings of the model.
        charset: Characters of the model.
        temperature: Replaces the temperature of the settings, while it is fitted.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a file or a setting does not fit the model; the message names it.
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
