"""A language model in a file: `attention-ocr language-model` writes it, decoding reads it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from attention_ocr.io.array_files import write_arrays
from attention_ocr.io.bounded_read import read_arrays
from attention_ocr.language_models import lstm, ngram
from attention_ocr.text.charset import Charset

MODELS: dict[str, type[ngram.NgramModel] | type[lstm.LSTMModel]] = {
    ngram.KIND: ngram.NgramModel,
    lstm.KIND: lstm.LSTMModel,
}


HALVED = ("log_probabilities", "log_backoffs", *lstm.WEIGHTS)
"""Arrays stored in half precision: the logarithms of n-grams, accurate to 0.01, and the weights."""


def save_language_model(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write the arrays of a model, whole or not at all.

    Logarithms of n-grams and weights are rounded to half precision.

    Raises:
        OSError: If the file cannot be written.
    """
    kept = {
        name: array.astype(np.float16) if name in HALVED else array
        for name, array in arrays.items()
    }
    write_arrays(kept, path, compressed=True)


def load_language_model(path: Path, charset: Charset) -> ngram.NgramModel | lstm.LSTMModel:
    """Read a model for the tokens of a charset.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not a language model, or shares no character with the charset;
            the message names it.
    """
    try:
        arrays = read_arrays(path, "fiubU")
        make = MODELS[str(arrays["kind"])]
        characters = [str(character) for character in arrays["characters"]]
        if not any(character in charset for character in characters):
            raise ValueError("it has no character of the recogniser")
        return make(arrays, charset)
    except FileNotFoundError:
        raise
    except (KeyError, IndexError, OverflowError, ValueError, TypeError) as error:
        raise ValueError(
            f"Expected a language model, made by `attention-ocr language-model`. "
            f"Received: {path}, {error}"
        ) from error
