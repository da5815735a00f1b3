"""Near-duplicate images, found by a perceptual hash in linear time and little memory."""

from collections.abc import Iterator

import cv2
import numpy as np

HASH_WORDS = 2
"""64-bit words of a hash."""

MAX_DISTANCE = 3
"""Largest number of differing bits, of 128, between near-duplicates."""

_ROWS, _COLUMNS = 8, 16
# Flat backgrounds must not turn the noise of JPEG files into bits.
_LEAST_STEP = 3
_NEIGHBOURS = 8


def perceptual_hash(pixels: np.ndarray) -> np.ndarray:
    """Return the difference hash of an image: where its brightness falls from left to right.

    The image is reduced to 8 x 17 cells; a bit is set where a cell is brighter than the next by
    more than noise (Krawetz, "Kind of Like That", 2013).

    Args:
        pixels: uint8 RGB [H, W, 3].

    Returns:
        int64 [2]; zeros for an image without contrast or pixels.
    """
    if not pixels.size:
        return np.zeros(HASH_WORDS, np.int64)
    gray = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    cells = cv2.resize(gray, (_COLUMNS + 1, _ROWS), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = cells[:, :-1] - cells[:, 1:] >= _LEAST_STEP
    return np.packbits(bits).view(np.int64)


def near_duplicates(hashes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield pairs of images whose hashes differ in at most `MAX_DISTANCE` bits.

    Such hashes agree in one of four quarters. In the order of each quarter, every image is compared
    with its eight neighbours, so that of a large group of near-duplicates not every pair is found.

    Args:
        hashes: int64 [n, 2]; images whose hash is zero are left out.

    Yields:
        The smaller and the larger index of a pair, each pair once, in ascending order.
    """
    quarters = np.ascontiguousarray(hashes).view(np.uint32).reshape(-1, 4)
    words = np.ascontiguousarray(hashes).view(np.uint64).reshape(-1, HASH_WORDS)
    kept = np.flatnonzero(words.any(axis=1))
    found = [np.zeros((0, 2), np.int64)]
    for quarter in range(4):
        keys = [quarters[kept, (quarter + place) % 4] for place in (3, 2, 1, 0)]
        order = kept[np.lexsort(keys)]
        for step in range(1, _NEIGHBOURS + 1):
            first, second = order[:-step], order[step:]
            distance = np.bitwise_count(words[first] ^ words[second]).sum(axis=1)
            near = distance <= MAX_DISTANCE
            found.append(np.sort(np.stack([first[near], second[near]], axis=1), axis=1))
    for smaller, larger in np.unique(np.concatenate(found), axis=0):
        yield int(smaller), int(larger)
