"""Pretrained encoder weights from a file."""

from pathlib import Path

from attention_ocr.models.build import make_encoder
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config


def check_encoder(config: Config) -> None:
    """Refuse, before anything is written, an encoder that cannot be built.

    Raises:
        ValueError: If `make_encoder` refuses the settings.
        FileNotFoundError: If the file of its weights does not exist.
    """
    make_encoder(config)
    path = config.training.encoder_weights
    if path and not Path(path).is_file():
        raise FileNotFoundError(f"No weights at {path}")


def load_pretrained(recognizer: Recognizer, path: str) -> None:
    """Load the weights of a `keras.applications` encoder from a file.

    Raises:
        ValueError: If the file holds other weights; the message names it.
    """
    recognizer.encoder.load_pretrained(Path(path))
