"""Colours of an image: text and background on two sides of a gap in luma."""

import math
from dataclasses import dataclass

import numpy as np

from attention_ocr.synthesis.chance import between, happens

Color = tuple[float, float, float]

_LUMA_WEIGHTS = (0.299, 0.587, 0.114)
# Of 255; the easy end exceeds accessibility rules for print, at the hard end words in photographs
# become hard to see.
_CLEAN_CONTRAST = 160.0
_HARD_CONTRAST = 45.0


def luma(color: Color) -> float:
    """Return the perceived brightness of a colour.

    Args:
        color: Red, green and blue from 0 to 255.

    Returns:
        A value from 0 to 255.

    Example:
        >>> round(luma((255, 255, 255)))
        255
    """
    red, green, blue = color
    return _LUMA_WEIGHTS[0] * red + _LUMA_WEIGHTS[1] * green + _LUMA_WEIGHTS[2] * blue


def minimum_contrast(difficulty: float) -> float:
    """Return the smallest difference of luma between a text and its background.

    Args:
        difficulty: From 0, easy, to 1, hard.

    Returns:
        A value from 0 to 255, before blur, noise and light are applied.
    """
    return _CLEAN_CONTRAST + (_HARD_CONTRAST - _CLEAN_CONTRAST) * difficulty


def color_of_luma(rng: np.random.Generator, brightness: float, saturation: float) -> Color:
    """Draw a colour of given luma.

    Args:
        rng: Random generator.
        brightness: The luma, from 0 to 255.
        saturation: From 0, gray, to 1, as colourful as the luma allows.

    Returns:
        Red, green and blue from 0 to 255.
    """
    mixture = (rng.random(), rng.random(), rng.random())
    center = luma(mixture)
    offsets = [channel - center for channel in mixture]
    # The largest multiple of the offsets that keeps every channel from 0 to 255.
    reach = min(
        (255.0 - brightness) / offset if offset > 0 else brightness / -offset
        for offset in offsets
        if offset
    )
    red, green, blue = (brightness + saturation * reach * offset for offset in offsets)
    return red, green, blue


@dataclass(frozen=True)
class Palette:
    """Colours of one image.

    Args:
        text: Colour of the text.
        ground: Main colour of the background.
        gap: Smallest difference of luma between the text and any background colour.
        saturation: Saturation of the colours, from 0 to 1.
    """

    text: Color
    ground: Color
    gap: float
    saturation: float

    @property
    def contrast(self) -> float:
        """Difference of luma between the text and the main background colour."""
        return abs(luma(self.text) - luma(self.ground))

    def draw_ground(self, rng: np.random.Generator, spread: float) -> Color:
        """Draw another background colour, at least `gap` away from the text in luma.

        Args:
            rng: Random generator.
            spread: Distance from the main one: 0 gives the same luma, 1 any allowed one.

        Returns:
            The colour.
        """
        return self._draw_beyond(rng, luma(self.text), luma(self.ground), self.gap, spread)

    def draw_text_color(self, rng: np.random.Generator, spread: float) -> Color:
        """Draw another colour for the text, at least as far from the background as the first.

        Args:
            rng: Random generator.
            spread: Distance from the first one, as in `draw_ground`.

        Returns:
            The colour.
        """
        return self._draw_beyond(rng, luma(self.ground), luma(self.text), self.contrast, spread)

    def _draw_beyond(
        self, rng: np.random.Generator, origin: float, main: float, gap: float, spread: float
    ) -> Color:
        """Draw a colour on the side of `origin` where `main` is, at least `gap` away."""
        low, high = (origin + gap, 255.0) if main > origin else (0.0, origin - gap)
        brightness = main + spread * (between(rng, low, high) - main)
        return color_of_luma(rng, min(255.0, max(0.0, brightness)), self.saturation)


def draw_natural_palette(rng: np.random.Generator, strength: float = 1.0) -> Palette:
    """Draw the colours of a sign in a photograph: muted, of medium contrast.

    Lighter text on a darker ground is more frequent than the reverse. Fitted by eye and by
    the quartiles of contrast, luma and saturation in training words of Street View Text and
    ICDAR 2015, split into text and ground by 2-means clustering.

    Args:
        rng: Random generator.
        strength: Mean pixel coverage of the strokes, from 0 to 1; hairlines need more contrast.

    Returns:
        The colours.
    """
    contrast = min(240.0, 82.0 * math.exp(0.5 * rng.standard_normal()) + 8.0)
    contrast = min(240.0, max(contrast, 28.0 / max(strength, 0.2)))
    darker = between(rng, 5.0, min(255.0 - contrast, 150.0))
    dark = color_of_luma(rng, darker, rng.random() ** 1.2)
    saturation = rng.random() ** 1.5
    light = color_of_luma(rng, darker + contrast, saturation)
    gap = 0.75 * contrast
    if happens(rng, 0.65):
        return Palette(text=light, ground=dark, gap=gap, saturation=saturation)
    return Palette(text=dark, ground=light, gap=gap, saturation=saturation)


def draw_palette(rng: np.random.Generator, difficulty: float, strength: float = 1.0) -> Palette:
    """Draw the colours of an image.

    Args:
        rng: Random generator.
        difficulty: From 0, near-black on near-white, to 1: any colours, light on dark as often as
            dark on light, down to a low contrast.
        strength: Mean pixel coverage of the strokes, from 0 to 1; hairlines need more contrast.

    Returns:
        The colours; text and ground differ by at least `minimum_contrast(difficulty)`.
    """
    highest = 250.0
    gap = min(highest, minimum_contrast(difficulty) / max(strength, 0.2))
    # Squared on the hard side: many signs are faded, some are as clear as print.
    contrast = gap + (highest - gap) * (rng.random() ** (1.0 + difficulty))
    darker = between(rng, 0.0, min(255.0 - contrast, 30.0 + 225.0 * difficulty))
    saturation = min(1.0, 2.0 * difficulty) * rng.random() ** 1.5
    dark = color_of_luma(rng, darker, saturation)
    light = color_of_luma(rng, darker + contrast, saturation * between(rng, 0.1, 1.0))
    if happens(rng, min(0.5, difficulty)):
        return Palette(text=light, ground=dark, gap=gap, saturation=saturation)
    return Palette(text=dark, ground=light, gap=gap, saturation=saturation)
