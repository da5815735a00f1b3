"""Whether a picture looks like more than the crop of one word or line that a model reads.

A cheap look at the pixels of clean pictures, ink on an even background: rows of ink with empty rows
between are lines, and columns of ink with wide gaps among narrow ones are words. What is clearly
neither, as most photographs of one word, is left alone.
"""

import itertools
from collections.abc import Iterator

import cv2
import numpy as np

SHORT_SIDE = 512
"""Pixels to which the shorter side of larger pictures is reduced."""

MIN_SEPARATION = 0.8
"""Share of the variance of the pixels that lies between ink and background (Otsu, 1979)."""

MIN_EVEN_BORDER = 0.95
"""Share of the pixels along the border that are background."""

MIN_CONTRAST = 40
"""Between the means of ink and background, of 255."""

MIN_LINE_HEIGHT = 0.5
"""Height of a line beside that of the highest; lower rows are dots, accents and underlines."""

MAX_STRAY_INK = 0.08
"""Ink of a row between lines beside that of the fullest row: of what hangs below a line."""

MIN_LINE_GAP = 0.15
"""Empty rows between two lines beside the height of the lower one."""

MIN_WORD_GAP = 0.38
"""Gap between words beside the median height of the characters."""

MIN_GAP_RATIO, MIN_MEAN_RATIO = 1.5, 2.2
"""Narrowest gap between words beside the widest one between characters, and beside their mean."""

MIN_GAPS_IN_WORDS = 1.5
"""Gaps between characters for each between words."""

EXPECTED = {
    False: "a crop of one word",
    True: "a crop of one line",
}
"""What a model expects, by whether it knows the space."""


def looks_like_several(picture: np.ndarray, reads_spaces: bool) -> str | None:
    """Return a warning where a picture shows more than a model reads; none where it may be fit.

    Args:
        picture: uint8 [h, w, 3].
        reads_spaces: Whether the model knows the space, and so reads lines of several words.

    Example:
        >>> looks_like_several(np.full((32, 99, 3), 255, np.uint8), reads_spaces=False) is None
        True
    """
    ink = _ink(picture)
    if ink is None:
        return None
    lines = _lines(ink)
    if len(lines) > 1:
        found = "lines"
    elif lines and not reads_spaces and _holds_words(ink[slice(*lines[0])]):
        found = "words"
    else:
        return None
    return (
        f"looks like several {found}; the model expects {EXPECTED[reads_spaces]}: crop each and "
        "read it alone"
    )


def _ink(picture: np.ndarray) -> np.ndarray | None:
    """Return bool [h', w'], where a clean picture shows ink; none for any other picture."""
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    scale = SHORT_SIDE / min(gray.shape)
    if scale < 1:
        size = [max(round(side * scale), 1) for side in gray.shape[::-1]]
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    _, bright = cv2.threshold(gray, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    share = float(bright.mean())
    if not 0.0 < share < 1.0:
        return None
    contrast = cv2.mean(gray, bright)[0] - cv2.mean(gray, 1 - bright)[0]
    separation = share * (1.0 - share) * contrast**2 / float(cv2.meanStdDev(gray)[1][0, 0]) ** 2
    border = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]]).mean()
    if (
        contrast < MIN_CONTRAST
        or separation < MIN_SEPARATION
        or max(border, 1.0 - border) < MIN_EVEN_BORDER
    ):
        return None
    ink: np.ndarray = bright != (border > 0.5)
    return ink


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Return where the runs of true values of bool [n] begin, and where they end."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return list(zip(begins.tolist(), ends.tolist(), strict=True))


def _lines(ink: np.ndarray) -> list[tuple[int, int]]:
    """Return the first and the end row of each line; the highest band alone if one is in doubt."""
    inked = ink.sum(axis=1)
    bands = _runs(inked > MAX_STRAY_INK * inked.max())
    if not bands:
        return []
    heights = [end - begin for begin, end in bands]
    highest = bands[int(np.argmax(heights))]
    lines = [
        (begin, end)
        for begin, end in bands
        if end - begin >= max(MIN_LINE_HEIGHT * max(heights), 4) and _is_line(ink[begin:end])
    ]
    gaps = [below[0] - above[1] for above, below in itertools.pairwise(lines)]
    needed = [max(MIN_LINE_GAP * (end - begin), 2) for begin, end in lines[1:]]
    clear = all(gap >= least for gap, least in zip(gaps, needed, strict=True))
    return lines if len(lines) > 1 and clear else [highest]


def _is_line(band: np.ndarray) -> bool:
    """Return whether a band of rows, bool [h, w], holds characters and not parts of one."""
    pieces = _runs(np.any(band, axis=0))
    return len(pieces) > 1 and pieces[-1][1] - pieces[0][0] >= band.shape[0]


def _holds_words(line: np.ndarray) -> bool:
    """Return whether the characters of a line, bool [h, w], stand in groups."""
    pieces = _runs(np.any(line, axis=0))
    if line.shape[0] < 8 or len(pieces) < 4:
        return False
    gaps = sorted(after[0] - before[1] for before, after in itertools.pairwise(pieces))
    height = float(np.median(list(_piece_heights(line, pieces))))
    for num_narrow in range(1, len(gaps)):
        widest, narrowest_between = gaps[num_narrow - 1], gaps[num_narrow]
        if (
            num_narrow >= MIN_GAPS_IN_WORDS * (len(gaps) - num_narrow)
            and narrowest_between >= max(MIN_WORD_GAP * height, 3)
            and narrowest_between >= MIN_GAP_RATIO * widest
            and narrowest_between >= MIN_MEAN_RATIO * float(np.mean(gaps[:num_narrow]))
        ):
            return True
    return False


def _piece_heights(line: np.ndarray, pieces: list[tuple[int, int]]) -> Iterator[int]:
    for begin, end in pieces:
        yield int(np.ptp(np.flatnonzero(line[:, begin:end].any(axis=1)))) + 1
