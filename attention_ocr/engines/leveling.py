"""Words that rise or fall: what is not read surely is read again as a slanted word, set level."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from attention_ocr.data.image_arrays import decode_array
from attention_ocr.engines.interface import Reading
from attention_ocr.engines.views import View, ViewsEngine

UNSURE = 0.5
"""Confidence below which a picture is read again."""

SLANTS = (-10.0, 10.0)
"""Degrees by which a word may fall to the right."""

OWN_VOTE = 2.0
"""What the picture as it is counts beside one that was set level."""

MARGIN = 1.1
"""How much larger than the word what is cut out is, along each side."""

FLATTEST, STEEPEST = 0.15, 1.25
"""Of what is cut out: the least share of the picture's height, and the most of its own width."""


class LevelingEngine(ViewsEngine):
    """Reads what another engine is unsure of several times, and keeps what most agree on.

    Each time the picture is taken for the bounding box of a word of some slant. The text whose
    confidences add up highest is kept, with the surest of its readings: a vote as in ROVER (Fiscus,
    1997), over one model's readings of several views.

    `Reading.slant` tells how a picture was read.

    Args:
        engine: reads.
    """

    def views(self, file: bytes, reading: Reading) -> Iterable[View]:
        """Return an unsure picture, set level from each slant that fits it."""
        if reading.confidence >= UNSURE or reading.quarter_turns:
            return
        picture = decode_array(file)
        if picture is not None:
            for slant in SLANTS:
                level = set_level(picture, slant)
                if level is not None:
                    yield {"slant": slant}, level

    def choose(self, own: Reading, others: Sequence[Reading]) -> Reading:
        """Return the surest reading of the text that has most votes."""
        votes = defaultdict(float, {own.text: OWN_VOTE * own.confidence})
        for reading in others:
            votes[reading.text] += reading.confidence
        text = max(votes, key=votes.__getitem__)
        agreeing = [reading for reading in (own, *others) if reading.text == text]
        return max(agreeing, key=lambda reading: reading.confidence)


def set_level(picture: np.ndarray, slant: float) -> np.ndarray | None:
    """Cut a slanted word out of a picture that is its bounding box.

    Args:
        picture: uint8 [h, w, 3].
        slant: degrees by which the word falls to the right, above -45 and below 45.

    Returns:
        uint8 [h', w', 3], the word level; none where no word of that slant fills the picture.
    """
    height, width = picture.shape[:2]
    angle = math.radians(slant)
    cosine, sine = math.cos(angle), math.sin(angle)
    # The box of a word `length` long and `thickness` high, turned by the angle, has the width
    # length * cosine + thickness * |sine| and the height length * |sine| + thickness * cosine.
    span = cosine**2 - sine**2
    thickness = (height * cosine - width * abs(sine)) / span
    length = (width * cosine - height * abs(sine)) / span
    if thickness < FLATTEST * height or thickness > STEEPEST * length:
        return None
    length, thickness = MARGIN * length, MARGIN * thickness
    # From places of the level word to those of the picture, the middle on the middle.
    matrix = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0]])
    matrix[:, 2] = np.array([width, height]) / 2 - matrix[:, :2] @ [length / 2, thickness / 2]
    size = max(round(length), 1), max(round(thickness), 1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
