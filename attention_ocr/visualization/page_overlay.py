"""A page beside the text that was read on it."""

import cv2
import numpy as np

from attention_ocr.layout.page import Page, Word, bounding_box
from attention_ocr.visualization.glyphs import draw_line

MAX_SIDE = 2000
"""Pixels of the longer side of the page in an overlay."""

_LOW, _HIGH = np.array([214, 39, 40]), np.array([44, 160, 44])
_FONT_SIZE = 32


def draw_page(pixels: np.ndarray, page: Page) -> np.ndarray:
    """Draw the outlines of the words on a page, and beside it the texts at the same places.

    Args:
        pixels: uint8 [H, W, 3], the page.
        page: What was read. Outlines are green where the confidence is high, red where it is low.

    Returns:
        uint8 [h, 2 w, 3].
    """
    scale = min(MAX_SIDE / max(pixels.shape[:2]), 1.0)
    size = [max(round(side * scale), 1) for side in pixels.shape[1::-1]]
    left = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels.copy()
    right = np.full_like(left, 255)
    for line in page.lines:
        for word in line.words or (Word(line.text, line.polygon, line.confidence),):
            color = (_LOW + word.confidence * (_HIGH - _LOW)).astype(int).tolist()
            outline = np.round(np.array(word.polygon) * scale).astype(np.int32)
            for canvas in (left, right):
                cv2.polylines(canvas, [outline], isClosed=True, color=color, thickness=1)
            _draw_text(right, word, scale)
    return np.concatenate([left, right], axis=1)


def _draw_text(canvas: np.ndarray, word: Word, scale: float) -> None:
    """Draw a text into the box of its word, if there is room."""
    bounds = np.array(bounding_box(word.polygon)) * scale
    limits = np.tile(canvas.shape[1::-1], 2)
    left, top, right, bottom = np.clip(np.round(bounds), 0, limits).astype(int).tolist()
    if right - left < 4 or bottom - top < 4 or not word.text:
        return
    image = draw_line(word.text, _FONT_SIZE)
    shrink = min((bottom - top) / image.shape[0], (right - left) / image.shape[1])
    size = [max(int(side * shrink), 1) for side in image.shape[1::-1]]
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    target = canvas[top : top + size[1], left : left + size[0]]
    np.minimum(target, image[: target.shape[0], : target.shape[1]], out=target)
