"""Where each character of a reading is in its image, as a box in pixels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.second_looks.deskew import STRAIGHTENERS
from attention_ocr.inference.second_looks.widths import add_margin

_VISIBLE = 0.2
"""Share of the strongest row's attention from which a row belongs to a character."""
_WIDEST = 1.5
"""Half the width of a box at most, relative to half the usual distance of two characters."""


class Box(NamedTuple):
    """A box in pixels from the top left corner of an image; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float


def as_read(image: np.ndarray, reading: Reading) -> np.ndarray:
    """Return an image as the model saw it: rotated, straightened, with margins as in the reading.

    Args:
        image: uint8 or float32 [h, w, c].
        reading: Its reading.
    """
    image = np.ascontiguousarray(np.rot90(image, reading.quarter_turns))
    for name, straighten in STRAIGHTENERS.items():
        amount = getattr(reading, name)
        if amount and (word := straighten(image, amount)) is not None:
            image = word
    return add_margin(image, reading.margin) if reading.margin else image


def character_boxes(reading: Reading, image_size: tuple[int, int]) -> list[Box]:
    """Locate each character of a reading by its attention.

    The boxes are approximate: attention marks the middle of a character, so that neighbours share
    the boundary half-way between them, and heights are multiples of a cell of the feature grid.

    Args:
        reading: A reading by `Reader.read`.
        image_size: Height and width of the image in pixels, in the orientation of image viewers.

    Returns:
        The box of each character in the image. Where the image was read rotated or deskewed, it is
        the smallest upright box around the character.
    """
    if not reading.text:
        return []
    # Small images stand for large ones: only proportions matter.
    scale = min(1.0, 512 / max(image_size))
    height, width = (max(round(side * scale), 1) for side in image_size)
    positions = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    seen = as_read(positions.astype(np.float32) + 0.5, reading)
    seen = seen.reshape(*seen.shape[:2], 2)
    factor = np.array([image_size[1] / width, image_size[0] / height])
    boxes = []
    for left, top, right, bottom in _shares(reading.attention, reading.attention_extent):
        rows = _inside(top, bottom, seen.shape[0])
        columns = _inside(left, right, seen.shape[1])
        places = seen[rows, columns].reshape(-1, 2)
        low = (places.min(axis=0) - 0.5) * factor
        high = (places.max(axis=0) + 0.5) * factor
        boxes.append(Box(*(round(float(value), 1) for value in (*low, *high))))
    return boxes


def _shares(attention: np.ndarray, extent: Sequence[float]) -> np.ndarray:
    """Return left, top, right and bottom of each character as shares of the content, [n, 4]."""
    weights = np.asarray(attention, float)
    weights = weights / np.maximum(weights.sum(axis=(1, 2), keepdims=True), 1e-9)
    num_rows, num_columns = weights.shape[1:]
    places = (np.arange(num_columns) + 0.5) / num_columns / extent[1]
    centres = np.clip(weights.sum(axis=1) @ places, 0.0, 1.0)
    distances = np.abs(np.diff(centres))
    half = float(np.median(distances)) / 2 if len(distances) else 1.0 / num_columns / extent[1]
    half = max(half, 0.5 / num_columns / extent[1])
    # Before the first and after the last, as much as usual.
    before, after = np.full(len(centres), half), np.full(len(centres), half)
    if len(distances):
        steps = np.where(np.diff(centres) > 0, distances / 2, half)
        before[1:] = np.minimum(steps, _WIDEST * half)
        after[:-1] = np.minimum(steps, _WIDEST * half)
    by_row = weights.sum(axis=2)
    visible = by_row >= _VISIBLE * by_row.max(axis=1, keepdims=True)
    top = visible.argmax(axis=1) / num_rows / extent[0]
    bottom = (num_rows - visible[:, ::-1].argmax(axis=1)) / num_rows / extent[0]
    edges = [centres - before, top, centres + after, bottom]
    return np.clip(np.stack(edges, axis=1), 0.0, 1.0)


def _inside(low: float, high: float, size: int) -> slice:
    """Return the pixels between two shares of a side, at least one."""
    start = min(round(low * size), size - 1)
    return slice(start, max(round(high * size), start + 1))
