"""Check the spaces that a model of lines has read against the gaps that its image shows."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from attention_ocr.inference.engines.interface import Reading
from attention_ocr.pages.character_positions import character_centres, has_positions
from attention_ocr.pages.words import visible_gaps

SURE_SPACE = 0.98
"""Confidence from which on a space is one, however narrow: all but a hundredth of true spaces."""

NARROW_SPACE = 0.6
"""Width of a gap relative to the usual one, below which it is hardly a space."""

PAGE_WEIGHT = 5
"""Spaces of a line that count as much for the usual gap as those of the page: lines of justified
text have wider and narrower spaces than others."""

REACH = 0.15
"""Distance along the line, relative to the height of the text, by which the attention may miss
the centre of a character."""


def drop_false_spaces(readings: Sequence[Reading], images: Sequence[np.ndarray]) -> list[Reading]:
    """Remove spaces where the image has hardly a gap and the model has low confidence.

    Args:
        readings: Readings of lines, or parts of lines, of one page.
        images: uint8 [h, w, 3] each, the images that were read.

    Returns:
        The readings, without these spaces.
    """
    gaps = [
        _gaps_at_spaces(reading, image) if has_positions(reading) else {}
        for reading, image in zip(readings, images, strict=True)
    ]
    of_page = float(np.median([size for line in gaps for size in line.values()] or [0.0]))
    dropped = []
    for reading, line in zip(readings, gaps, strict=True):
        of_line = float(np.median([*line.values()] or [0.0]))
        usual = (PAGE_WEIGHT * of_page + len(line) * of_line) / (PAGE_WEIGHT + len(line))
        false = {
            place
            for place, size in line.items()
            if size < NARROW_SPACE * usual and reading.character_confidences[place] < SURE_SPACE
        }
        dropped.append(_without(reading, false) if false else reading)
    return dropped


def _spaces(reading: Reading) -> list[int]:
    """Return the places of the spaces between characters."""
    return [
        place
        for place, character in enumerate(reading.text)
        if character == " " and 0 < place < len(reading.text) - 1
    ]


def _gaps_at_spaces(reading: Reading, image: np.ndarray) -> dict[int, float]:
    """Return the widest gap about each space, relative to the height of the text."""
    spaces = _spaces(reading)
    if not spaces:
        return {}
    centres = character_centres(reading, image.shape[1] / image.shape[0])
    gaps = visible_gaps(image)
    found = {}
    for place in spaces:
        left = centres[place - 1] - REACH * gaps.height
        right = centres[place + 1] + REACH * gaps.height
        is_near = (gaps.ends > left) & (gaps.begins < right)
        found[place] = float(gaps.sizes[is_near].max(initial=0.0))
    return found


def _without(reading: Reading, places: set[int]) -> Reading:
    kept = [place for place in range(len(reading.text)) if place not in places]
    return dataclasses.replace(
        reading,
        text="".join(reading.text[place] for place in kept),
        character_confidences=tuple(reading.character_confidences[place] for place in kept),
        attention=reading.attention[kept],
    )
