"""Strong damage to a finished image: low resolution, compression, motion blur, low contrast.

The result stays legible: each kind of damage is limited so that no letter is lost.
"""

import math

import cv2
import numpy as np

from attention_ocr.synthesis.chance import between, happens, pick
from attention_ocr.synthesis.effects import add_noise, blur, blur_by_motion, compress

_FEWEST_ROWS = 8.0
"""Smallest remaining text height in pixels, that of the smallest words people label."""

_FEWEST_CONTRAST = 22.0
_SHRINKING = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_NEAREST, cv2.INTER_CUBIC)
_ENLARGING = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST, cv2.INTER_LANCZOS4)


def damage(
    rng: np.random.Generator,
    image: np.ndarray,
    text_height: float,
    stroke_width: float,
    contrast: float,
) -> np.ndarray:
    """Damage an image in one to three ways.

    Args:
        rng: Random generator.
        image: uint8 `[H, W, 3]`.
        text_height: Height of the text in pixels.
        stroke_width: Stroke width of the text in pixels.
        contrast: Contrast of the text in luma, from 0 to 255.

    Returns:
        uint8 `[H, W, 3]`.
    """
    if happens(rng, 0.3):
        image, contrast = fade(rng, image, contrast)
    way = rng.random()
    if way < 0.55:
        image = shrink(rng, image, text_height, stroke_width)
    elif way < 0.75:
        length = 1.0 + stroke_width * between(rng, 0.4, 1.5)
        image = blur_by_motion(image, length, math.pi * rng.random())
    elif way < 0.9:
        image = blur(image, 0.4 + 0.5 * stroke_width * rng.random())
    if happens(rng, 0.25):
        deviation = min(14.0, 0.12 * contrast) * between(rng, 0.3, 1.0)
        image = add_noise(rng, image, deviation, happens(rng, 0.5), happens(rng, 0.4))
    if happens(rng, 0.5):
        image = compress(image, int(between(rng, 30, 70)))
    return image


def shrink(
    rng: np.random.Generator, image: np.ndarray, text_height: float, stroke_width: float
) -> np.ndarray:
    """Downsample an image and enlarge it again, with random filters.

    Args:
        rng: Random generator.
        image: uint8 `[H, W, 3]`.
        text_height: Height of the text in pixels, of which some stay.
        stroke_width: Stroke width in pixels, of which most of one stays.

    Returns:
        uint8 `[H, W, 3]`.
    """
    least = min(1.0, max(0.1, _FEWEST_ROWS / text_height, 0.8 / max(stroke_width, 0.8)))
    factor = between(rng, least, 1.0)
    height, width = image.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    # Without averaging, less than half the pixels would lose strokes.
    way = pick(rng, _SHRINKING) if factor > 0.6 else cv2.INTER_AREA
    small = cv2.resize(image, size, interpolation=way)
    return cv2.resize(small, (width, height), interpolation=pick(rng, _ENLARGING))


def fade(rng: np.random.Generator, image: np.ndarray, contrast: float) -> tuple[np.ndarray, float]:
    """Remove most of the contrast.

    Args:
        rng: Random generator.
        image: uint8 `[H, W, 3]`.
        contrast: Contrast of the text in luma, from 0 to 255; some of it stays.

    Returns:
        uint8 `[H, W, 3]`, and the remaining contrast.
    """
    least = min(1.0, _FEWEST_CONTRAST / max(contrast, 1.0))
    factor = between(rng, least, min(1.0, 3.0 * least + 0.2))
    level = between(rng, 10.0, 245.0) * (1.0 - factor)
    return cv2.convertScaleAbs(image, alpha=factor, beta=level), factor * contrast
