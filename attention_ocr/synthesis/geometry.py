"""Geometry of a line of text: arc, rotation, shear, perspective; no ink is cut off."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from attention_ocr.synthesis.chance import between, happens
from attention_ocr.synthesis.looks import LOOKS, Look

MAX_FORESHORTENING = 2.5
"""Largest ratio of the distances of the farthest and nearest corner; beyond, letters vanish."""


@dataclass(frozen=True)
class View:
    """Viewpoint from which a line of text is seen.

    Args:
        rotation: Rotation in radians, clockwise.
        shear: Slant of the upright strokes, as a share of the height.
        stretch: Factor of the width.
        scale: Factor of both sides.
        corners: Shift of each corner in pixels: x and y of top left, top right, bottom right and
            bottom left.
    """

    rotation: float = 0.0
    shear: float = 0.0
    stretch: float = 1.0
    scale: float = 1.0
    corners: tuple[float, ...] = (0.0,) * 8


def draw_view(
    rng: np.random.Generator,
    difficulty: float,
    shape: tuple[int, int],
    max_height: float,
    look: Look = LOOKS["any"],
) -> View:
    """Draw a random viewpoint.

    Args:
        rng: Random generator.
        difficulty: From 0, easy, to 1, hard.
        shape: Height and width of the mask.
        max_height: Largest height of the result in pixels; a higher one is scaled down.
        look: Limits rotation and perspective.

    Returns:
        The view. Long lines rotate less: a rotated one is mostly ground, and its letters are small.
    """
    height, width = shape
    steepest = min(look.steepest, look.rise * height / width) * difficulty
    if look.rotated and happens(rng, look.rotated * difficulty):
        steepest = min(math.pi / 3, 4.0 * height / width)
    # The product of two draws: most words are nearly level.
    rotation = steepest * between(rng, -1, 1) * rng.random() ** 0.5
    shear = look.shear * difficulty * between(rng, -1, 1) * rng.random()
    stretch = math.exp(between(rng, *look.stretch) * difficulty)
    # Relative to the shorter side: otherwise the corners of a lone `l` would cross.
    reach = look.tilt * difficulty * min(height, width)
    draws = rng.random(8).tolist()
    corners = tuple(reach * (2.0 * draw - 1.0) for draw in draws)
    expected = height + abs(math.sin(rotation)) * width * stretch + reach
    scale = math.exp(between(rng, -0.3, 0.15) * difficulty)
    # Down to three fifths: below, legible letters become illegible.
    scale = max(0.6, min(scale, max_height / expected))
    view = View(rotation, shear, stretch, scale, corners)
    if _foreshortening(view, shape) > MAX_FORESHORTENING:
        return View(rotation, shear, stretch, scale)
    return view


def _foreshortening(view: View, shape: tuple[int, int]) -> float:
    """Return the ratio of the distances of the farthest and the nearest corner of a mask.

    It is infinite where a corner lies behind the camera.
    """
    height, width = shape
    matrix = _perspective(view, shape)
    corners = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)])
    depths = corners @ matrix[2]
    nearest, farthest = sorted((float(depths.min()), float(depths.max())), key=abs)
    return farthest / nearest if nearest * farthest > 0 else math.inf


def place_corners(view: View, shape: tuple[int, int]) -> list[tuple[float, float]]:
    """Compute the projected corners of a mask.

    Args:
        view: The view.
        shape: Height and width of the mask.

    Returns:
        x and y of top left, top right, bottom right and bottom left, at least one pixel from 0.
    """
    height, width = shape
    cosine = view.scale * math.cos(view.rotation)
    sine = view.scale * math.sin(view.rotation)
    placed = []
    for place, (x, y) in enumerate(((0, 0), (width, 0), (width, height), (0, height))):
        leaning = view.stretch * x - view.shear * y
        shift_x, shift_y = view.corners[2 * place : 2 * place + 2]
        placed.append(
            (cosine * leaning - sine * y + shift_x, sine * leaning + cosine * y + shift_y)
        )
    left = min(x for x, _ in placed) - 1.5
    top = min(y for _, y in placed) - 1.5
    return [(x - left, y - top) for x, y in placed]


def _perspective(view: View, shape: tuple[int, ...]) -> np.ndarray:
    """Return the homography float64 [3, 3] from the pixels of a mask to those of its view."""
    height, width = shape
    placed = np.array(place_corners(view, (height, width)), np.float32)
    # Half a pixel: a mask ends at the corners of its pixels, OpenCV counts from their centres.
    x, y = width - 0.5, height - 0.5
    source = np.array([(-0.5, -0.5), (x, -0.5), (x, y), (-0.5, y)], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(source, placed - np.float32(0.5)))


def view_mask(mask: np.ndarray, view: View) -> np.ndarray:
    """Project a mask.

    Args:
        mask: uint8 `[H, W]`, or up to four of them as `[H, W, N]`.
        view: The view.

    Returns:
        uint8 of another height and width that shows the whole mask.
    """
    height, width = mask.shape[:2]
    placed = place_corners(view, (height, width))
    right = math.ceil(max(x for x, _ in placed)) + 2
    bottom = math.ceil(max(y for _, y in placed)) + 2
    matrix = _perspective(view, (height, width))
    return cv2.warpPerspective(mask, matrix, (right, bottom), flags=cv2.INTER_LINEAR)


def bend_mask(mask: np.ndarray, angle: float) -> np.ndarray:
    """Bend a line of text to an arc; letters stand upright on it.

    Args:
        mask: uint8 `[H, W]`, or up to four of them as `[H, W, N]`.
        angle: Radians of the circle that the middle line covers, below 3; positive rises in the
            middle, negative sinks.

    Returns:
        uint8 of another height and width that shows the whole mask.
    """
    if abs(angle) < 0.02:
        return mask
    height, width = mask.shape[:2]
    if angle < 0:
        return bend_mask(mask[::-1, ::-1], -angle)[::-1, ::-1]
    # The radius must exceed the height of the line, or letters meet at the centre.
    radius = max(width / angle, 1.2 * height)
    half_angle = width / (2 * radius)
    outer, inner = radius + height / 2, radius - height / 2
    half_width = outer * math.sin(min(half_angle, math.pi / 2)) + 2
    top, bottom = outer + 2, inner * math.cos(half_angle) - 2
    columns = np.arange(-math.ceil(half_width), math.ceil(half_width) + 1, dtype=np.float32)
    rows = np.arange(math.ceil(top - bottom) + 1, dtype=np.float32)
    # x to the right and y up from the centre of the circle
    x = np.repeat(columns[None], len(rows), axis=0)
    y = np.repeat((np.float32(top) - rows)[:, None], len(columns), axis=1)
    # The angle is measured from y, the top of the circle, clockwise.
    distance, phase = cv2.cartToPolar(y, x)
    phase = np.where(phase > np.pi, phase - np.float32(2 * np.pi), phase)
    map_x = phase * np.float32(radius) + np.float32(width / 2 - 0.5)
    map_y = np.float32(outer - 0.5) - distance
    return cv2.remap(mask, map_x, map_y, cv2.INTER_LINEAR)


def ripple_mask(rng: np.random.Generator, mask: np.ndarray, reach: float) -> np.ndarray:
    """Distort a mask elastically: neighbouring pixels move together, distant ones independently.

    Args:
        rng: Random generator.
        mask: uint8 `[H, W]`, or up to four of them as `[H, W, N]`.
        reach: Largest displacement in pixels.

    Returns:
        uint8, padded on every side by the largest displacement.
    """
    margin = math.ceil(reach) + 1
    padded = cv2.copyMakeBorder(mask, *(4 * (margin,)), cv2.BORDER_CONSTANT)
    height, width = padded.shape[:2]
    # A grid of shifts, with cells of about two thirds of a letter's height.
    cells = (3, max(3, round(2.0 * width / height) + 1))
    draws = (2.0 * rng.random((*cells, 2), np.float32) - 1.0) * np.float32(reach)
    shifts = cv2.resize(draws, (width, height), interpolation=cv2.INTER_LINEAR)
    map_x = shifts[..., 0] + np.arange(width, dtype=np.float32)
    map_y = shifts[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return cv2.remap(padded, map_x, map_y, cv2.INTER_LINEAR)
