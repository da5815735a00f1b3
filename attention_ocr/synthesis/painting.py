"""Painting of layouts: panel, second texts and letters of paint, sheet, metal, light or wheels."""

import math
from dataclasses import replace

import cv2
import numpy as np

from attention_ocr.synthesis.backgrounds import colorize, draw_background, draw_slope, draw_texture
from attention_ocr.synthesis.chance import below, between, happens
from attention_ocr.synthesis.colors import (
    Palette,
    color_of_luma,
    draw_natural_palette,
    draw_palette,
)
from attention_ocr.synthesis.damage import damage
from attention_ocr.synthesis.effects import (
    Strokes,
    measure_strokes,
    paint,
    photograph,
)
from attention_ocr.synthesis.layout import Layout
from attention_ocr.synthesis.lettering import draw_at
from attention_ocr.synthesis.lines import cut_out
from attention_ocr.synthesis.looks import Look
from attention_ocr.synthesis.painters import PAINTERS, Scene
from attention_ocr.synthesis.scene_colors import PALETTES, draw_captcha_palette
from attention_ocr.synthesis.surfaces import (
    draw_metal,
    shade_by,
)


def paint_layout(
    rng: np.random.Generator,
    layout: Layout,
    look: Look,
    difficulty: float,
    ghost: np.ndarray | None,
    written: bool = True,
) -> np.ndarray:
    """Crop a layout, colour it and apply camera effects.

    Args:
        rng: Random generator.
        layout: The layout.
        look: Determines material and colours.
        difficulty: From 0, clean, to 1.
        ghost: Mask of a faint text in the background, or `None`.
        written: Whether the text is painted, or only its background.

    Returns:
        The image, uint8 RGB.
    """
    outline = 0
    if happens(rng, look.outlined * difficulty):
        outline = 1 + below(rng, max(1, round(0.08 * layout.height)))
    margins = draw_margins(rng, layout, look, outline)
    ink, secondary, frame, panel = (
        cut_out(mask, layout.box, margins)
        for mask in (layout.ink, layout.captions, layout.frame, layout.panel)
    )
    strokes = measure_strokes(ink)
    palette = _draw_palette_of(rng, look, difficulty, strokes)
    scene = Scene(ink, secondary, frame, layout.height, strokes, palette, difficulty, look, outline)
    image = _draw_ground(rng, scene)
    if layout.has_panel:
        image = paint(image, cv2.bitwise_not(panel), _draw_outside(rng, ink.shape))
    if ghost is not None:
        image = _paint_ghost(rng, image, ghost, palette)
    if not written:
        blank = np.zeros_like(ink)
        scene = replace(scene, ink=blank, secondary=blank)
    image = PAINTERS[look.surface](rng, image, scene)
    harm = difficulty * (0.5 if look.surface == "captcha" else 1.0)
    # Blurred twice, letters would be lost.
    degraded = happens(rng, look.degraded * difficulty)
    image = photograph(rng, image, harm, layout.height, strokes, palette, look, sharp=degraded)
    if degraded:
        # Marks in metal show by relief more than by colour.
        colored = 0.6 if look.surface == "metal" else 1.0
        contrast = colored * palette.contrast * strokes.strength
        image = damage(rng, image, layout.height, strokes.width, contrast)
    return image


def draw_margins(
    rng: np.random.Generator, layout: Layout, look: Look, outline: int
) -> tuple[int, int, int, int]:
    """Draw the margins around the area that an image must show.

    Args:
        rng: Random generator.
        layout: The layout.
        look: Determines the width of the margins.
        outline: Width of the outline in pixels, added to each margin.

    Returns:
        Pixels to the left, above, to the right and below; negative values crop.
    """
    nearest, widest = look.margins
    if happens(rng, look.loose):
        nearest, widest = 0.05, look.loosest
    low, high = nearest * layout.height, widest * layout.height
    left, above, right, under = (outline + math.floor(between(rng, low, high)) for _ in range(4))
    _, _, width, height = layout.box
    # A crop of a single `l` is at least a quarter as wide as high.
    narrow = max(0, round(0.25 * height) - width - left - right)
    return left + narrow // 2, above, right + narrow - narrow // 2, under


def _draw_palette_of(
    rng: np.random.Generator, look: Look, difficulty: float, strokes: Strokes
) -> Palette:
    strength = strokes.strength
    draw = PALETTES.get(look.surface)
    if draw is not None:
        return draw(rng, strength)
    if look.surface == "captcha":
        return draw_captcha_palette(rng, difficulty)
    if look.natural_colors and not happens(rng, 0.3):
        return draw_natural_palette(rng, strength)
    return draw_palette(rng, difficulty, strength)


def _draw_ground(rng: np.random.Generator, scene: Scene) -> np.ndarray:
    """Draw the background of the text, inside the panel where there is one."""
    surface, shape = scene.look.surface, (scene.ink.shape[0], scene.ink.shape[1])
    busy = {"paint": 1.0, "neon": 1.0, "captcha": 0.7, "plate": 0.5}.get(surface, 0.25)
    image = draw_background(rng, scene.difficulty * busy, shape, scene.palette)
    if surface == "metal":
        depth = between(rng, 10.0, min(75.0, 25.0 + 0.6 * scene.palette.contrast))
        image = shade_by(image, draw_metal(rng, shape), depth)
    return image


def _draw_outside(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw the surroundings of a panel: another colour, uniform or shaded."""
    brightness = between(rng, 5.0, 110.0) if happens(rng, 0.5) else between(rng, 60.0, 245.0)
    first = color_of_luma(rng, brightness, 0.5 * rng.random() ** 1.5)
    second = color_of_luma(rng, min(250.0, brightness * between(rng, 0.6, 1.5)), 0.4 * rng.random())
    size = (shape[0], shape[1])
    pattern = draw_texture(rng, size) if happens(rng, 0.4) else draw_slope(rng, size)
    return colorize(pattern, (first, second))


def _paint_ghost(
    rng: np.random.Generator, image: np.ndarray, ghost: np.ndarray, palette: Palette
) -> np.ndarray:
    """Paint a large faint text in the background, in a ground colour."""
    height, width = image.shape[:2]
    scale = between(rng, 0.5, 1.3) * height / ghost.shape[0]
    size = (max(2, round(ghost.shape[1] * scale)), max(2, round(ghost.shape[0] * scale)))
    ghost = cv2.resize(ghost, size, interpolation=cv2.INTER_LINEAR)
    x = round(between(rng, -0.5, 0.5) * width)
    y = round(between(rng, -0.5, 0.5) * height)
    mask = np.zeros((height, width), np.uint8)
    draw_at(mask, ghost, x, y)
    return paint(image, mask, palette.draw_ground(rng, 0.8))
