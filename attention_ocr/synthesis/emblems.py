"""Emblems beside codes, as on plates: shields, discs, stars, blobs. They are no characters."""

import math
from itertools import pairwise

import cv2
import numpy as np

from attention_ocr.synthesis.chance import below, between, happens, pick
from attention_ocr.synthesis.lettering import draw_at

_SHIFT = 4
"""Bits of the fraction of coordinates in OpenCV's drawing functions."""


def add_emblem(
    rng: np.random.Generator, ink: np.ndarray, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Put an emblem to the left or right of a code, or into its widest gap.

    Args:
        rng: Random generator.
        ink: uint8 `[H, W]`, 255 where the code covers.
        height: Height of a capital in pixels.

    Returns:
        The code with room for the emblem, and the emblem, uint8 of one shape.
    """
    emblem = draw_emblem(rng, max(5, round(between(rng, 0.5, 1.1) * height)))
    gap = max(2, round(between(rng, 0.08, 0.3) * height))
    column = pick(rng, (0, 0, 0, ink.shape[1], widest_gap(ink), widest_gap(ink)))
    rows = max(ink.shape[0], emblem.shape[0])
    room = emblem.shape[1] + gap * (1 if column in (0, ink.shape[1]) else 2)
    parted, beside = np.zeros((2, rows, ink.shape[1] + room), np.uint8)
    top = (rows - ink.shape[0]) // 2
    draw_at(parted, ink[:, :column], 0, top)
    draw_at(parted, ink[:, column:], column + room, top)
    x = column + (0 if column == 0 else gap)
    free = rows - emblem.shape[0]
    draw_at(beside, emblem, x, free // 2 if happens(rng, 0.5) else below(rng, free + 1))
    return parted, beside


def draw_emblem(rng: np.random.Generator, height: int) -> np.ndarray:
    """Draw a filled shape with details cut out of it.

    Args:
        rng: Random generator.
        height: Height in pixels.

    Returns:
        uint8 `[height, W]`, 255 where it covers.
    """
    width = max(5, round(height * between(rng, 0.7, 1.3)))
    outline = pick(rng, (_draw_shield, _draw_shield, _draw_disc, _draw_star, _draw_blob))(rng)
    whole = np.zeros((height, width), np.uint8)
    cv2.fillPoly(whole, [_pixels(outline, whole.shape)], 255, cv2.LINE_AA, _SHIFT)
    details = np.zeros_like(whole)
    for _ in range(1 + below(rng, 3)):
        _draw_detail(rng, details)
    # A rim remains of most.
    rim = max(1, round(between(rng, 0.04, 0.12) * height)) if happens(rng, 0.7) else 0
    inside = cv2.erode(whole, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8))
    return cv2.subtract(whole, cv2.min(details, inside))


def widest_gap(ink: np.ndarray) -> int:
    """Return the middle of the widest run of columns between letters, 0 without one.

    Args:
        ink: uint8 `[H, W]`.
    """
    inked = np.flatnonzero(ink.any(axis=0)).tolist()
    gaps = [(right - left, (left + right + 1) // 2) for left, right in pairwise(inked)]
    width, middle = max(gaps, default=(0, 0))
    return middle if width > 1 else 0


def _draw_detail(rng: np.random.Generator, mask: np.ndarray) -> None:
    """Draw a bar, a cross or a disc onto a mask."""
    height, width = mask.shape
    thickness = max(1, round(between(rng, 0.06, 0.2) * height))
    x, y = between(rng, 0.3, 0.7) * width, between(rng, 0.25, 0.7) * height
    kind = pick(rng, ("level bar", "upright bar", "cross", "disc"))
    if kind == "disc":
        radius = between(rng, 0.08, 0.25) * min(height, width)
        center, scaled = _pixels(np.array([(x / width, y / height)]), mask.shape)[0], 1 << _SHIFT
        cv2.circle(mask, center.tolist(), round(radius * scaled), 255, -1, cv2.LINE_AA, _SHIFT)
        return
    if kind != "upright bar":
        cv2.line(mask, (0, round(y)), (width, round(y)), 255, thickness)
    if kind != "level bar":
        cv2.line(mask, (round(x), 0), (round(x), height), 255, thickness)


def _pixels(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Scale points of the unit square to a mask, in fractions of pixels, int32 `[N, 2]`."""
    size = np.array([shape[1] - 1, shape[0] - 1])
    return np.asarray(np.round(points * size * (1 << _SHIFT)), np.int32)


def _draw_shield(rng: np.random.Generator) -> np.ndarray:
    """Draw an escutcheon: straight sides down to some height, then to a tip, float64 `[N, 2]`."""
    shoulder, fullness = between(rng, 0.35, 0.7), between(rng, 0.5, 1.0)
    down = np.linspace(0.0, 1.0, 9)
    side = np.stack([0.5 * (1.0 - down ** (1.0 + fullness)), (1.0 - shoulder) * down], axis=1)
    left = np.stack([0.5 - side[:, 0], shoulder + side[:, 1]], axis=1)
    right = np.stack([0.5 + side[:, 0], shoulder + side[:, 1]], axis=1)
    return np.concatenate([[(0.0, 0.0)], left, right[::-1], [(1.0, 0.0)]])


def _draw_disc(rng: np.random.Generator) -> np.ndarray:
    """Draw a circle or a regular polygon with four sides and more, float64 `[N, 2]`."""
    number = 32 if happens(rng, 0.6) else 4 + below(rng, 5)
    return _around(np.full(number, 0.5), between(rng, 0.0, math.pi))


def _draw_star(rng: np.random.Generator) -> np.ndarray:
    number, depth = 5 + below(rng, 4), between(rng, 0.35, 0.75)
    return _around(np.tile([0.5, 0.5 * depth], number), -0.5 * math.pi)


def _draw_blob(rng: np.random.Generator) -> np.ndarray:
    """Draw an irregular outline, as of a state, an animal or a tree, float64 `[N, 2]`."""
    angle = np.linspace(0.0, 2 * math.pi, 24, endpoint=False)
    radius = np.full(24, 0.37)
    for order in (2, 3, 5, 7):
        radius += between(rng, 0.0, 0.1) * np.cos(order * angle + 2 * math.pi * rng.random())
    return _around(np.clip(radius, 0.1, 0.5), 0.0)


def _around(radii: np.ndarray, start: float) -> np.ndarray:
    """Return points around the middle of the unit square, float64 `[N, 2]`."""
    angle = start + np.linspace(0.0, 2 * math.pi, len(radii), endpoint=False)
    return np.stack([0.5 + radii * np.cos(angle), 0.5 + radii * np.sin(angle)], axis=1)
