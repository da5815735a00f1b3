"""Second look: what is read without confidence is read again wider.

Every image becomes as many rows as the network takes, at its own proportions, so that condensed
letters become few columns each. Widened, they have more; and a network reads an image of other
proportions with other mistakes, so that texts which agree are worth more than one.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from attention_ocr.inference.second_looks.vote import View
from attention_ocr.settings.image import ImageConfig

NARROW = 0.6
"""An image whose width is less than this share of its height may show a lone `I` or `1`."""

MARGIN = 0.25
"""Share of the height that is added at each side of a narrow image."""


def widened(image: np.ndarray, factors: Sequence[float], settings: ImageConfig) -> list[View]:
    """Return an image at other widths.

    Args:
        image: uint8 [h, w, 3].
        factors: Of the width.
        settings: Of the network's input; what it would have to shrink again is left out.
    """
    height, width = image.shape[:2]
    widest = settings.max_image_width * height / settings.image_height
    return [
        View(_stretch(image, factor), {"width_factor": factor})
        for factor in factors
        if factor * width <= widest
    ]


def _stretch(image: np.ndarray, factor: float) -> np.ndarray:
    height, width = image.shape[:2]
    return cv2.resize(image, (max(round(factor * width), 1), height))


def with_margins(image: np.ndarray) -> list[View]:
    """Return a narrow image with a strip at each side, in the colours of its edges; else nothing.

    In a crop that touches a lone vertical stroke, the network takes it for a part of a letter.
    """
    if image.shape[1] >= NARROW * image.shape[0]:
        return []
    return [View(add_margin(image, MARGIN), {"margin": MARGIN})]


def add_margin(image: np.ndarray, margin: float) -> np.ndarray:
    """Repeat the edges of an image at each side, as far as a share of its height."""
    columns = round(margin * image.shape[0])
    return cv2.copyMakeBorder(image, 0, 0, columns, columns, cv2.BORDER_REPLICATE)
