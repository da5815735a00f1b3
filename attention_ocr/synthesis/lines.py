"""A line of text as masks: set in a face, with its surroundings, in perspective."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from attention_ocr.synthesis.chance import below, between, happens
from attention_ocr.synthesis.effects import thicken
from attention_ocr.synthesis.geometry import bend_mask, draw_view, view_mask
from attention_ocr.synthesis.looks import LOOKS, Look
from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typesetting import Typesetter

# Cropped to the ink, these look like their other case or another mark: `s` and `S`, a comma and an
# apostrophe. The height of the line around them tells them apart.
AMBIGUOUS = frozenset("cosuvwxzCOSUVWXZ0")


@dataclass(frozen=True)
class Line:
    """A line of text, ready to be painted.

    Args:
        ink: uint8 `[H, W]`, 255 where the text covers.
        box: Left, top, width and height of the area that the image must show.
        surroundings: Mask of other text around it, shaped as `ink`; `None` without.
    """

    ink: np.ndarray
    box: tuple[int, int, int, int]
    surroundings: np.ndarray | None = None


def set_line(
    rng: np.random.Generator,
    typesetter: Typesetter,
    face: Face,
    size: int,
    text: str,
    other_text: str | None,
    difficulty: float,
    height: int,
    look: Look = LOOKS["any"],
) -> Line:
    """Set a text and apply the geometry of the look.

    Args:
        rng: Random generator.
        typesetter: Draws the glyphs.
        face: A face that shows the text.
        size: Pixels to the em.
        text: The text.
        other_text: Text that may stand around it, in characters that the face shows, or `None`.
        difficulty: From 0, straight and level, to 1.
        height: Nominal height of an image in pixels.
        look: Determines boldness and geometry.

    Returns:
        The line.
    """
    spacing, lifts = _draw_spacing(rng, size, len(text), difficulty)
    ink, baseline = typesetter.set_text(face, size, text, spacing, lifts)
    if look.emboldened and happens(rng, look.emboldened * difficulty):
        ink, baseline = _embolden(ink, baseline, max(1, round(0.04 * size)))
    is_ambiguous = all(not character.isalnum() or character in AMBIGUOUS for character in text)
    surroundings = None
    if is_ambiguous:
        ink = add_line_height(ink, baseline, round(face.cap_height * size))
    elif other_text is not None:
        other_ink, _ = typesetter.set_text(face, size, other_text, spacing)
        ink, surroundings = _surround(rng, ink, other_ink, size)
    elif happens(rng, look.bent * difficulty):
        ink = bend_mask(ink, between(rng, -look.bend, look.bend) * difficulty)
    if difficulty > 0:
        view = draw_view(rng, difficulty, ink.shape, 1.5 * height, look)
        ink = view_mask(ink, view)
        if surroundings is not None:
            surroundings = view_mask(surroundings, view)
    left, top, width, ink_height = cv2.boundingRect(ink)
    box = (left, top, width, ink_height)
    if is_ambiguous:
        box = (0, 0, ink.shape[1], ink.shape[0])
    return Line(ink, box, surroundings)


def cut_out(
    mask: np.ndarray, box: tuple[int, int, int, int], margins: tuple[int, int, int, int]
) -> np.ndarray:
    """Crop a box with margins from a mask; there is no ink outside the mask.

    Args:
        mask: uint8 `[H, W]`.
        box: Left, top, width and height.
        margins: Pixels to the left, above, to the right and below.

    Returns:
        uint8 of the size of the box and its margins.
    """
    left, top = box[0] - margins[0], box[1] - margins[1]
    right, bottom = box[0] + box[2] + margins[2], box[1] + box[3] + margins[3]
    height, width = mask.shape
    inner = mask[max(0, top) : bottom, max(0, left) : right]
    return cv2.copyMakeBorder(
        inner,
        max(0, -top),
        max(0, bottom - height),
        max(0, -left),
        max(0, right - width),
        cv2.BORDER_CONSTANT,
    )


def _draw_spacing(
    rng: np.random.Generator, size: int, num_characters: int, difficulty: float
) -> tuple[float, Sequence[float]]:
    """Draw letter spacing and vertical shifts, mostly none."""
    spacing = 0.0
    lifts: Sequence[float] = ()
    if num_characters > 1 and happens(rng, 0.3 * difficulty):
        # Sign writers spread letters far more often than they squeeze them.
        widest = 0.1 if happens(rng, 0.7) else 0.5
        spacing = size * between(rng, -0.04, widest) * difficulty
        if happens(rng, 0.15):
            reach = 0.1 * size * difficulty
            lifts = [reach * (2 * draw - 1) for draw in rng.random(num_characters).tolist()]
    return spacing, lifts


def _embolden(ink: np.ndarray, baseline: int, radius: int) -> tuple[np.ndarray, int]:
    """Widen the strokes, and pad the mask for them."""
    padded = cv2.copyMakeBorder(ink, radius, radius, radius, radius, cv2.BORDER_CONSTANT)
    return thicken(padded, radius), baseline + radius


def add_line_height(ink: np.ndarray, baseline: int, cap_height: int) -> np.ndarray:
    """Pad a mask so that it reaches at least from the baseline to the height of a capital.

    Args:
        ink: uint8 `[H, W]`.
        baseline: Row of the baseline in the mask.
        cap_height: Height of a capital in pixels.

    Returns:
        uint8, at least as high.
    """
    above = max(0, cap_height - baseline)
    under = max(0, baseline - ink.shape[0])
    return cv2.copyMakeBorder(ink, above, under, 0, 0, cv2.BORDER_CONSTANT)


def _surround(
    rng: np.random.Generator, ink: np.ndarray, other: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Put another line above or below, or another word before or after, as at the edges of crops.

    Returns:
        The padded ink, and the other ink in a mask of the same shape.
    """
    height, width = ink.shape
    margin = max(6, int(0.7 * size))
    padded = cv2.copyMakeBorder(ink, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    around = np.zeros_like(padded)
    place = below(rng, 4)
    if place < 2:
        gap = max(2, int(size * between(rng, 0.1, 0.25)))
        start = below(rng, max(1, padded.shape[1] // 2))
        rows = min(other.shape[0], margin - gap)
        piece = other[-rows:] if place == 0 else other[:rows]
        top = margin - gap - rows if place == 0 else margin + height + gap
    else:
        # A word space: any closer, and the other word would look like part of this one.
        gap = max(3, int(0.4 * size))
        rows = min(other.shape[0], height)
        columns = min(other.shape[1], margin - gap)
        piece = other[:rows, -columns:] if place == 2 else other[:rows, :columns]
        top = margin + height - rows
        start = margin - gap - columns if place == 2 else margin + width + gap
    target = around[top : top + piece.shape[0], start : start + piece.shape[1]]
    target[:] = piece[:, : target.shape[1]]
    return padded, around
