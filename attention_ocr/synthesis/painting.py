"""Layouts painted: panel, second texts and letters of paint, sheet, metal, light or wheels."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from attention_ocr.synthesis.backgrounds import colorize, draw_background, draw_slope, draw_texture
from attention_ocr.synthesis.chance import below, between, happens
from attention_ocr.synthesis.colors import (
    Color,
    Palette,
    color_of_luma,
    draw_natural_palette,
    draw_palette,
    luma,
)
from attention_ocr.synthesis.damage import damage
from attention_ocr.synthesis.effects import (
    Strokes,
    cast_shadow,
    measure_strokes,
    paint,
    photograph,
    thicken,
)
from attention_ocr.synthesis.layout import Layout
from attention_ocr.synthesis.lettering import draw_at
from attention_ocr.synthesis.lines import cut_out
from attention_ocr.synthesis.looks import Look
from attention_ocr.synthesis.scene_colors import (
    draw_captcha_palette,
    draw_lamp_palette,
    draw_metal_palette,
    draw_neon_palette,
    draw_plate_palette,
    draw_tag_palette,
    draw_wheel_palette,
)
from attention_ocr.synthesis.surfaces import (
    draw_metal,
    emboss,
    extrude,
    glow,
    roll,
    shade_by,
    sprinkle,
    strike_through,
    wear,
)


@dataclass(frozen=True)
class Scene:
    """What painters of a surface need.

    Args:
        ink: uint8 `[H, W]`, the text.
        beside: uint8 `[H, W]`, second texts; for displays, what is not lit.
        frame: uint8 `[H, W]`, the edge of the panel; for wheels, their windows.
        height: Of the text in pixels.
        strokes: Of the text.
        palette: The colours.
        difficulty: From 0 to 1.
        look: Says how often there is what.
    """

    ink: np.ndarray
    beside: np.ndarray
    frame: np.ndarray
    height: int
    strokes: Strokes
    palette: Palette
    difficulty: float
    look: Look


def paint_layout(
    rng: np.random.Generator,
    layout: Layout,
    look: Look,
    difficulty: float,
    ghost: np.ndarray | None,
    written: bool = True,
) -> np.ndarray:
    """Cut a layout to size, colour it and photograph it.

    Args:
        rng: Where the chance comes from.
        layout: The layout.
        look: Says what it is made of.
        difficulty: From 0, clean, to 1.
        ghost: Mask of a text that stands faintly behind; None for none.
        written: Whether the text is painted, or only what it would be painted on.

    Returns:
        The picture, uint8 RGB.
    """
    outline = 0
    if happens(rng, look.outlined * difficulty):
        outline = 1 + below(rng, max(1, round(0.08 * layout.height)))
    margins = draw_margins(rng, layout, look, outline)
    ink, beside, frame, panel = (
        cut_out(mask, layout.box, margins)
        for mask in (layout.ink, layout.captions, layout.frame, layout.panel)
    )
    strokes = measure_strokes(ink)
    palette = _draw_colors(rng, look, difficulty, strokes)
    scene = Scene(ink, beside, frame, layout.height, strokes, palette, difficulty, look)
    image = _draw_ground(rng, scene)
    if layout.has_panel:
        image = paint(image, cv2.bitwise_not(panel), _draw_outside(rng, ink.shape))
    if ghost is not None:
        image = _haunt(rng, image, ghost, palette)
    if not written:
        blank = np.zeros_like(ink)
        scene = replace(scene, ink=blank, beside=blank)
    image = _PAINTERS[look.surface](rng, image, scene, outline)
    harm = difficulty * (0.5 if look.surface == "captcha" else 1.0)
    # Out of focus twice, letters would be lost.
    degraded = happens(rng, look.degraded * difficulty)
    image = photograph(rng, image, harm, layout.height, strokes, palette, look, sharp=degraded)
    if degraded:
        contrast = palette.contrast * strokes.strength
        image = damage(rng, image, layout.height, strokes.width, contrast)
    return image


def draw_margins(
    rng: np.random.Generator, layout: Layout, look: Look, outline: int
) -> tuple[int, int, int, int]:
    """Draw the room around what a picture must show.

    Args:
        rng: Where the chance comes from.
        layout: The layout.
        look: Says how wide the room is.
        outline: Pixels of an outline, for which there is room in any case.

    Returns:
        Pixels to the left, above, to the right and below; below 0, a little is cut off.
    """
    nearest, widest = look.margins
    if happens(rng, look.loose):
        nearest, widest = 0.05, look.loosest
    low, high = nearest * layout.height, widest * layout.height
    left, above, right, under = (outline + math.floor(between(rng, low, high)) for _ in range(4))
    _, _, width, height = layout.box
    # A crop of a single `l` is no thinner than a quarter of its height.
    narrow = max(0, round(0.25 * height) - width - left - right)
    return left + narrow // 2, above, right + narrow - narrow // 2, under


def _draw_colors(
    rng: np.random.Generator, look: Look, difficulty: float, strokes: Strokes
) -> Palette:
    strength = strokes.strength
    if look.surface == "plate":
        return draw_plate_palette(rng, strength)
    if look.surface == "tag":
        return draw_tag_palette(rng, strength)
    if look.surface == "metal":
        return draw_metal_palette(rng)
    if look.surface == "lamps":
        return draw_lamp_palette(rng)
    if look.surface == "wheels":
        return draw_wheel_palette(rng, strength)
    if look.surface == "captcha":
        return draw_captcha_palette(rng, difficulty)
    if look.surface == "neon":
        return draw_neon_palette(rng)
    if look.natural_colors and not happens(rng, 0.3):
        return draw_natural_palette(rng, strength)
    return draw_palette(rng, difficulty, strength)


def _draw_ground(rng: np.random.Generator, scene: Scene) -> np.ndarray:
    """Draw what is behind the text, inside the panel where there is one."""
    surface, shape = scene.look.surface, (scene.ink.shape[0], scene.ink.shape[1])
    busy = {"paint": 1.0, "neon": 1.0, "captcha": 0.7, "plate": 0.5}.get(surface, 0.25)
    image = draw_background(rng, scene.difficulty * busy, shape, scene.palette)
    if surface == "metal":
        depth = between(rng, 10.0, min(95.0, 30.0 + 0.8 * scene.palette.contrast))
        image = shade_by(image, draw_metal(rng, shape), depth)
    return image


def _draw_outside(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw what is around a panel: another colour, even or shaded."""
    brightness = between(rng, 5.0, 110.0) if happens(rng, 0.5) else between(rng, 60.0, 245.0)
    first = color_of_luma(rng, brightness, 0.5 * rng.random() ** 1.5)
    second = color_of_luma(rng, min(250.0, brightness * between(rng, 0.6, 1.5)), 0.4 * rng.random())
    size = (shape[0], shape[1])
    pattern = draw_texture(rng, size) if happens(rng, 0.4) else draw_slope(rng, size)
    return colorize(pattern, (first, second))


