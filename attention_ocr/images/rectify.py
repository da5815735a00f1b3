"""Cut a line or a word out of a page: its quadrilateral becomes an upright image."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

Points = Sequence[tuple[float, float]] | np.ndarray

MIN_SIDE, MAX_SIDE = 2, 8192
"""Limits of the sides of a crop in pixels."""

_TO_CENTRE = np.array([[1.0, 0.0, -0.5], [0.0, 1.0, -0.5], [0.0, 0.0, 1.0]])


def quadrilateral(polygon: Points, baseline: Points = ()) -> np.ndarray:
    """Return the corners of the smallest rectangle around a polygon, in reading direction.

    Args:
        polygon: Points of the outline. Four are returned as they are, without a baseline.
        baseline: Points of the baseline in reading direction; without it, text is assumed to run
            to the right along the side that is closer to the horizontal.

    Returns:
        float32 [4, 2]: above the beginning of the text, above its end, below its end, below its
        beginning.
    """
    points = np.asarray(polygon, np.float32)
    if len(points) == 4 and not len(baseline):
        return points
    corners = cv2.boxPoints(cv2.minAreaRect(points))
    direction = np.array([1, 0], np.float32)
    if len(baseline) > 1:
        direction = np.subtract(baseline[-1], baseline[0]).astype(np.float32)
    # `boxPoints` goes clockwise, as y points down; the first side should run with the text.
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.maximum(np.linalg.norm(sides, axis=1), 1e-6)
    return np.roll(corners, -int(np.argmax(sides @ direction / lengths)), axis=0)


def size_of(quad: np.ndarray) -> tuple[float, float]:
    """Return width, along the text, and height of a quadrilateral."""
    top, right, bottom, left = (math.dist(quad[i], quad[(i + 1) % 4]) for i in range(4))
    return max(top, bottom), max(left, right)


def rectify(image: np.ndarray, quad: np.ndarray, polygon: Points = ()) -> np.ndarray:
    """Return the content of a quadrilateral, undone of its perspective.

    Args:
        image: uint8 [H, W, 3].
        quad: float [4, 2], corners as `quadrilateral` returns them; parts beyond the image repeat
            its border.
        polygon: An outline within the quadrilateral; what is outside of it, such as parts of
            neighbouring lines, is painted over with the colour along the outline.

    Returns:
        uint8 [h, w, 3].
    """
    width, height = (min(max(math.ceil(side), MIN_SIDE), MAX_SIDE) for side in size_of(quad))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    transform = cv2.getPerspectiveTransform(np.asarray(quad, np.float32), target)
    crop = cv2.warpPerspective(
        image,
        # Corners count from the border of the first pixel, OpenCV's warp from its centre.
        _TO_CENTRE @ transform @ np.linalg.inv(_TO_CENTRE),
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if len(polygon) > 4:
        _paint_outside(
            crop, cv2.perspectiveTransform(np.array([polygon], np.float32), transform)[0]
        )
    return crop


def _paint_outside(crop: np.ndarray, outline: np.ndarray) -> None:
    points = np.round(outline).astype(np.int32)
    inside, along = np.zeros(crop.shape[:2], np.uint8), np.zeros(crop.shape[:2], np.uint8)
    cv2.fillPoly(inside, [points], 1)
    cv2.polylines(along, [points], isClosed=True, color=1)
    if along.any() and inside.any():
        crop[inside == 0] = np.median(crop[along == 1], axis=0).astype(np.uint8)


def interpolate(quad: np.ndarray, begin: float, end: float) -> np.ndarray:
    """Return the part of a quadrilateral between two fractions of its length, float32 [4, 2].

    Example:
        >>> interpolate(np.float32([[0, 0], [8, 0], [8, 2], [0, 2]]), 0.25, 0.5).tolist()
        [[2.0, 0.0], [4.0, 0.0], [4.0, 2.0], [2.0, 2.0]]
    """
    top = [quad[0] + share * (quad[1] - quad[0]) for share in (begin, end)]
    bottom = [quad[3] + share * (quad[2] - quad[3]) for share in (end, begin)]
    return np.asarray([*top, *bottom], np.float32)
