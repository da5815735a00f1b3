"""Second look: images of low confidence are re-read wider.

Every image is scaled to the input height in its own proportions, so that condensed letters get few
columns each. Widened, they get more; and at other proportions the network makes other mistakes, so
that equal texts are stronger evidence than one.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from attention_ocr.inference.second_looks.vote import View
from attention_ocr.settings.image import ImageConfig

NARROW = 0.6
"""Ratio of width to height below which an image may show a lone `I` or `1`."""

MARGIN = 0.25
"""Margin added at each side of a narrow image, as a fraction of its height."""


def widened(image: np.ndarray, factors: Sequence[float], settings: ImageConfig) -> list[View]:
    """Return an image at other widths.

    Args:
        image: uint8 [h, w, 3].
        factors: Factors of the width.
        settings: Settings of the network's input; views that it would shrink again are left out.
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
    """Return a narrow image with repeated edges at each side; otherwise nothing.

    In a crop that touches a lone vertical stroke, the network takes it for a part of a letter.
    """
    if image.shape[1] >= NARROW * image.shape[0]:
        return []
    return [View(add_margin(image, MARGIN), {"margin": MARGIN})]


def add_margin(image: np.ndarray, margin: float) -> np.ndarray:
    """Repeat the edges of an image at each side by a fraction of its height."""
    columns = round(margin * image.shape[0])
    return cv2.copyMakeBorder(image, 0, 0, columns, columns, cv2.BORDER_REPLICATE)
