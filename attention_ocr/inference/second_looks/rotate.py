"""Second look: text that stands on end or upside down is read after rotation."""

from collections.abc import Sequence

import numpy as np

from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.second_looks.vote import View

TALL = 1.5
"""An image whose height is more than this many widths may show a word on end."""

QUARTER_TURNS = (1, 3)
"""Anticlockwise; 1 sets a word upright that runs down, 3 one that runs up."""

HALF_TURN = 2

LEAST_CHARACTERS = 2
"""What a rotated image must read to be believed: `I` on its side is a dash, and most single
characters are a character upside down."""

CONFIDENT = 0.8
"""Confidence from which on an image is believed to be upside down."""


def is_tall(image: np.ndarray) -> bool:
    """Return whether an image may show a word on end."""
    return bool(image.shape[0] > TALL * image.shape[1])


def rotated(image: np.ndarray, quarter_turns: int) -> View:
    """Return an image rotated anticlockwise."""
    return View(np.rot90(image, quarter_turns), {"quarter_turns": quarter_turns})


def most_upright(own: Reading, others: Sequence[Reading]) -> Reading:
    """Return the reading of the orientation in which a tall image is read with most confidence.

    Args:
        own: Of the image as it is.
        others: Of the rotated image.
    """
    believed = [reading for reading in others if len(reading.text) >= LEAST_CHARACTERS]
    return max((own, *believed), key=lambda reading: reading.confidence)


def is_upside_down(reading: Reading) -> bool:
    """Return whether an image was upside down, by what is read in it after half a turn."""
    return reading.confidence >= CONFIDENT and len(reading.text) >= LEAST_CHARACTERS
