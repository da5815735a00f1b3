"""Painters of each surface: paint, sheet, labels, metal, light, wheels, captchas."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from attention_ocr.synthesis.backgrounds import colorize, draw_slope
from attention_ocr.synthesis.chance import below, between, happens
from attention_ocr.synthesis.colors import Color, Palette, color_of_luma, luma
from attention_ocr.synthesis.effects import Strokes, cast_shadow, develop, paint, thicken
from attention_ocr.synthesis.looks import Look
from attention_ocr.synthesis.surfaces import (
    emboss,
    extrude,
    glow,
    roll,
    sprinkle,
    strike_through,
    wear,
)


@dataclass(frozen=True)
class Scene:
    """The input of painters.

    Args:
        ink: uint8 `[H, W]`, the text.
        secondary: uint8 `[H, W]`, second texts; for displays, the unlit parts.
        frame: uint8 `[H, W]`, the edge of the panel; for wheels, their windows.
        height: Height of the text in pixels.
        strokes: Strokes of the text.
        palette: The colours.
        difficulty: From 0, easy, to 1, hard.
        look: Frequencies of the effects.
        outline: Width of the outline in pixels, 0 for none.
    """

    ink: np.ndarray
    secondary: np.ndarray
    frame: np.ndarray
    height: int
    strokes: Strokes
    palette: Palette
    difficulty: float
    look: Look
    outline: int = 0


def _paint_sign(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Paint letters on a wall or sign, with shadow, sides and outline."""
    palette, ink, look = scene.palette, scene.ink, scene.look
    fill: Color | np.ndarray = palette.text
    if happens(rng, 0.15 * scene.difficulty):
        colors = (palette.text, palette.draw_text_color(rng, 0.7))
        fill = colorize(draw_slope(rng, (ink.shape[0], ink.shape[1])), colors)
    image = _paint_around(rng, image, scene)
    difficulty = scene.difficulty
    reach = max(1, round(0.12 * scene.height))
    if happens(rng, look.shadowed * difficulty):
        shift_x, shift_y = below(rng, 2 * reach + 1) - reach, below(rng, 2 * reach + 1) - reach
        softness = between(rng, 0.4, 0.06 * scene.height + 0.4) if happens(rng, 0.6) else 0.0
        shadow = cast_shadow(ink, shift_x, shift_y, softness, between(rng, 0.4, 1.0))
        image = paint(image, shadow, palette.draw_ground(rng, 1.0))
    if happens(rng, look.extruded * difficulty):
        shift_x, shift_y = below(rng, 2 * reach + 1) - reach, below(rng, 2 * reach + 1) - reach
        image = paint(image, extrude(ink, shift_x, shift_y), palette.draw_ground(rng, 1.0))
    if scene.outline:
        image = paint(image, thicken(ink, scene.outline), palette.draw_ground(rng, 1.0))
    if happens(rng, 0.1 * difficulty):
        ink = wear(rng, ink, between(rng, 0.1, 0.4))
    image = paint(image, ink, fill)
    if happens(rng, 0.1 * difficulty):
        depth = between(rng, 20.0, 70.0)
        image = emboss(image, ink, 2 * math.pi * rng.random(), depth, 0.03 * scene.height)
    return image


