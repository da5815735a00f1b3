"""Letters placed one by one, with individual size, rotation and height, along a line or a wave."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from attention_ocr.synthesis.chance import between, happens
from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typesetting import Typesetter
from attention_ocr.text.bidi import display_order


@dataclass(frozen=True)
class Scatter:
    """Variation of letters that are placed one by one.

    Args:
        size: Largest change of size, as an exponent.
        turn: Largest rotation in radians.
        shift: Largest vertical shift, as a share of the em.
        gap: Smallest and largest gap between letters, as shares of the em; negative ones overlap.
    """

    size: float
    turn: float
    shift: float
    gap: tuple[float, float]


def scatter_letters(
    rng: np.random.Generator,
    typesetter: Typesetter,
    face: Face,
    size: int,
    text: str,
    scatter: Scatter,
) -> np.ndarray:
    """Set a text letter by letter; `face`, `size` and `text` as in `Typesetter.set_text`.

    Returns:
        uint8 `[H, W]`, 255 where ink covers, cropped to the ink.
    """
    wave = between(rng, 0.0, 1.5 * scatter.shift) * size if happens(rng, 0.4) else 0.0
    pace, phase = between(rng, 0.4, 1.2), 2 * math.pi * rng.random()
    placed: list[tuple[int, int, np.ndarray]] = []
    pen = 0.0
    text = display_order(text)
    draws = rng.random((len(text), 4)).tolist()
    for place, (character, (first, second, third, fourth)) in enumerate(
        zip(text, draws, strict=True)
    ):
        ink, baseline = typesetter.set_text(face, size, character)
        if not ink.size:
            pen += 0.3 * size
            continue
        turn = scatter.turn * (2 * first - 1)
        turn += math.atan(1.2 * wave / size * math.cos(pace * place + phase))
        scale = math.exp(scatter.size * (2 * second - 1))
        rotated = turn_letter(ink, turn, scale)
        lift = scatter.shift * size * (2 * third - 1) + wave * math.sin(pace * place + phase)
        # The centre of a letter keeps its height above the baseline.
        middle = (0.5 * ink.shape[0] - baseline) * scale + lift
        low, high = scatter.gap
        placed.append((round(pen), round(middle - 0.5 * rotated.shape[0]), rotated))
        pen += rotated.shape[1] + size * (low + (high - low) * fourth)
    return join_inks(placed)


def turn_letter(ink: np.ndarray, turn: float, scale: float) -> np.ndarray:
    """Rotate and scale the mask of a letter about its centre.

    Args:
        ink: uint8 `[H, W]`.
        turn: Radians, clockwise.
        scale: Factor of both sides.

    Returns:
        uint8 of another height and width that shows the whole letter.
    """
    height, width = ink.shape
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    new_width = math.ceil(abs(cosine) * width + abs(sine) * height)
    new_height = math.ceil(abs(sine) * width + abs(cosine) * height)
    x, y = 0.5 * (width - 1), 0.5 * (height - 1)
    matrix = np.array(
        [
            (cosine, -sine, 0.5 * (new_width - 1) - cosine * x + sine * y),
            (sine, cosine, 0.5 * (new_height - 1) - sine * x - cosine * y),
        ]
    )
    return cv2.warpAffine(ink, matrix, (new_width, new_height), flags=cv2.INTER_LINEAR)


def join_inks(placed: list[tuple[int, int, np.ndarray]]) -> np.ndarray:
    """Join masks into one.

    Args:
        placed: Left, top and uint8 `[h, w]` of each; places may be negative.

    Returns:
        uint8 `[H, W]`, their bounding box; the maximum where they overlap.
    """
    if not placed:
        return np.zeros((0, 0), np.uint8)
    left = min(x for x, _, _ in placed)
    top = min(y for _, y, _ in placed)
    width = max(x + ink.shape[1] for x, _, ink in placed) - left
    height = max(y + ink.shape[0] for _, y, ink in placed) - top
    joined = np.zeros((height, width), np.uint8)
    for x, y, ink in placed:
        target = joined[y - top : y - top + ink.shape[0], x - left : x - left + ink.shape[1]]
        np.maximum(target, ink, out=target)
    return joined


def stack_letters(inks: list[np.ndarray], gap: int) -> np.ndarray:
    """Stack letters vertically, as on upright signs.

    Args:
        inks: uint8 `[h, w]` of each letter.
        gap: Pixels between them.

    Returns:
        uint8 `[H, W]`, the letters centred.
    """
    widest = max(ink.shape[1] for ink in inks)
    placed = []
    top = 0
    for ink in inks:
        placed.append(((widest - ink.shape[1]) // 2, top, ink))
        top += ink.shape[0] + gap
    return join_inks(placed)


def draw_at(canvas: np.ndarray, mask: np.ndarray, x: int, y: int) -> None:
    """Draw a mask onto another one, clipped at its borders.

    Args:
        canvas: uint8 `[H, W]`, changed in place.
        mask: uint8 `[h, w]`.
        x: Left of the mask on the canvas.
        y: Top of the mask on the canvas.
    """
    from_x, from_y = max(0, -x), max(0, -y)
    to_x, to_y = min(mask.shape[1], canvas.shape[1] - x), min(mask.shape[0], canvas.shape[0] - y)
    if from_x < to_x and from_y < to_y:
        target = canvas[y + from_y : y + to_y, x + from_x : x + to_x]
        np.maximum(target, mask[from_y:to_y, from_x:to_x], out=target)
