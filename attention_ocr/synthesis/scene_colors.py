"""Colours of objects that carry codes: plates, tags, metal, displays."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from attention_ocr.synthesis.chance import between, happens, pick
from attention_ocr.synthesis.colors import (
    Color,
    Palette,
    color_of_luma,
    draw_natural_palette,
    draw_palette,
    luma,
)

_WHITE, _SILVER, _YELLOW, _BLACK = (
    (236, 236, 230),
    (176, 178, 176),
    (238, 190, 40),
    (24, 24, 28),
)
_NAVY, _RED, _GREEN, _BLUE = (28, 36, 110), (176, 24, 32), (20, 92, 52), (30, 70, 150)
# Text and ground of plates: mostly dark on white or yellow, some the reverse.
_PLATE_COLORS = (
    *((_BLACK, _WHITE), (_BLACK, _WHITE), (_BLACK, _WHITE), (_NAVY, _WHITE), (_NAVY, _WHITE)),
    *((_RED, _WHITE), (_GREEN, _WHITE), (_BLACK, _YELLOW), (_BLACK, _YELLOW), (_NAVY, _YELLOW)),
    *((_BLACK, _SILVER), (_BLACK, _SILVER), (_WHITE, _RED), (_WHITE, _GREEN), (_WHITE, _BLUE)),
    *((_WHITE, _BLACK), (_YELLOW, _BLACK), (_SILVER, _BLACK), (_RED, _SILVER), (_WHITE, _NAVY)),
)
_TAG_COLORS = (
    *((_BLACK, _WHITE), (_BLACK, _WHITE), (_BLACK, _WHITE), (_BLACK, _SILVER), (_BLACK, _SILVER)),
    *((_BLACK, _WHITE), (_BLACK, _WHITE), (_BLACK, _YELLOW), (_WHITE, _BLACK), (_RED, _WHITE)),
)
_GRAY, _BROWN, _CREAM = (96, 96, 100), (70, 52, 40), (232, 222, 196)
_PAPER_COLORS = (
    *((_BLACK, _WHITE), (_BLACK, _WHITE), (_BLACK, _WHITE), (_BLACK, _WHITE), (_GRAY, _WHITE)),
    *((_GRAY, _WHITE), (_BLACK, _CREAM), (_BROWN, _CREAM), (_BLACK, _SILVER), (_NAVY, _WHITE)),
    *((_BLACK, _YELLOW), (_WHITE, _BLACK), (_WHITE, _NAVY), (_RED, _WHITE), (_BLUE, _WHITE)),
)
_WHEEL_COLORS = (
    *((_WHITE, _BLACK), (_WHITE, _BLACK), (_WHITE, _BLACK), (_BLACK, _WHITE), (_BLACK, _WHITE)),
    *((_WHITE, _RED), (_RED, _WHITE), (_BLACK, _SILVER), (_SILVER, _BLACK), (_YELLOW, _BLACK)),
)
_LAMPS = (
    *((255, 50, 36), (255, 50, 36), (255, 70, 60), (70, 255, 90), (255, 176, 40), (255, 200, 70)),
    *((90, 160, 255), (240, 245, 255), (110, 255, 230), (200, 255, 70)),
)
_NEON = (
    *((255, 60, 60), (255, 90, 160), (255, 140, 40), (90, 190, 255), (110, 255, 140)),
    *((255, 240, 120), (240, 240, 255), (190, 110, 255)),
)


def _draw_metal_palette(rng: np.random.Generator, strength: float) -> Palette:
    """Draw the colours of a mark in metal: the ground, and a darker or brighter mark."""
    ground = between(rng, 120.0, 250.0)
    change = min(200.0, between(rng, 60.0, 160.0) / max(strength, 0.6))
    text = ground - change if happens(rng, 0.75) else ground + change
    if not 5.0 <= text <= 250.0:
        text = ground - change if text > ground else ground + change
    text = min(250.0, max(5.0, text))
    saturation = (0.08 if happens(rng, 0.75) else 0.3) * rng.random()
    return Palette(
        text=color_of_luma(rng, text, saturation),
        ground=color_of_luma(rng, ground, saturation),
        gap=0.5 * abs(text - ground),
        saturation=saturation,
    )


def _draw_lamp_palette(rng: np.random.Generator, strength: float) -> Palette:
    """Draw the colours of a display: bright lamps on black, or dark segments on a gray panel."""
    if happens(rng, 0.3):
        ground, text = between(rng, 110.0, 200.0), between(rng, 10.0, 60.0)
        saturation = 0.5 * rng.random()
        panel = color_of_luma(rng, ground, saturation)
        return Palette(color_of_luma(rng, text, 0.3), panel, 0.6 * (ground - text), saturation)
    return _draw_glowing_palette(rng, strength, _LAMPS, 60.0)


def draw_captcha_palette(rng: np.random.Generator, difficulty: float) -> Palette:
    """Draw the colours of a captcha: gray or colourful, of more contrast than most signs.

    Args:
        rng: Random generator.
        difficulty: From 0, easy, to 1, hard.

    Returns:
        The colours.
    """
    palette = draw_palette(rng, 0.5 * difficulty)
    if happens(rng, 0.5):
        text, ground = (luma(color) for color in (palette.text, palette.ground))
        return Palette((text,) * 3, (ground,) * 3, palette.gap, 0.0)
    return palette


def _draw_glowing_palette(
    rng: np.random.Generator, strength: float, lights: Sequence[Color], brightest_ground: float
) -> Palette:
    """Draw the colours of glowing lamps or tubes before a dark ground."""
    text = _vary(rng, pick(rng, lights), 30.0)
    ground = min(brightest_ground * strength, 0.5 * luma(text)) * rng.random()
    saturation = 0.6 * rng.random()
    return Palette(
        text=text,
        ground=color_of_luma(rng, ground, saturation),
        gap=0.5 * (luma(text) - ground),
        saturation=saturation,
    )


def _draw_lit_palette(
    rng: np.random.Generator,
    strength: float,
    pairs: Sequence[tuple[Color, Color]],
    darkest: float,
    hazy: float,
) -> Palette:
    """Draw colours of paint in sunlight, lamplight or near darkness, fresh or faded.

    Args:
        rng: Random generator.
        strength: Mean coverage of a pixel by the strokes, from 0 to 1.
        pairs: Colours of text and ground to draw from.
        darkest: Factor of the least light.
        hazy: Share of the images with haze.
    """
    if happens(rng, 0.08):
        return draw_natural_palette(rng, strength)
    text, ground = (_vary(rng, color, 22.0) for color in pick(rng, pairs))
    # Light scales all channels, haze pulls all colours together, lamps are tinted.
    light = between(rng, darkest, 1.15)
    haze = between(rng, 0.0, 0.75) ** 1.5 if happens(rng, hazy) else 0.1 * rng.random()
    veil = between(rng, 40.0, 230.0)
    tint = (1.0, 1.0, 1.0)
    if happens(rng, 0.25):
        tint = (between(rng, 0.7, 1.0), between(rng, 0.8, 1.0), between(rng, 0.65, 1.0))
    lit = []
    for color in (text, ground):
        channels = [
            min(255.0, light * ((1.0 - haze) * channel + haze * veil) * gain)
            for channel, gain in zip(color, tint, strict=True)
        ]
        lit.append((channels[0], channels[1], channels[2]))
    contrast = abs(luma(lit[0]) - luma(lit[1]))
    if contrast < 26.0 / max(strength, 0.2):
        return draw_natural_palette(rng, strength)
    return Palette(
        text=lit[0], ground=lit[1], gap=0.6 * contrast, saturation=0.4 * rng.random() ** 2
    )


PALETTES: dict[str, Callable[[np.random.Generator, float], Palette]] = {
    "paper": partial(_draw_lit_palette, pairs=_PAPER_COLORS, darkest=0.6, hazy=0.3),
    "plate": partial(_draw_lit_palette, pairs=_PLATE_COLORS, darkest=0.6, hazy=0.4),
    "tag": partial(_draw_lit_palette, pairs=_TAG_COLORS, darkest=0.8, hazy=0.25),
    "wheels": partial(_draw_lit_palette, pairs=_WHEEL_COLORS, darkest=0.5, hazy=0.3),
    "metal": _draw_metal_palette,
    "lamps": _draw_lamp_palette,
    "neon": partial(_draw_glowing_palette, lights=_NEON, brightest_ground=80.0),
}
"""By surface: draws its colours for a mean coverage of a pixel by the strokes, from 0 to 1."""


def _vary(rng: np.random.Generator, color: Color, reach: float) -> Color:
    red, green, blue = (
        min(255.0, max(0.0, channel + between(rng, -reach, reach))) for channel in color
    )
    return red, green, blue
