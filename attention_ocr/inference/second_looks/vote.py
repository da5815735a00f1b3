"""Views of an image, and the vote over their readings."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from attention_ocr.inference.engines.interface import Reading
from attention_ocr.settings.image import ImageConfig

OVERSAMPLING = 4.0
"""Pixels kept per pixel of the network's input, along each axis."""


class View(NamedTuple):
    """A transformed image.

    Attributes:
        image: uint8 [h, w, 3].
        fields: Fields of `Reading` that describe the transformation.
    """

    image: np.ndarray
    fields: Mapping[str, Any]

    def describe(self, reading: Reading) -> Reading:
        """Return the reading of the view with the fields of its transformation."""
        return dataclasses.replace(reading, **self.fields)


def vote(readings: Sequence[Reading]) -> Reading:
    """Return the text with most votes; a reading's vote is its confidence.

    This is ROVER's vote by confidence (Fiscus, 1997, section 3.3) over whole texts. The confidence
    of the text is the geometric mean of that of its most confident reading and of its share of the
    possible votes: the first alone is too high if all views differ, the second alone too low if one
    view is much better than the others.

    Args:
        readings: Readings of views of one image, at least one; the first wins a tie.

    Returns:
        The most confident reading of that text, with the confidence of the vote, and those of its
        alternatives in proportion.
    """
    votes: dict[str, float] = {}
    for reading in readings:
        votes[reading.text] = votes.get(reading.text, 0.0) + reading.confidence
    text = max(votes, key=votes.__getitem__)
    agreeing = [reading for reading in readings if reading.text == text]
    best = max(agreeing, key=lambda reading: reading.confidence)
    if len(readings) == 1 or not best.confidence:
        return best
    share = votes[text] / len(readings)
    of_vote = math.sqrt(share * best.confidence)
    proportion = of_vote / best.confidence
    return dataclasses.replace(
        best,
        confidence=of_vote,
        alternatives=tuple(
            (other, proportion * confidence) for other, confidence in best.alternatives
        ),
    )


def without_excess_pixels(image: np.ndarray, settings: ImageConfig) -> np.ndarray:
    """Shrink an image to what its views need, so that looks at large images are cheap.

    Args:
        image: uint8 [h, w, 3].
        settings: Settings of the network's input.

    Returns:
        uint8 [h', w', 3] with `OVERSAMPLING` times the rows and columns of the network's input,
        upright or rotated; the image itself if it has no more.
    """
    height, width = image.shape[:2]
    rows, columns = settings.image_height, settings.max_image_width
    upright = min(rows / height, columns / width)
    rotated = min(rows / width, columns / height)
    scale = OVERSAMPLING * max(upright, rotated)
    if scale >= 1.0:
        return image
    size = max(round(scale * width), 1), max(round(scale * height), 1)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
