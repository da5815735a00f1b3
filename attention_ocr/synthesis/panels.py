"""Panels of a text: signs, plates and tags with edges, bands and bolts."""

import cv2
import numpy as np

from attention_ocr.synthesis.chance import between, happens


def draw_panel(
    rng: np.random.Generator, frame: np.ndarray, panel: np.ndarray, height: int, clear: int
) -> None:
    """Draw a panel as large as the mask, with round or square corners and mostly an edge.

    Args:
        rng: Random generator.
        frame: uint8 `[H, W]` without ink, onto which the edge is drawn.
        panel: uint8 `[H, W]` without ink, onto which the panel is drawn.
        height: Height of the text in pixels.
        clear: Distance from the text to the nearest side of the mask in pixels.
    """
    rows, columns = panel.shape
    # A larger radius would reach into the text.
    widest = min(0.3 * height, 2.0 * clear)
    radius = int(between(rng, 0.0, widest)) if happens(rng, 0.7) else 0
    corner, far = (radius + 1, radius + 1), (columns - radius - 2, rows - radius - 2)
    if far[0] <= corner[0] or far[1] <= corner[1]:
        corner, far, radius = (0, 0), (columns - 1, rows - 1), 0
    _round_box(panel, corner, far, radius, -1)
    if happens(rng, 0.65):
        width = max(1, min(round(between(rng, 0.03, 0.09) * height), int(0.55 * clear)))
        inset = min(round(between(rng, 0.0, 0.1) * height), max(0, int(0.55 * clear) - width))
        place = inset + width // 2
        near = (corner[0] + place, corner[1] + place)
        end = (far[0] - place, far[1] - place)
        if end[0] > near[0] and end[1] > near[1]:
            _round_box(frame, near, end, radius, width)
            cv2.bitwise_and(frame, panel, dst=frame)


def furnish_plate(
    rng: np.random.Generator,
    frame: np.ndarray,
    panel: np.ndarray,
    room: tuple[int, int],
    band: int,
    height: int,
) -> None:
    """Draw the band at the left of a plate and its bolts, clear of the text.

    Args:
        rng: Random generator.
        frame: uint8 `[H, W]`, onto which they are drawn.
        panel: uint8 `[H, W]`, the plate.
        room: Pixels between the text and the left, and the upper side of the plate.
        band: Width of the band in pixels, 0 for none.
        height: Height of the text in pixels.
    """
    left, above = room
    if band:
        frame[:, :band] = panel[:, :band]
    radius = round(between(rng, 0.03, 0.07) * height)
    if radius and above > 2 * radius + 4 and happens(rng, 0.4):
        width = panel.shape[1]
        inset = max(left // 2, round(between(rng, 0.1, 0.35) * width))
        for x in (inset, width - inset):
            cv2.circle(frame, (x, above // 2), radius, 255, -1, cv2.LINE_AA)


def _round_box(
    mask: np.ndarray, corner: tuple[int, int], far: tuple[int, int], radius: int, width: int
) -> None:
    """Draw a box around another one at distance `radius`, filled for a negative width."""
    if width < 0:
        cv2.rectangle(mask, corner, far, 255, -1)
        if radius:
            cv2.rectangle(mask, corner, far, 255, 2 * radius, cv2.LINE_AA)
        return
    if not radius:
        cv2.rectangle(mask, corner, far, 255, width)
        return
    outer, inner = np.zeros_like(mask), np.zeros_like(mask)
    _round_box(outer, corner, far, radius, -1)
    shrunk = max(0, radius - width)
    _round_box(inner, corner, far, shrunk, -1)
    cv2.subtract(outer, inner, dst=mask)
