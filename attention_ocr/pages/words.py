"""Split the image of a line into words, by the gaps between its characters."""

import itertools
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

SHARED_WEIGHT = 1.0
"""Weight of a distance from the threshold of all lines."""

MAX_GAP = 0.6
"""Gaps beyond this width, as between columns, count as this wide for the threshold of all lines."""

BODY_INK = 0.4
"""Ink of a row relative to dense ones, from which on it is between baseline and x-height."""

MIN_BODY = 0.25
"""Least height of these rows, relative to the text."""

ITALIC_SLOPE = 0.2
"""Slope of italics, columns per row."""

MIN_ITALIC_GAIN, MIN_ITALIC_BLANK = 1.2, 6
"""Growth of the gaps of a line when it is set upright, as a factor and in columns beyond it, from
which on it is taken for italic."""

FEW_GAPS, MANY_GAPS = 16, 20
"""A line of few gaps is judged by those of all lines alone, if these are many."""

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
        inked: bool [w], whether a column has ink.
        begins: First column of each run of columns with ink between baseline and x-height.
        ends: Column after each.
        height: Height of the text.
    """

    inked: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    height: float

    @property
    def visible(self) -> np.ndarray:
        """Widths of the gaps relative to the height of the text.

        The mean of two widths: between the bodies of letters, where an f may reach over the gap or
        a j below it, and of the columns without any ink, as a T or an r leaves space below.
        """
        num_blank = np.concatenate([[0], np.cumsum(~self.inked)])
        bodies = self.begins[1:] - self.ends[:-1]
        blank = num_blank[self.begins[1:]] - num_blank[self.ends[:-1]]
        return np.asarray((bodies + blank) / 2 / self.height)

    @property
    def sizes(self) -> np.ndarray:
        """The visible gaps, and one of width 0 for each place where characters touch."""
        found = self.visible
        length = self.ends[-1] - self.begins[0] if len(self.ends) else 0
        touching = int(length / (CHARACTER_WIDTH * self.height)) - 1 - len(found)
        return np.concatenate([found, np.zeros(max(touching, 0))])


class VisibleGaps(NamedTuple):
    """The gaps between the characters of a line.

    Attributes:
        begins: float [n], where each begins, as a fraction of the width of the line.
        ends: float [n], where each ends.
        sizes: float [n], widths relative to the height of the text.
        height: Height of the text relative to the width of the line.
    """

    begins: np.ndarray
    ends: np.ndarray
    sizes: np.ndarray
    height: float


def visible_gaps(line: np.ndarray) -> VisibleGaps:
    """Return the gaps between the characters of a line, uint8 [h, w, 3]."""
    found = _gaps(line)
    width = len(found.inked)
    return VisibleGaps(
        found.ends[:-1] / width, found.begins[1:] / width, found.visible, found.height / width
    )


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
    if len(together) < MANY_GAPS or not together.any():
        thresholds = [
            _threshold(line, np.median(line) + USUAL_EXCESS if len(line) else 0.0, EXCESS_WEIGHT)
            for line in sizes
        ]
    else:
        shared = max(_two_groups(np.minimum(together, MAX_GAP)), MIN_GAP)
        thresholds = [
            shared if len(line) < FEW_GAPS else _threshold(line, shared, SHARED_WEIGHT)
            for line in sizes
        ]
    return [_spans(gaps, threshold) for gaps, threshold in zip(found, thresholds, strict=True)]


def _gaps(line: np.ndarray) -> _Gaps:
    ink = _ink(line)
    band = np.flatnonzero(ink.any(axis=1))
    height = float(np.ptp(band)) + 1 if len(band) else 1.0
    per_row = ink.sum(axis=1)
    dense = np.percentile(per_row[band], 90) if len(band) else 1.0
    body = np.flatnonzero(per_row >= BODY_INK * dense)
    # Of a rule or a dash alone, all rows count.
    rows = slice(body[0], body[-1] + 1) if len(body) >= MIN_BODY * height else slice(None)
    columns = ink[rows].any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], columns.astype(np.int8), [0]])))
    return _Gaps(np.asarray(ink.any(axis=0)), edges[::2], edges[1::2], height)


def _spans(line: _Gaps, threshold: float) -> list[tuple[float, float]]:
    width = len(line.inked)
    bounds = [0]
    for gap in np.flatnonzero(line.visible > threshold):
        begin, end = line.ends[gap], line.begins[gap + 1]
        # Between the two words; where one reaches over the other, in the middle of the bodies.
        blank = begin + np.flatnonzero(~line.inked[begin:end])
        bounds.append(int(np.median(blank)) if len(blank) else int(begin + end) // 2)
    margin = MARGIN * line.height
    words = []
    for begin, end in itertools.pairwise([*bounds, width]):
        inked = begin + np.flatnonzero(line.inked[begin:end])
        if len(inked):
            left, right = max(inked[0] - margin, begin), min(inked[-1] + 1 + margin, end)
            words.append((float(left / width), float(right / width)))
    return words or [(0.0, 1.0)]


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


def _two_groups(gaps: np.ndarray) -> float:
    """Return the threshold between two groups of widths (Otsu, 1979)."""
    ordered = np.sort(gaps)
    below = np.arange(1, len(ordered))
    above = len(ordered) - below
    sums = np.cumsum(ordered)[:-1]
    variance = below * above * (sums / below - (ordered.sum() - sums) / above) ** 2
    cut = int(np.argmax(variance))
    return float((ordered[cut] + ordered[cut + 1]) / 2)


def _threshold(gaps: np.ndarray, usual: float, weight: float) -> float:
    """Return the width from which on a gap is between words.

    The sorted gaps are cut in two at a wide step, near the usual threshold.

    Args:
        gaps: Widths relative to the height of the text.
        usual: Threshold that is likely.
        weight: Weight of a distance from it against the step between two groups of gaps.
    """
    found = np.sort(np.append(gaps, 0.0))
    # The last step is for a line of one word.
    steps = np.append(found[1:], found[-1] + LAST_STEP) - found
    middles = found + steps / 2
    scores = steps - weight * np.abs(middles - usual)
    return max(float(middles[np.argmax(scores)]), MIN_GAP)
