"""The direction in which the text of a line runs: quarter turns, and upside down."""

from collections.abc import Sequence

import numpy as np

from attention_ocr.images.rectify import size_of

TALL = 1.5
"""Height relative to width from which on a box may hold text that is rotated by a quarter."""

CLEARLY_TALL = 3.0
"""Height relative to width from which on a box holds no upright text."""


def page_turn(quads: Sequence[np.ndarray], num_sampled: int) -> tuple[list[np.ndarray], list[int]]:
    """Return lines that tell the direction of a page, and the directions to try.

    Args:
        quads: float [4, 2] each, with the first side to the right in the image.
        num_sampled: Lines to return at most.

    Returns:
        The longest lines; and the numbers of corners, 0 to 3, after which their text may begin,
        the likeliest first: 0 is to the right, 1 down, 2 to the left, 3 up.
    """
    sizes = [size_of(quad) for quad in quads]
    tall = [index for index, (width, height) in enumerate(sizes) if height >= TALL * width]
    wide = [index for index, (width, height) in enumerate(sizes) if width >= TALL * height]
    length_of = {index: max(sizes[index]) for index in range(len(quads))}
    is_turned = sum(map(length_of.__getitem__, tall)) > sum(map(length_of.__getitem__, wide))
    telling = tall if is_turned else wide or list(length_of)
    telling = sorted(telling, key=length_of.__getitem__, reverse=True)[:num_sampled]
    # A single word may be in any direction.
    turns = [1, 3] if is_turned else [0, 2]
    return [quads[index] for index in telling], turns


def directions_of(quad: np.ndarray, turn: int) -> list[np.ndarray]:
    """Return a line in the directions in which it may be read, the likeliest first.

    Args:
        quad: float [4, 2], with the first side to the right in the image.
        turn: Direction of the page, see `page_turn`.
    """
    width, height = size_of(quad)
    # Along the text of the page.
    along, across = (width, height) if turn % 2 == 0 else (height, width)
    if along >= TALL * across:
        turns = [turn, turn + 2]
    elif across >= CLEARLY_TALL * along:
        turns = [turn + 1, turn + 3]
    else:
        turns = [turn, turn + 2, turn + 1, turn + 3]
    return [np.roll(quad, -(number % 4), axis=0) for number in turns]
