"""Surface effects: relief in sheet and metal, light, wear, sides of solid letters.

All take and return uint8 `[H, W, 3]` or `[H, W]` and leave their arguments unchanged.
"""

import math
from functools import cache

import cv2
import numpy as np

from attention_ocr.synthesis.backgrounds import cut_piece, draw_texture
from attention_ocr.synthesis.chance import below, between, happens
from attention_ocr.synthesis.colors import Color
from attention_ocr.synthesis.effects import paint

_METAL_SEED = 14
_METAL_BANK = 24
_METAL_SHAPE = (256, 768)


def emboss(
    image: np.ndarray, mask: np.ndarray, direction: float, depth: float, softness: float
) -> np.ndarray:
    """Light the edges of a relief from one side.

    Args:
        image: uint8 `[H, W, 3]`.
        mask: uint8 `[H, W]`, the raised area.
        direction: Direction of the light in radians.
        depth: Change of brightness at a full edge, of 255; negative sinks the mask.
        softness: Standard deviation of the slope of the edges in pixels.

    Returns:
        uint8 `[H, W, 3]`.
    """
    relief = cv2.GaussianBlur(mask, (0, 0), max(0.4, softness))
    x, y = math.cos(direction), math.sin(direction)
    # A ramp of this deviation rises by 1 / (2.5 * deviation) per pixel at its centre.
    gain = depth * 2.5 * max(0.6, softness) / (255.0 * 2.0)
    kernel = gain * np.array(
        [
            (-0.25 * x - 0.25 * y, -0.5 * y, 0.25 * x - 0.25 * y),
            (-0.5 * x, 0.0, 0.5 * x),
            (-0.25 * x + 0.25 * y, 0.5 * y, 0.25 * x + 0.25 * y),
        ]
    )
    slope = cv2.filter2D(relief, cv2.CV_16S, kernel, borderType=cv2.BORDER_REPLICATE)
    return cv2.add(image, cv2.merge([slope, slope, slope]), dtype=cv2.CV_8U)