def _haunt(
    rng: np.random.Generator, image: np.ndarray, ghost: np.ndarray, palette: Palette
) -> np.ndarray:
    """Paint a large faint text behind, in a colour as far from the text's as the ground's is."""
    height, width = image.shape[:2]
    scale = between(rng, 0.5, 1.3) * height / ghost.shape[0]
    size = (max(2, round(ghost.shape[1] * scale)), max(2, round(ghost.shape[0] * scale)))
    ghost = cv2.resize(ghost, size, interpolation=cv2.INTER_LINEAR)
    x = round(between(rng, -0.5, 0.5) * width)
    y = round(between(rng, -0.5, 0.5) * height)
    mask = np.zeros((height, width), np.uint8)
    draw_at(mask, ghost, x, y)
    return paint(image, mask, palette.draw_ground(rng, 0.8))


def _paint_sign(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, outline: int
) -> np.ndarray:
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
    if outline:
        image = paint(image, thicken(ink, outline), palette.draw_ground(rng, 1.0))
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
    if scene.beside.any():
        color = palette.text if happens(rng, 0.5) else palette.draw_text_color(rng, 0.8)
        image = paint(image, scene.beside, color)
    return image


def _paint_plate(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, outline: int
) -> np.ndarray:
    """Paint the letters of a plate, which rise from the sheet, as its edge does."""
    del outline
    image = _paint_around(rng, image, scene)
    ink = scene.ink
    if happens(rng, 0.15 * scene.difficulty):
        ink = wear(rng, ink, between(rng, 0.1, 0.45))
    image = paint(image, ink, scene.palette.text)
    if happens(rng, 0.7):
        light, depth = 2 * math.pi * rng.random(), between(rng, 15.0, 80.0)
        raised = cv2.max(scene.ink, scene.frame)
        softness = between(rng, 0.02, 0.06) * scene.height
        image = emboss(image, raised, light, min(depth, scene.palette.contrast), softness)
    return image


