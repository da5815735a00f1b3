"""Second look: vertical and upside-down text is read after rotation."""

from collections.abc import Sequence

import numpy as np

from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.second_looks.vote import View

TALL = 1.5
"""Ratio of height to width above which an image may show a vertical word."""

QUARTER_TURNS = (1, 3)
"""Anticlockwise rotations by 90 degrees: 1 for a word that runs down, 3 for one that runs up."""

HALF_TURN = 2

MIN_CHARACTERS = 2
"""Least number of characters of a rotated reading: `I` on its side is a dash, and most characters
upside down resemble another."""

CONFIDENT = 0.8
"""Least confidence of an upside-down reading."""


def is_tall(image: np.ndarray) -> bool:
    """Return whether an image may show a vertical word."""
    return bool(image.shape[0] > TALL * image.shape[1])


def rotated(image: np.ndarray, quarter_turns: int) -> View:
    """Return an image rotated anticlockwise."""
    return View(np.rot90(image, quarter_turns), {"quarter_turns": quarter_turns})


def most_upright(own: Reading, others: Sequence[Reading]) -> Reading:
    """Return the most confident reading over the orientations of a tall image.

    Args:
        own: Reading of the original image.
        others: Readings of the rotated image.
    """
    believed = [reading for reading in others if len(reading.text) >= MIN_CHARACTERS]
    return max((own, *believed), key=lambda reading: reading.confidence)


def is_upside_down(reading: Reading) -> bool:
    """Return whether an image was upside down, by its reading after a rotation by 180 degrees."""
    return reading.confidence >= CONFIDENT and len(reading.text) >= MIN_CHARACTERS
