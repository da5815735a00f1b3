"""Split the image of a line into words, by the gaps between its characters."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

WORK_HEIGHT = 48
"""Pixels to which lines are scaled."""

MIN_CONTRAST = 16
"""Least difference of ink from its background, of 255."""

CHARACTER_WIDTH = 0.6
"""Usual width of a character relative to the height of the text. Where fewer gaps are visible than
this suggests, characters touch."""

USUAL_EXCESS = 0.08
"""Gap between words beyond the median gap of a line, relative to the height of the text, that is as
likely as not between characters."""

EXCESS_WEIGHT = 0.5
"""Weight of a distance from `USUAL_EXCESS` against the step between two groups of gaps."""

ITALIC_SLOPE = 0.2
"""Slope of italics, columns per row."""

MIN_ITALIC_GAIN, MIN_ITALIC_BLANK = 1.2, 6
"""Growth of the gaps of a line when it is set upright, as a factor and in columns beyond it, from
which on it is taken for italic."""

FEW_GAPS, MANY_GAPS = 16, 20
"""A line of few gaps is judged by those of all lines, if these are many."""

LAST_STEP = 0.12
"""Step beyond the widest gap of a line, for one of a single word."""

MIN_GAP = 0.12
"""Least gap between words, relative to the height of the text."""

MARGIN = 0.1
"""Space kept beside a word, relative to the height of the text."""


def set_upright(line: np.ndarray) -> np.ndarray:
    """Return a line of italics sheared to upright letters, which have gaps; others as they are.

    Args:
        line: uint8 [h, w, 3], a line that runs to the right.
    """
    ink = _ink(line).astype(np.uint8)
    before, after = _num_blank(ink), _num_blank(_sheared(ink))
    return _sheared(line) if after > MIN_ITALIC_GAIN * before + MIN_ITALIC_BLANK else line


def _num_blank(ink: np.ndarray) -> int:
    """Count the columns without ink between the first and the last with ink."""
    columns = np.flatnonzero(ink.any(axis=0))
    return int(np.ptp(columns)) + 1 - len(columns) if len(columns) else 0


def _sheared(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    # Around the middle of the line, so that places along it stay.
    transform = np.array([[1, ITALIC_SLOPE, -ITALIC_SLOPE * height / 2], [0, 1, 0]], np.float32)
    return np.asarray(
        cv2.warpAffine(image, transform, (width, height), borderMode=cv2.BORDER_REPLICATE)
    )


class _Gaps(NamedTuple):
    """The gaps of a line.

    Attributes:
        begins: First column of each run of columns with ink.
        ends: Column after each.
        height: Height of the text.
        width: Number of columns.
    """

    begins: np.ndarray
    ends: np.ndarray
    height: float
    width: int

    @property
    def sizes(self) -> np.ndarray:
        """Widths of the gaps relative to the height of the text; characters may touch."""
        found = (self.begins[1:] - self.ends[:-1]) / self.height
        length = self.ends[-1] - self.begins[0] if len(self.ends) else 0
        touching = int(length / (CHARACTER_WIDTH * self.height)) - 1 - len(found)
        return np.concatenate([found, np.zeros(max(touching, 0))])


def split_words(lines: Sequence[np.ndarray]) -> list[list[tuple[float, float]]]:
    """Return where the words of the lines of a page begin and end.

    Args:
        lines: uint8 [h, w, 3] each, lines that run to the right. Lines of few characters are
            judged by the gaps of the others.

    Returns:
        Fractions of the width for each line; the whole line if it has no visible gap.
    """
    found = [_gaps(line) for line in lines]
    sizes = [gaps.sizes for gaps in found]
    together = np.concatenate([*sizes, np.zeros(0)])
    shared = _threshold(together) if len(together) >= MANY_GAPS else None
    thresholds = [
        shared if shared is not None and len(line) < FEW_GAPS else _threshold(line)
        for line in sizes
    ]
    return [_spans(gaps, threshold) for gaps, threshold in zip(found, thresholds, strict=True)]


def _gaps(line: np.ndarray) -> _Gaps:
    ink = _ink(line)
    band = np.flatnonzero(ink.any(axis=1))
    columns = ink.any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], columns.astype(np.int8), [0]])))
    height = float(np.ptp(band)) + 1 if len(band) else 1.0
    return _Gaps(edges[::2], edges[1::2], height, ink.shape[1])


def _spans(line: _Gaps, threshold: float) -> list[tuple[float, float]]:
    begins, ends, height, width = line
    if len(begins) == 0:
        return [(0.0, 1.0)]
    gaps = begins[1:] - ends[:-1]
    cuts = np.flatnonzero(gaps > threshold * height)
    margin = MARGIN * height
    words = []
    for first, last in zip([0, *(cuts + 1)], [*cuts, len(begins) - 1], strict=True):
        left, right = float(begins[first]), float(ends[last])
        # Up to half of the gap to its neighbours.
        before = float(gaps[first - 1]) / 2 if first > 0 else left
        after = float(gaps[last]) / 2 if last < len(gaps) else width - right
        left, right = left - min(margin, before), right + min(margin, after)
        words.append((left / width, right / width))
    return words


def _ink(line: np.ndarray) -> np.ndarray:
    """Return where a line differs from its background, bool [WORK_HEIGHT, w]."""
    gray = cv2.cvtColor(line, cv2.COLOR_RGB2GRAY)
    width = max(round(gray.shape[1] * WORK_HEIGHT / gray.shape[0]), 1)
    interpolation = cv2.INTER_AREA if gray.shape[0] > WORK_HEIGHT else cv2.INTER_LINEAR
    gray = cv2.resize(gray, (width, WORK_HEIGHT), interpolation=interpolation)
    # Half of the pixels around each are background, whether ink is dark or light.
    background = cv2.medianBlur(gray, WORK_HEIGHT + 1)
    difference = cv2.absdiff(gray, background)
    threshold, _ = cv2.threshold(difference, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink = difference > max(threshold * 0.9, MIN_CONTRAST)
    # Parts of neighbouring lines reach into the upper and lower edge.
    edge = WORK_HEIGHT // 12
    ink[:edge], ink[-edge:] = False, False
    return np.asarray(ink)


def _threshold(gaps: np.ndarray) -> float:
    """Return the width from which on a gap is between words.

    The sorted gaps are cut in two at a wide step, near the usual distance from the median.

    Args:
        gaps: Widths relative to the height of the text.
    """
    found = np.sort(np.append(gaps, 0.0))
    usual = np.median(found) + USUAL_EXCESS
    # The last step is for a line of one word.
    steps = np.append(found[1:], found[-1] + LAST_STEP) - found
    middles = found + steps / 2
    scores = steps - EXCESS_WEIGHT * np.abs(middles - usual)
    return max(float(middles[np.argmax(scores)]), MIN_GAP)
