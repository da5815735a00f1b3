"""Rows of tables and receipts: cells side by side that are read together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from attention_ocr.pages.reading_order import MAX_HEIGHT_RATIO

MAX_OFFSET = 0.4
"""Vertical distance between the middles of two cells of a row, relative to the lower of the two."""

MIN_ROWS = 2
"""Rows from which on two columns are a table."""

MIN_SHARE = 0.5
"""Share of values, or of labels, in one of two columns that are a table."""

MAX_TEXT_CELL = 8.0
"""Median width of the cells of a column without values, relative to their height, up to which it
belongs to the table beside it: lines of text are longer."""


class _Link(NamedTuple):
    """Two neighbouring cells of what may be a row: indices of the left and the right one."""

    left: int
    right: int


def table_rows(boxes: np.ndarray, texts: Sequence[str]) -> list[list[int]]:
    """Group the cells of each row of tables and receipts.

    Columns of text may be aligned line by line as well. Two columns are a table if one of them has
    values, such as prices, quantities or years, or the left one has labels, `Total:`; further short
    columns beside a table belong to it.

    Args:
        boxes: float [n, 4]: left, top, right and bottom of each line.
        texts: Text of each.

    Returns:
        The indices of the cells of each row, from left to right; a line of no table is alone.
    """
    pairs = _column_pairs(boxes, _links(boxes))
    tables = [pair for pair in pairs if _has_values(pair, texts)]
    others = [pair for pair in pairs if pair not in tables and _is_narrow(pair, boxes)]
    while beside := [pair for pair in others if any(_share_cells(pair, table) for table in tables)]:
        tables += beside
        others = [pair for pair in others if pair not in beside]
    following = {link.left: link.right for table in tables for link in table}
    rows = []
    for first in sorted(set(range(len(boxes))) - set(following.values())):
        row = [first]
        while row[-1] in following:
            row.append(following[row[-1]])
        rows.append(row)
    return rows


def _links(boxes: np.ndarray) -> list[_Link]:
    """Return cells that are each other's nearest neighbour to the right and to the left."""
    if len(boxes) == 0:
        return []
    left, top, right, bottom = boxes.T
    height, middle = bottom - top, (top + bottom) / 2
    low = np.minimum(height[:, None], height)
    gaps = left - right[:, None]
    is_beside = (
        (gaps >= -0.5 * low)
        & (np.abs(middle[:, None] - middle) <= MAX_OFFSET * low)
        & (np.maximum(height[:, None], height) <= MAX_HEIGHT_RATIO * low)
        & (left[:, None] + right[:, None] < left + right)
    )
    gaps = np.where(is_beside, gaps, np.inf)
    after, before = gaps.argmin(axis=1), gaps.argmin(axis=0)
    return [
        _Link(index, other)
        for index, other in enumerate(after.tolist())
        if is_beside[index, other] and before[other] == index
    ]


def _column_pairs(boxes: np.ndarray, links: Sequence[_Link]) -> list[list[_Link]]:
    """Group the links between the same two columns; those of fewer than `MIN_ROWS` are left out."""
    waiting = list(links)
    pairs = []
    while waiting:
        pair = [waiting.pop(0)]
        for link in pair:
            same = [
                other
                for other in waiting
                if all(_overlap(boxes, *cells) for cells in zip(link, other, strict=True))
            ]
            pair += same
            waiting = [other for other in waiting if other not in same]
        if len(pair) >= MIN_ROWS:
            pairs.append(pair)
    return pairs


def _overlap(boxes: np.ndarray, one: int, other: int) -> bool:
    return bool(boxes[one, 0] < boxes[other, 2] and boxes[other, 0] < boxes[one, 2])


def _has_values(pair: Sequence[_Link], texts: Sequence[str]) -> bool:
    labels = [texts[link.left].rstrip().endswith(":") for link in pair]
    values = [[_is_value(texts[cell]) for cell in column] for column in zip(*pair, strict=True)]
    return any(float(np.mean(found)) >= MIN_SHARE for found in (labels, *values))


def _is_value(text: str) -> bool:
    """Return whether a text is mostly a number, such as `12.50 EUR`."""
    num_digits = sum(character.isdigit() for character in text)
    return num_digits > 0 and 2 * num_digits >= sum(map(str.isalnum, text))


def _is_narrow(pair: Sequence[_Link], boxes: np.ndarray) -> bool:
    for column in zip(*pair, strict=True):
        left, top, right, bottom = boxes[list(column)].T
        if np.median((right - left) / (bottom - top)) > MAX_TEXT_CELL:
            return False
    return True


def _share_cells(pair: Sequence[_Link], table: Sequence[_Link]) -> bool:
    """Return whether most rows of a pair of columns are rows of a table."""
    cells = {cell for link in table for cell in link}
    return 2 * sum(bool(cells & {*link}) for link in pair) >= len(pair)