def _paint_tag(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, outline: int
) -> np.ndarray:
    """Print a label, which may run round a cable."""
    del outline
    image = _paint_around(rng, image, scene)
    ink = scene.ink
    if happens(rng, 0.3 * scene.difficulty):
        ink = wear(rng, ink, between(rng, 0.1, 0.5))
    image = paint(image, ink, scene.palette.text)
    if happens(rng, 0.5 * scene.difficulty):
        image = roll(image, between(rng, 0.6, 0.97), between(rng, 0.2, 0.8))
    return image


def _paint_metal(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, outline: int
) -> np.ndarray:
    """Strike letters into metal, or let them stand out of it."""
    del outline
    ink, palette = scene.ink, scene.palette
    marks = cv2.max(ink, scene.beside)
    light = 2 * math.pi * rng.random()
    softness = max(0.5, between(rng, 0.02, 0.05) * scene.height)
    form = rng.random()
    if form < 0.45:
        # Filled with dirt or burnt in, with a soft edge.
        cover = cv2.convertScaleAbs(marks, alpha=between(rng, 0.5, 1.0))
        image = paint(image, cover, palette.text)
        depth = between(rng, 0.0, 60.0)
    elif form < 0.75:
        # Only the edges of the groove are to be seen, and the burr around it.
        image = paint(image, cv2.convertScaleAbs(marks, alpha=0.45), palette.text)
        rim = cv2.subtract(thicken(marks, 1), cv2.erode(marks, np.ones((2, 2), np.uint8)))
        shade = color_of_luma(rng, max(0.0, luma(palette.ground) - between(rng, 50, 110)), 0.1)
        image = paint(image, cv2.convertScaleAbs(rim, alpha=between(rng, 0.5, 1.0)), shade)
        depth = between(rng, 40.0, 110.0)
    else:
        image = paint(
            image, cv2.convertScaleAbs(marks, alpha=between(rng, 0.2, 0.45)), palette.text
        )
        depth = between(rng, 80.0, 160.0)
    if scene.frame.any():
        marks = cv2.max(marks, scene.frame)
    return emboss(image, marks, light, depth if happens(rng, 0.5) else -depth, softness)


def _paint_lamps(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, outline: int
) -> np.ndarray:
    """Light the segments or dots of a display, or darken those of a panel of crystals."""
    del outline
    palette = scene.palette
    shines = luma(palette.text) > luma(palette.ground)
    if scene.frame.any():
        edge = color_of_luma(rng, between(rng, 10.0, 200.0), 0.3 * rng.random())
        image = paint(image, scene.frame, edge)
    if happens(rng, 0.6):
        faint = cv2.convertScaleAbs(scene.beside, alpha=between(rng, 0.03, 0.16))
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


def _paint_neon(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, outline: int
) -> np.ndarray:
    """Let tubes glow: thin letters, or the outlines of bold ones."""
    del outline
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


def _paint_wheels(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, outline: int
) -> np.ndarray:
    """Paint the digits of wheels in their windows."""
    del outline
    palette = scene.palette
    body = palette.draw_ground(rng, 1.0)
    image = paint(image, cv2.bitwise_not(scene.frame), body)
    image = paint(image, cv2.max(scene.ink, scene.beside), palette.text)
    if happens(rng, 0.6):
        image = emboss(image, scene.frame, 2 * math.pi * rng.random(), between(rng, 20, 90), 0.8)
    if happens(rng, 0.6):
        image = roll(image, between(rng, 0.4, 0.9), between(rng, 0.35, 0.65))
    return image


def _paint_captcha(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, outline: int
) -> np.ndarray:
    """Write a captcha: strokes across the letters, specks, letters of several colours."""
    palette = scene.palette
    image = _paint_sign(rng, image, scene, outline)
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


_PAINTERS: dict[str, Callable[[np.random.Generator, np.ndarray, Scene, int], np.ndarray]] = {
    "paint": _paint_sign,
    "plate": _paint_plate,
    "tag": _paint_tag,
    "metal": _paint_metal,
    "lamps": _paint_lamps,
    "neon": _paint_neon,
    "wheels": _paint_wheels,
    "captcha": _paint_captcha,
}
