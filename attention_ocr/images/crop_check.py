"""Whether an image shows more than the crop of one word or line that a model expects.

A cheap test for clean images, ink on an even background: rows of ink separated by empty rows are
lines, and columns of ink with wide gaps among narrow ones are words. Other images, such as most
photographs of one word, give no warning.
"""

import itertools
import statistics
from collections.abc import Sequence

import cv2
import numpy as np

SHORT_SIDE = 512
"""Pixels to which the shorter side of larger images is reduced."""

MIN_HEIGHT, MIN_WIDTH = 8, 3
"""Pixels below which there is no room for several words or lines."""

MIN_SEPARATION = 0.8
"""Fraction of the variance of the pixels between ink and background (Otsu, 1979)."""

MIN_EVEN_BORDER = 0.95
"""Fraction of the border pixels that are background."""

MIN_CONTRAST = 40
"""Between the means of ink and background, of 255."""

MIN_LINE_HEIGHT = 0.5
"""Height of a line relative to the highest; lower ones are dots, accents and underlines."""

MAX_STRAY_INK = 0.08
"""Ink of a row between lines relative to the fullest row: descenders."""

MIN_LINE_GAP = 0.15
"""Empty rows between two lines relative to the height of the lower one."""

MIN_WORD_GAP = 0.38
"""Gap between words relative to the median height of the characters."""

MIN_GAP_RATIO, MIN_MEAN_RATIO = 1.5, 2.2
"""Narrowest gap between words relative to the widest one between characters, and their mean."""

MIN_GAPS_IN_WORDS = 1.5
"""Gaps between characters per gap between words."""

MIN_PAGE_SIDE, MAX_PAGE_RATIO, MAX_PAGE_CONFIDENCE = 256, 2.5, 0.5
"""Shorter side in pixels from which on, ratio of the sides and confidence up to which an image is
taken for a page. Close-ups of one word are large as well, and read with confidence."""

ADVICE = (
    "crop each word or line and read it alone, or read the page with --detect (in Python with "
    "attention_ocr.read_page)"
)
"""What to do about an image of more than the model expects."""

EXPECTED = {
    False: "a crop of one word",
    True: "a crop of one line",
}
"""What a model expects, by whether its charset has the space."""

Rows = Sequence[bytes]
"""Rows of an image, a byte for each pixel: 1 on ink, otherwise 0."""

_INVERTED = bytes([1, 0]) + bytes(254)