def _paint_around(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Paint the edge of the panel and second texts."""
    palette = scene.palette
    if scene.frame.any():
        edge = palette.text if happens(rng, 0.6) else palette.draw_ground(rng, 1.0)
        image = paint(image, scene.frame, edge)
    if scene.secondary.any():
        color = palette.text if happens(rng, 0.5) else palette.draw_text_color(rng, 0.8)
        image = paint(image, scene.secondary, color)
    return image


def _paint_worn(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, share: float, largest: float
) -> np.ndarray:
    """Paint surroundings and letters; a share of the letters is worn, by up to `largest`."""
    image = _paint_around(rng, image, scene)
    ink = scene.ink
    if happens(rng, share * scene.difficulty):
        ink = wear(rng, ink, between(rng, 0.1, largest))
    return paint(image, ink, scene.palette.text)


def _paint_paper(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Print on paper, in ink that spreads, in faint thermal print, or with worn letters."""
    ink, difficulty = scene.ink, scene.difficulty
    if happens(rng, 0.25 * difficulty):
        scene = replace(scene, ink=cv2.convertScaleAbs(ink, alpha=between(rng, 0.55, 0.9)))
    elif happens(rng, 0.15 * difficulty):
        spread = cv2.GaussianBlur(ink, (0, 0), max(0.5, 0.02 * scene.height))
        scene = replace(scene, ink=cv2.max(ink, cv2.convertScaleAbs(spread, alpha=0.8)))
    return _paint_worn(rng, image, scene, 0.3, 0.35)


def _paint_plate(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Paint the embossed letters and edge of a plate."""
    image = _paint_worn(rng, image, scene, 0.15, 0.45)
    if happens(rng, 0.7):
        light, depth = 2 * math.pi * rng.random(), between(rng, 15.0, 80.0)
        raised = cv2.max(scene.ink, scene.frame)
        softness = between(rng, 0.02, 0.06) * scene.height
        image = emboss(image, raised, light, min(depth, scene.palette.contrast), softness)
    return image


def _paint_tag(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Print a label, which may be wrapped around a cable."""
    image = _paint_worn(rng, image, scene, 0.3, 0.5)
    if happens(rng, 0.5 * scene.difficulty):
        image = roll(image, between(rng, 0.6, 0.97), between(rng, 0.2, 0.8))
    return image


def _paint_metal(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Punch letters into metal, or raise them from it."""
    ink, palette = scene.ink, scene.palette
    marks = cv2.max(ink, scene.secondary)
    light = 2 * math.pi * rng.random()
    softness = max(0.5, between(rng, 0.02, 0.05) * scene.height)
    variant = rng.random()
    if variant < 0.45:
        # Filled with dirt or burnt in, with a soft edge.
        cover = cv2.convertScaleAbs(marks, alpha=between(rng, 0.5, 1.0))
        image = paint(image, cover, palette.text)
        depth = between(rng, 0.0, 60.0)
    elif variant < 0.75:
        # Only the edges of the groove and the burr around it are visible.
        image = paint(image, cv2.convertScaleAbs(marks, alpha=0.45), palette.text)
        rim = cv2.subtract(thicken(marks, 1), cv2.erode(marks, np.ones((2, 2), np.uint8)))
        shade = color_of_luma(rng, max(0.0, luma(palette.ground) - between(rng, 50, 110)), 0.1)
        image = paint(image, cv2.convertScaleAbs(rim, alpha=between(rng, 0.5, 1.0)), shade)
        depth = between(rng, 40.0, 110.0)
    else:
        image = paint(
            image, cv2.convertScaleAbs(marks, alpha=between(rng, 0.3, 0.55)), palette.text
        )
        depth = between(rng, 80.0, 160.0)
    if scene.frame.any():
        marks = cv2.max(marks, scene.frame)
    image = emboss(image, marks, light, depth if happens(rng, 0.5) else -depth, softness)
    if happens(rng, 0.35 * scene.difficulty):
        # Glare leaves grooves and scratches dark and the rest white.
        contrast, target = between(rng, 1.3, 2.2), between(rng, 150.0, 225.0)
        away = (luma(palette.ground) - 127.5) * contrast
        image = develop(image, contrast, target - 127.5 - away)
    return image


def _paint_lamps(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Light the segments or dots of a display, or darken those of a liquid-crystal panel."""
    palette = scene.palette
    shines = luma(palette.text) > luma(palette.ground)
    if scene.frame.any():
        edge = color_of_luma(rng, between(rng, 10.0, 200.0), 0.3 * rng.random())
        image = paint(image, scene.frame, edge)
    if happens(rng, 0.6):
        faint = cv2.convertScaleAbs(scene.secondary, alpha=between(rng, 0.03, 0.16))
        image = paint(image, faint, palette.text)
    if not shines:
        if happens(rng, 0.5):
            shift = max(1, round(0.05 * scene.height))
            shadow = cast_shadow(scene.ink, shift, shift, 0.8, between(rng, 0.1, 0.35))
            image = paint(image, shadow, palette.text)
        return paint(image, scene.ink, palette.text)
    reach = between(rng, 0.05, 0.3) * scene.height
    image = glow(image, scene.ink, palette.text, reach, between(rng, 0.2, 0.9))
    image = paint(image, scene.ink, palette.text)
    if happens(rng, 0.4):
        # Too bright for the camera: white inside.
        core = cv2.erode(scene.ink, np.ones((2, 2), np.uint8))
        image = paint(image, cv2.convertScaleAbs(core, alpha=between(rng, 0.3, 0.9)), (255,) * 3)
    return image


def _paint_neon(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Paint glowing tubes: thin letters, or the outlines of bold ones."""
    palette, ink = scene.palette, scene.ink
    image = _paint_around(rng, image, scene)
    tube = ink
    if scene.strokes.width > 4.5 and happens(rng, 0.6):
        inner = max(1, round(0.25 * scene.strokes.width))
        tube = cv2.subtract(ink, cv2.erode(ink, np.ones((2 * inner + 1,) * 2, np.uint8)))
        if happens(rng, 0.4):
            image = paint(image, ink, palette.draw_ground(rng, 0.6))
    image = glow(image, tube, palette.text, between(rng, 0.2, 0.5) * scene.height, 0.9)
    image = glow(image, tube, palette.text, between(rng, 0.05, 0.12) * scene.height, 0.8)
    image = paint(image, tube, palette.text)
    core = cv2.erode(tube, np.ones((2, 2), np.uint8)) if scene.strokes.width > 3 else tube
    return paint(image, cv2.convertScaleAbs(core, alpha=between(rng, 0.2, 0.9)), (255,) * 3)


def _paint_wheels(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Paint the digits of wheels in their windows."""
    palette = scene.palette
    body = palette.draw_ground(rng, 1.0)
    image = paint(image, cv2.bitwise_not(scene.frame), body)
    image = paint(image, cv2.max(scene.ink, scene.secondary), palette.text)
    if happens(rng, 0.6):
        image = emboss(image, scene.frame, 2 * math.pi * rng.random(), between(rng, 20, 90), 0.8)
    if happens(rng, 0.6):
        image = roll(image, between(rng, 0.4, 0.9), between(rng, 0.35, 0.65))
    return image


def _paint_captcha(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Write a captcha: strokes across the letters, specks, letters of several colours."""
    palette = scene.palette
    image = _paint_sign(rng, image, scene)
    if happens(rng, 0.2):
        colors = [palette.draw_text_color(rng, 1.0) for _ in range(3)]
        shape = (scene.ink.shape[0], scene.ink.shape[1])
        image = paint(image, scene.ink, colorize(draw_slope(rng, shape), colors))
    for _ in range(below(rng, 4)):
        color = palette.text if happens(rng, 0.6) else palette.draw_ground(rng, 1.0)
        image = strike_through(rng, image, color, scene.strokes.width)
    if happens(rng, 0.35):
        color = palette.text if happens(rng, 0.5) else palette.draw_ground(rng, 1.0)
        image = sprinkle(rng, image, color, between(rng, 0.01, 0.06))
    return image


PAINTERS: dict[str, Callable[[np.random.Generator, np.ndarray, Scene], np.ndarray]] = {
    "paint": _paint_sign,
    "paper": _paint_paper,
    "plate": _paint_plate,
    "tag": _paint_tag,
    "metal": _paint_metal,
    "lamps": _paint_lamps,
    "neon": _paint_neon,
    "wheels": _paint_wheels,
    "captcha": _paint_captcha,
}
"""By surface: paints the text and its surroundings on a background."""
