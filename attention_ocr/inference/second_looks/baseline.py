"""How the baseline of a word may run through its image: slopes and an arc.

The projection profile of an image (Postl, 1986, "Detection of linear oblique structures and skew
scan in digitized documents") is the sum of its edges along each of many parallel curves. It has the
most energy where the curves run as the text does, because the upper and lower edges of the letters
then fall into few sums.
"""

import functools
import math
from typing import NamedTuple

import cv2
import numpy as np

ROWS, COLUMNS = 32, 64
"""Size to which an image is reduced, whatever its proportions."""

RISES = np.arange(-9, 10) / 10
"""Candidate slopes: how far a line falls across the image, as a fraction of its height."""

SAGS = np.array([*range(-7, 0), *range(1, 8)]) / 10
"""Candidate arcs: how far a parabola falls from the middle to either side, likewise."""

FLATTEST, STEEPEST = 8.0, 42.0
"""Limits of a slope in degrees; flatter words are read well as they are."""

NUM_SLOPES = 2
"""Number of slopes at most."""

NEIGHBOURS = 0.25
"""Slopes closer than this, as a fraction of the height, are one."""

BENT = 0.9
"""Least energy of an arc relative to the likeliest curve of all, for the arc to be tried."""


class Baselines(NamedTuple):
    """How the baseline of a word may run.

    Attributes:
        slants: Slopes in degrees, positive if the word falls to the right, the likeliest first.
        sag: How far an arc falls from the middle to either side, as a fraction of the height;
            negative if it rises, 0 if the word is presumably straight.
    """

    slants: tuple[float, ...] = ()
    sag: float = 0.0


def find_baselines(image: np.ndarray) -> Baselines:
    """Find the slopes and the arc along which the edges of an image concentrate.

    Args:
        image: uint8 RGB [h, w, 3], the bounding box of a word.

    Returns:
        The likeliest; none for an image without edges.
    """
    energies = _energies(image)
    if energies is None:
        return Baselines()
    height, width = image.shape[:2]
    of_rises, of_sags = np.split(energies, [len(RISES)])
    peaks: list[float] = []
    for rise in RISES[np.argsort(-of_rises, kind="stable")]:
        if all(abs(rise - peak) > NEIGHBOURS for peak in peaks):
            peaks.append(float(rise))
    # The horizontal is one of the first, unless the word slants.
    degrees = [math.degrees(math.atan(rise * height / width)) for rise in peaks[: NUM_SLOPES + 1]]
    slants = tuple(slant for slant in degrees if FLATTEST <= abs(slant) <= STEEPEST)
    likeliest = int(of_sags.argmax())
    is_bent = of_sags[likeliest] >= BENT * energies.max()
    return Baselines(slants[:NUM_SLOPES], float(SAGS[likeliest]) if is_bent else 0.0)


def _energies(image: np.ndarray) -> np.ndarray | None:
    """Return the energy of the profile along each candidate, slopes first; None without edges."""
    gray = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    reduced = cv2.resize(gray, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA).astype(np.float32)
    edges = np.abs(reduced[2:] - reduced[:-2]).ravel()
    if not edges.any():
        return None
    bins, lengths = _curves()
    sums = np.bincount(bins, np.tile(edges, len(lengths)), lengths.size).reshape(lengths.shape)
    energies: np.ndarray = (sums**2 / np.maximum(lengths, 1)).sum(axis=1)
    return energies


@functools.lru_cache(1)
def _curves() -> tuple[np.ndarray, np.ndarray]:
    """Return which bin each pixel belongs to, per candidate, and the pixels of each [n, bins]."""
    across = (np.arange(COLUMNS) + 0.5) / COLUMNS * 2.0 - 1.0
    falls = np.concatenate([RISES[:, None] * across / 2.0, SAGS[:, None] * across**2]) * ROWS
    rows = np.arange(ROWS - 2)[:, None]
    places = np.rint(rows - falls[:, None, :]).astype(np.int64) + ROWS
    num_bins = 3 * ROWS
    bins = places + num_bins * np.arange(len(falls))[:, None, None]
    lengths = np.bincount(bins.ravel(), minlength=num_bins * len(falls))
    return bins.ravel(), lengths.reshape(len(falls), num_bins)
