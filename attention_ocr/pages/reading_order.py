"""The order in which the lines of a page are read, also in columns."""

import numpy as np

MIN_ROW_OVERLAP = 0.5
"""Vertical overlap of two parts of one line, relative to the lower of the two."""

MAX_PART_GAP = 0.5
"""Gap between two parts of one line, relative to the higher of the two."""

MAX_LINE_GAP = 1.2
"""Gap between two lines of one block, relative to the higher of the two."""

MAX_HEIGHT_RATIO = 1.6
"""Of the heights of two parts of one line."""


def upright_boxes(quads: np.ndarray) -> np.ndarray:
    """Return boxes of lines after the page was rotated so that its text is level.

    Args:
        quads: float [n, 4, 2], corners in reading direction, see `images.rectify`.

    Returns:
        float [n, 4]: left, top, right and bottom of each.
    """
    along = quads[:, 1] + quads[:, 2] - quads[:, 0] - quads[:, 3]
    # Long lines tell the direction best.
    direction = along.sum(axis=0)
    length = np.hypot(*direction)
    cosine, sine = direction / length if length > 0 else (1.0, 0.0)
    rotated = quads @ np.array([[cosine, -sine], [sine, cosine]])
    # Corners of a line at a slight angle would overlap its neighbours: mid-sides do not.
    middles = (rotated + np.roll(rotated, -1, axis=1)) / 2
    return np.concatenate([middles.min(axis=1), middles.max(axis=1)], axis=1)


def rows(boxes: np.ndarray) -> list[list[int]]:
    """Group parts of one line: side by side, of similar height, without a wide gap.

    Args:
        boxes: float [n, 4].

    Returns:
        The indices of the parts of each line, from left to right.
    """
    groups: list[list[int]] = []
    for index in np.argsort(boxes[:, 0], kind="stable").tolist():
        left, top, _, bottom = boxes[index]
        height = bottom - top
        best, best_gap = None, np.inf
        for group in groups:
            _, last_top, last_right, last_bottom = boxes[group[-1]]
            last_height = last_bottom - last_top
            overlap = min(bottom, last_bottom) - max(top, last_top)
            low, high = sorted((height, last_height))
            gap = left - last_right
            if (
                overlap >= MIN_ROW_OVERLAP * low
                and high <= MAX_HEIGHT_RATIO * low
                and -low <= gap <= MAX_PART_GAP * high
                and gap < best_gap
            ):
                best, best_gap = group, gap
        if best is None:
            groups.append([index])
        else:
            best.append(index)
    return groups


def reading_order(boxes: np.ndarray) -> list[int]:
    """Order lines topologically (Breuel, High Performance Document Layout Analysis, 2003).

    Line a precedes b if a is above b and they overlap horizontally; or if a is left of b, and no
    line between them vertically overlaps both horizontally, as a heading over two columns does.

    Args:
        boxes: float [n, 4]: left, top, right and bottom.

    Returns:
        The indices of the lines in reading order.
    """
    before = _precedence(boxes)
    waiting = before.sum(axis=0)
    open_lines = set(range(len(boxes)))
    order: list[int] = []
    while open_lines:
        # Contradicting relations, as in slanted text, leave none ready: the topmost goes first.
        ready = [index for index in open_lines if waiting[index] == 0] or open_lines
        first = min(ready, key=lambda index: (boxes[index, 1], boxes[index, 0]))
        order.append(first)
        open_lines.remove(first)
        waiting = waiting - before[first]
    return order


def _precedence(boxes: np.ndarray) -> np.ndarray:
    """Return bool [n, n], whether line i precedes line j."""
    left, top, right, bottom = boxes.T
    slack = 0.1 * np.minimum(right - left, bottom - top)
    overlaps = (left[:, None] + slack[:, None] < right) & (left + slack < right[:, None])
    np.fill_diagonal(overlaps, False)
    middle = (top + bottom) / 2
    above = middle[:, None] < middle
    is_left = ~overlaps & (left[:, None] + right[:, None] < left + right)
    before = overlaps & above
    for line in range(len(boxes)):
        # Rows: lines left of `line`; columns: lines vertically between the two.
        beside = np.flatnonzero(is_left[:, line])
        low = np.minimum(middle[beside], middle[line])[:, None]
        high = np.maximum(middle[beside], middle[line])[:, None]
        between = (middle > low) & (middle < high)
        blocked = (between & overlaps[beside] & overlaps[line]).any(axis=1)
        before[beside[~blocked], line] = True
    return before


def blocks(boxes: np.ndarray, order: list[int]) -> list[int]:
    """Number the blocks of lines that follow each other closely.

    Args:
        boxes: float [n, 4].
        order: Indices of the lines in reading order.

    Returns:
        The block of each line of `order`, from 0.
    """
    numbers: list[int] = []
    for place, index in enumerate(order):
        if place == 0:
            numbers.append(0)
            continue
        left, top, right, bottom = boxes[index]
        last_left, last_top, last_right, last_bottom = boxes[order[place - 1]]
        high = max(bottom - top, last_bottom - last_top)
        follows = (
            min(right, last_right) > max(left, last_left)
            and -high < top - last_bottom <= MAX_LINE_GAP * high
        )
        numbers.append(numbers[-1] + (not follows))
    return numbers
