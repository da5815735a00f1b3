"""Outlines of lines of which only the baseline is known."""

import numpy as np

from attention_ocr.layout.page import Line, Page, Polygon, bounding_box

ABOVE, BELOW = 0.75, 0.25
"""Height above and below a baseline without an outline, relative to the distance of the lines."""

DEFAULT_DISTANCE = 0.04
"""Distance of the lines of a page with one baseline, relative to the height of the page."""


def outline_of(line: Line, page: Page) -> Polygon:
    """Return the outline of a line; one around a baseline is as high as its lines are apart.

    Args:
        line: The line, with a polygon or a baseline.
        page: Its page.
    """
    if len(line.polygon) > 2:
        return line.polygon
    middles = sorted(
        sum(bounding_box(other.baseline)[1::2]) / 2 for other in page.lines if other.baseline
    )
    distances = [distance for distance in np.diff(middles).tolist() if distance > 1]
    distance = float(np.median(distances)) if distances else DEFAULT_DISTANCE * page.height
    points = np.asarray(line.baseline)
    run = points[-1] - points[0]
    # To the left of the direction of the text, which is up, as y points down.
    up = np.array([run[1], -run[0]]) / max(float(np.hypot(*run)), 1e-6) * distance
    upper, lower = points + ABOVE * up, points[::-1] - BELOW * up
    return tuple(map(tuple, np.concatenate([upper, lower]).tolist()))
