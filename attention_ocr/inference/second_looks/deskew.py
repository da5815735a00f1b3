"""Second look: slanted words are deskewed."""

import math

import cv2
import numpy as np

from attention_ocr.inference.second_looks.vote import View

SLANTS = (-10.0, 10.0)
"""Candidate slopes in degrees; positive words fall to the right."""

MARGIN = 1.1
"""Size of the crop relative to the word, along each side."""

FLATTEST, STEEPEST = 0.15, 1.25
"""Limits of the crop's height: least fraction of the image's height, most of its own width."""


def deskewed(image: np.ndarray) -> list[View]:
    """Return an image deskewed from each slant that fits it."""
    views = ((slant, deskew(image, slant)) for slant in SLANTS)
    return [View(word, {"slant": slant}) for slant, word in views if word is not None]


def deskew(image: np.ndarray, slant: float) -> np.ndarray | None:
    """Crop a slanted word from an image that is its bounding box.

    Args:
        image: uint8 [h, w, 3].
        slant: Degrees by which the word falls to the right, above -45 and below 45.

    Returns:
        uint8 [h', w', 3], the word horizontal; None if no word of that slant fills the image.
    """
    height, width = image.shape[:2]
    angle = math.radians(slant)
    cosine, sine = math.cos(angle), math.sin(angle)
    # The box of a word `length` long and `thickness` high, rotated by the angle, has the width
    # length * cosine + thickness * |sine| and the height length * |sine| + thickness * cosine.
    span = cosine**2 - sine**2
    thickness = (height * cosine - width * abs(sine)) / span
    length = (width * cosine - height * abs(sine)) / span
    if thickness < FLATTEST * height or thickness > STEEPEST * length:
        return None
    length, thickness = MARGIN * length, MARGIN * thickness
    # From positions in the horizontal word to positions in the image, centre to centre.
    matrix = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0]])
    matrix[:, 2] = np.array([width, height]) / 2 - matrix[:, :2] @ [length / 2, thickness / 2]
    size = max(round(length), 1), max(round(thickness), 1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