def glow(
    image: np.ndarray, mask: np.ndarray, color: Color, reach: float, strength: float
) -> np.ndarray:
    """Add the glow of a mask to its surroundings.

    Args:
        image: uint8 `[H, W, 3]`.
        mask: uint8 `[H, W]`, the light source.
        color: Colour of the light.
        reach: Standard deviation of the halo in pixels.
        strength: From 0 to 1.

    Returns:
        uint8 `[H, W, 3]`.
    """
    height, width = mask.shape
    # A wide halo stays smooth when computed at low resolution.
    step = 1 << int(math.log2(max(1.0, reach / 1.5)))
    size = (max(1, width // step), max(1, height // step))
    halo = mask if step == 1 else cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    halo = cv2.GaussianBlur(halo, (0, 0), max(0.5, reach / step))
    if step > 1:
        halo = cv2.resize(halo, (width, height), interpolation=cv2.INTER_LINEAR)
    halo = cv2.convertScaleAbs(halo, alpha=strength)
    layer = np.empty_like(image)
    layer[:] = np.array(color) + 0.5
    light = cv2.multiply(layer, cv2.cvtColor(halo, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    return cv2.add(image, light)


def extrude(mask: np.ndarray, shift_x: int, shift_y: int) -> np.ndarray:
    """Make the mask of the sides of solid letters.

    Args:
        mask: uint8 `[H, W]`, the front faces.
        shift_x: Shift of the backs to the right in pixels.
        shift_y: Shift of the backs down in pixels.

    Returns:
        uint8 `[H, W]`, front faces and sides.
    """
    reach = max(abs(shift_x), abs(shift_y))
    if not reach:
        return mask
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    cv2.line(kernel, (reach, reach), (reach - shift_x, reach - shift_y), 1)
    return cv2.dilate(mask, kernel)


def wear(rng: np.random.Generator, mask: np.ndarray, share: float) -> np.ndarray:
    """Wear off ink in patches.

    Args:
        rng: Random generator.
        mask: uint8 `[H, W]`.
        share: Share that is worn off, from 0 to 1.

    Returns:
        uint8 `[H, W]`.
    """
    texture = draw_texture(rng, (mask.shape[0], mask.shape[1]))
    # Gradually, so that a thin stroke fades rather than breaks.
    table = np.clip((np.arange(256) - 255 * share) * 4 + 128, 110, 255).astype(np.uint8)
    return cv2.multiply(mask, cv2.LUT(texture, table), scale=1 / 255)


def roll(image: np.ndarray, darkest: float, center: float) -> np.ndarray:
    """Shade an image from top to bottom, like a cylinder.

    Args:
        image: uint8 `[H, W, 3]`.
        darkest: Factor at the farther edge, from 0 to 1.
        center: Position of the brightest row, from 0, the top, to 1.

    Returns:
        uint8 `[H, W, 3]`.
    """
    height, width = image.shape[:2]
    away = np.abs(np.linspace(0.0, 1.0, height) - center) / max(center, 1.0 - center)
    light = (255.0 * (1.0 - (1.0 - darkest) * away**2)).astype(np.uint8)
    rows = np.repeat(light[:, None], width, axis=1)
    return cv2.multiply(image, cv2.cvtColor(rows, cv2.COLOR_GRAY2RGB), scale=1 / 255)


def draw_metal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Crop brushed, cast or scratched metal.

    Args:
        rng: Random generator.
        shape: Height and width.

    Returns:
        uint8 `[H, W]`, 128 on average.
    """
    return cut_piece(rng, _metal(below(rng, _METAL_BANK)), shape)


def shade_by(image: np.ndarray, pattern: np.ndarray, depth: float) -> np.ndarray:
    """Brighten and darken an image by a pattern.

    Args:
        image: uint8 `[H, W, 3]`.
        pattern: uint8 `[H, W]`, 128 leaves a pixel unchanged.
        depth: Largest change, of 255.

    Returns:
        uint8 `[H, W, 3]`.
    """
    scale = depth / 128.0
    return cv2.addWeighted(image, 1.0, cv2.cvtColor(pattern, cv2.COLOR_GRAY2RGB), scale, -depth)


def strike_through(
    rng: np.random.Generator, image: np.ndarray, color: Color, stroke_width: float
) -> np.ndarray:
    """Draw a line or curve across an image.

    Args:
        rng: Random generator.
        image: uint8 `[H, W, 3]`.
        color: Colour of the line.
        stroke_width: Stroke width of the letters in pixels; the line is thinner.

    Returns:
        uint8 `[H, W, 3]`.
    """
    height, width = image.shape[:2]
    num_points = 2 + below(rng, 3)
    places = (np.arange(num_points) + rng.random(num_points) - 0.5) / (num_points - 1)
    x, y = places * width, (0.1 + 0.8 * rng.random(num_points)) * height
    if num_points == 2 or happens(rng, 0.6):
        # A Bézier curve, whose inner control points are exaggerated.
        y[1:-1] = 2.0 * y[1:-1] - 0.5 * height
        x, y = _bezier_weights(num_points) @ x, _bezier_weights(num_points) @ y
    points = np.round(8 * np.stack([x, y], axis=1)).astype(np.int32)
    thickness = max(1, round(min(stroke_width, 5.0) * between(rng, 0.25, 0.7)))
    struck = image.copy()
    shade = tuple(float(channel) for channel in color)
    cv2.polylines(struck, [points], False, shade, thickness, cv2.LINE_AA, 3)
    return struck


def sprinkle(rng: np.random.Generator, image: np.ndarray, color: Color, share: float) -> np.ndarray:
    """Sprinkle an image with specks.

    Args:
        rng: Random generator.
        image: uint8 `[H, W, 3]`.
        color: Colour of the specks.
        share: Share of the image that they cover.

    Returns:
        uint8 `[H, W, 3]`.
    """
    specks = cv2.threshold(
        rng.integers(0, 256, image.shape[:2], np.uint8), 255 - 255 * share, 255, cv2.THRESH_BINARY
    )[1]
    if happens(rng, 0.4):
        specks = cv2.dilate(specks, np.ones((2, 2), np.uint8))
    return paint(image, specks, color)


@cache
def _bezier_weights(num_points: int) -> np.ndarray:
    """Return the weight of each control point at 24 places of a curve, float64 `[24, N]`."""
    place = np.arange(24)[:, None] / 23
    order = num_points - 1
    powers = np.arange(num_points)
    binomials = np.array([math.comb(order, power) for power in powers.tolist()])
    return np.asarray(binomials * place**powers * (1 - place) ** (order - powers))


@cache
def _metal(place: int) -> np.ndarray:
    """Draw a metal surface: streaks along one direction, grain, scratches and pits."""
    rng = np.random.default_rng((_METAL_SEED, place))
    height, width = _METAL_SHAPE
    side = int(math.hypot(height, width)) + 2
    pattern = np.zeros((side, side), np.float32)
    streaks = between(rng, 0.3, 1.5)
    for fineness in (1, 2, 5):
        length = max(2, int(side / (fineness * between(rng, 8, 60))))
        rows = rng.standard_normal((side // fineness, length), np.float32)
        pattern += np.float32(streaks) * cv2.resize(rows, (side, side))
    for cells, weight in ((12, 1.0), (40, 0.6), (140, 0.4), (side, 0.35)):
        grains = rng.standard_normal((cells, cells), np.float32)
        pattern += np.float32(weight * between(rng, 0.2, 1.4)) * cv2.resize(grains, (side, side))
    pattern = (pattern - pattern.mean()) / pattern.std()
    for _ in range(int(between(rng, 0, 120))):
        start_x, start_y = below(rng, side), below(rng, side)
        turn = between(rng, -0.35, 0.35)
        if happens(rng, 0.2):
            turn = math.pi * rng.random()
        reach = between(rng, 10.0, 260.0)
        end = (int(start_x + reach * math.cos(turn)), int(start_y + reach * math.sin(turn)))
        thickness = 1 + below(rng, 2)
        gray = between(rng, -2.5, 3.0)
        cv2.line(pattern, (start_x, start_y), end, gray, thickness, cv2.LINE_AA)
    center = (side / 2, side / 2)
    matrix = cv2.getRotationMatrix2D(center, between(rng, 0, 180), 1.0)
    rotated = cv2.warpAffine(pattern, matrix, (side, side), borderMode=cv2.BORDER_REFLECT)
    top, left = (side - height) // 2, (side - width) // 2
    piece = rotated[top : top + height, left : left + width]
    return np.clip(128.5 + 48.0 * piece, 0, 255).astype(np.uint8)
