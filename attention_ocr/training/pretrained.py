"""Weights from elsewhere that training starts from."""

from pathlib import Path

from attention_ocr.models.build import make_encoder
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config


def check_encoder(config: Config) -> None:
    """Refuse, before anything is written, an encoder that cannot be made.

    Raises:
        ValueError: see `make_encoder`.
        FileNotFoundError: there is no file of weights for it.
    """
    make_encoder(config)
    path = config.training.encoder_weights
    if path and not Path(path).is_file():
        raise FileNotFoundError(f"No weights at {path}")


def load_pretrained(recognizer: Recognizer, path: str) -> None:
    """Give an encoder that is a network of `keras.applications` its weights from a file.

    Raises:
        ValueError: the file holds other weights; the message names it.
    """
    recognizer.encoder.load_pretrained(Path(path))