def looks_like_several(image: np.ndarray, reads_spaces: bool) -> str | None:
    """Return a warning if an image shows more than a model reads; None if it may fit.

    Args:
        image: uint8 [h, w, 3].
        reads_spaces: Whether the charset has the space, so that lines of several words are read.

    Example:
        >>> looks_like_several(np.full((32, 99, 3), 255, np.uint8), reads_spaces=False) is None
        True
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = SHORT_SIDE / min(gray.shape)
    if scale < 1:
        size = [max(round(side * scale), 1) for side in gray.shape[::-1]]
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    if gray.shape[0] < MIN_HEIGHT or gray.shape[1] < MIN_WIDTH:
        return None
    _, bright = cv2.threshold(gray, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # Bytes and no arrays from here on: each NumPy function must first come into the cache, which
    # the network has filled.
    flags, width = bright.tobytes(), gray.shape[1]
    edges = flags[:width], flags[-width:], flags[::width], flags[width - 1 :: width]
    border = sum(edge.count(1) for edge in edges) / (2 * sum(gray.shape))
    # Most photographs return here, and most crops of a word below.
    if max(border, 1.0 - border) < MIN_EVEN_BORDER:
        return None
    ink = flags.translate(_INVERTED) if border > 0.5 else flags
    rows = [ink[start : start + width] for start in range(0, len(ink), width)]
    found = _found_in(rows, reads_spaces)
    if found is None or not _is_clean(gray, bright):
        return None
    return f"looks like several {found}; the model expects {EXPECTED[reads_spaces]}: {ADVICE}"


def looks_like_page(height: int, width: int, confidence: float, reads_spaces: bool) -> str | None:
    """Return a warning if an image is clearly not a crop: large, not elongated, and hardly read.

    Args:
        height: In pixels.
        width: In pixels.
        confidence: Confidence of its text, in [0, 1].
        reads_spaces: See `looks_like_several`.

    Example:
        >>> looks_like_page(60, 200, 0.1, reads_spaces=False) is None
        True
    """
    low, high = sorted((height, width))
    if confidence >= MAX_PAGE_CONFIDENCE or low < MIN_PAGE_SIDE or high > MAX_PAGE_RATIO * low:
        return None
    return f"looks like a page or photo; the model expects {EXPECTED[reads_spaces]}: {ADVICE}"


def _found_in(rows: Rows, reads_spaces: bool) -> str | None:
    """Return what an image shows several of: lines, words or None."""
    lines = _lines(rows)
    if len(lines) > 1:
        return "lines"
    if lines and not reads_spaces and _holds_words(rows[slice(*lines[0])]):
        return "words"
    return None


def _is_clean(gray: np.ndarray, bright: np.ndarray) -> bool:
    """Return whether an image, uint8 [h, w], has two even tones, separated by `bright`."""
    share = cv2.countNonZero(bright) / bright.size
    if not 0.0 < share < 1.0:
        return False
    mean, deviation = cv2.meanStdDev(gray)
    contrast = (cv2.mean(gray, bright)[0] - mean[0, 0]) / (1.0 - share)
    separation = share * (1.0 - share) * contrast**2 / deviation[0, 0] ** 2
    return bool(contrast >= MIN_CONTRAST and separation >= MIN_SEPARATION)


def _runs(flags: bytes) -> list[tuple[int, int]]:
    """Return begin and end of each run of ones in bytes of ones and zeros."""
    runs, place = [], 0
    for run in flags.split(b"\0"):
        if run:
            runs.append((place, place + len(run)))
        place += len(run) + 1
    return runs


def _pieces(rows: Rows) -> list[tuple[int, int]]:
    """Return the runs of columns that hold ink."""
    inked = 0
    for row in rows:
        inked |= int.from_bytes(row, "big")
    return _runs(inked.to_bytes(len(rows[0]), "big"))


def _lines(rows: Rows) -> list[tuple[int, int]]:
    """Return first and end row of each line; only the highest band in case of doubt."""
    inked = [row.count(1) for row in rows]
    least_inked = MAX_STRAY_INK * max(inked)
    bands = _runs(bytes([count > least_inked for count in inked]))
    if not bands:
        return []
    highest = max(bands, key=_length)
    least = max(MIN_LINE_HEIGHT * _length(highest), 4)
    high = [band for band in bands if _length(band) >= least]
    if len(high) < 2:
        return [highest]
    lines = [band for band in high if _is_line(rows[slice(*band)])]
    gaps = [below[0] - above[1] for above, below in itertools.pairwise(lines)]
    needed = [max(MIN_LINE_GAP * _length(line), 2) for line in lines[1:]]
    clear = all(gap >= least for gap, least in zip(gaps, needed, strict=True))
    return lines if len(lines) > 1 and clear else [highest]


def _length(run: tuple[int, int]) -> int:
    return run[1] - run[0]


def _is_line(band: Rows) -> bool:
    """Return whether a band of rows holds characters and not parts of one."""
    pieces = _pieces(band)
    return len(pieces) > 1 and pieces[-1][1] - pieces[0][0] >= len(band)


def _holds_words(line: Rows) -> bool:
    """Return whether the characters of a line form groups."""
    pieces = _pieces(line)
    if len(line) < MIN_HEIGHT or len(pieces) < 4:
        return False
    gaps = sorted([after[0] - before[1] for before, after in itertools.pairwise(pieces)])
    for num_narrow in range(1, len(gaps)):
        widest, narrowest_between = gaps[num_narrow - 1], gaps[num_narrow]
        if (
            num_narrow >= MIN_GAPS_IN_WORDS * (len(gaps) - num_narrow)
            and narrowest_between >= 3
            and narrowest_between >= MIN_GAP_RATIO * widest
            and narrowest_between >= MIN_MEAN_RATIO * sum(gaps[:num_narrow]) / num_narrow
            and narrowest_between >= MIN_WORD_GAP * _median_height(line, pieces)
        ):
            return True
    return False


def _median_height(line: Rows, pieces: list[tuple[int, int]]) -> float:
    """Return the median height of the characters of a line."""
    heights = []
    for piece in pieces:
        inked = [place for place, row in enumerate(line) if 1 in row[slice(*piece)]]
        heights.append(inked[-1] - inked[0] + 1)
    return statistics.median(heights)
