"""Hard-example selection: of several rendered images, the one that a model reads worst."""

from collections.abc import Sequence

import numpy as np

from attention_ocr.data.sources import Selection
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.reader import load
from attention_ocr.metrics.accuracy import edit_distance
from attention_ocr.settings.data import DataConfig
from attention_ocr.text.charset import normalize

ILLEGIBLE = 0.7
"""Fraction of wrong characters above which an image is taken for illegible, and not selected."""

SHORTEST = 4
"""Least number of characters for that: a lone letter is right or wrong as a whole."""


def make_selection(settings: DataConfig) -> Selection | None:
    """Return the selection of the settings; None if they select nothing.

    Only endless rendered sources are selected from (`data.readers.rendered`): a label file is
    finite, and each of its examples is trained on once in an epoch.

    Args:
        settings: `hardest_of` and `selector`.

    Raises:
        FileNotFoundError: If there is no model of that name.
        ImportError: If no engine that runs it is installed.
        ValueError: If the model is damaged.
    """
    if settings.hardest_of == 1:
        return None
    reader = load(settings.selector, second_looks=False)

    def hardest(candidates: Sequence[tuple[np.ndarray, str]]) -> int:
        readings = reader.read([image for image, _ in candidates])
        texts = [text for _, text in candidates]
        return int(np.argmax([*map(difficulty, texts, readings)]))

    return Selection(settings.hardest_of, hardest)


def difficulty(text: str, reading: Reading) -> float:
    """Return how hard an image is to read.

    Args:
        text: Its text.
        reading: Its reading by a model.

    Returns:
        0 to 1 for a correct reading, the lower the more confident; 1 to 2 for a wrong one, by the
        fraction of wrong characters; -1 for an image that is probably illegible.
    """
    label = normalize(text)
    num_characters = max(len(label), len(reading.text), 1)
    wrong = edit_distance(label, reading.text) / num_characters
    if not wrong:
        return 1.0 - reading.confidence
    if wrong > ILLEGIBLE and len(label) >= SHORTEST:
        return -1.0
    return 1.0 + wrong
