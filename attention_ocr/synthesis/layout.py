"""Layout of a text in a scene: its letters, its surroundings and the viewpoint.

The masks of text, second texts, frame and panel are bent, distorted and rotated together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from attention_ocr.synthesis.chance import below, between, happens, pick
from attention_ocr.synthesis.displays import (
    DOT_CHARACTERS,
    SEGMENT_CHARACTERS,
    draw_dots,
    draw_segments,
    draw_wheels,
    spread_dots,
)
from attention_ocr.synthesis.effects import thicken
from attention_ocr.synthesis.emblems import add_emblem
from attention_ocr.synthesis.geometry import bend_mask, draw_view, ripple_mask, view_mask
from attention_ocr.synthesis.lettering import (
    Scatter,
    draw_at,
    scatter_letters,
    stack_letters,
)
from attention_ocr.synthesis.lines import AMBIGUOUS, add_line_height
from attention_ocr.synthesis.looks import Look
from attention_ocr.synthesis.panels import draw_panel, furnish_plate
from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typesetting import Typesetter

LIT = 95
"""Mean ink, of 255, above which a lamp is lit."""

MAX_CAPTION = 1 / 1.8
"""Largest height of second texts relative to the text, so that none is taken for the text."""


@dataclass(frozen=True)
class Layout:
    """A text and its surroundings, ready to be painted: masks of one shape.

    Args:
        ink: uint8 `[H, W]`, 255 where the text covers.
        captions: Mask of second texts; for displays, of the unlit parts.
        frame: Mask of the edge of the panel, or of the windows of wheels.
        panel: Mask of the panel; empty without one.
        box: Left, top, width and height of the area that the image must show.
        height: Height of the text in pixels, without its surroundings.
        has_panel: Whether there is a panel.
    """

    ink: np.ndarray
    captions: np.ndarray
    frame: np.ndarray
    panel: np.ndarray
    box: tuple[int, int, int, int]
    height: int
    has_panel: bool


@dataclass(frozen=True)
class Letters:
    """Letters of a text without surroundings.

    Args:
        ink: uint8 `[H, W]`, 255 where the text covers.
        height: Height of a capital or of the ink, whichever is larger, in pixels.
        secondary: Mask of the same shape of unlit parts, neighbouring digits or an emblem; `None`
            without.
        windows: Mask of the same shape of the windows of wheels; `None` without.
    """

    ink: np.ndarray
    height: int
    secondary: np.ndarray | None = None
    windows: np.ndarray | None = None


class _OtherTexts:
    """Second texts, set on demand because typesetting is the slowest step."""

    def __init__(self, typesetter: Typesetter, face: Face, size: int, texts: Sequence[str]) -> None:
        self._typesetter = typesetter
        self._face = face
        self._size = size
        self._texts = texts

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Set one of them; a mask of one pixel without any."""
        if self._texts:
            ink, _ = self._typesetter.set_text(self._face, self._size, pick(rng, self._texts))
            if ink.size:
                return ink
        return np.zeros((1, 1), np.uint8)

    def __bool__(self) -> bool:
        return bool(self._texts)


def lay_out(
    rng: np.random.Generator,
    typesetter: Typesetter,
    face: Face,
    size: int,
    text: str,
    others: Sequence[str],
    difficulty: float,
    height: int,
    look: Look,
    spaced: bool = True,
) -> Layout:
    """Lay out a text with its surroundings.

    Args:
        rng: Random generator.
        typesetter: Draws the glyphs.
        face: A face that shows all texts.
        size: Pixels to the em.
        text: The text.
        others: Second texts.
        difficulty: From 0, straight and level, to 1.
        height: Nominal height of an image in pixels.
        look: Determines surroundings and geometry.
        spaced: Whether letters and digits of a code may be separated by gaps.

    Returns:
        The layout.
    """
    letters = _draw_letters(rng, typesetter, face, size, text, difficulty, look, spaced)
    if look.emblems and letters.secondary is None and happens(rng, look.emblems):
        ink, emblem = add_emblem(rng, letters.ink, letters.height)
        letters = replace(letters, ink=ink, secondary=emblem)
    stack, has_panel = _surround(
        rng, letters, _OtherTexts(typesetter, face, size, others), difficulty, look
    )
    if happens(rng, look.bent * difficulty):
        stack = bend_mask(stack, between(rng, -look.bend, look.bend) * difficulty)
    if happens(rng, look.rippled * difficulty):
        reach = look.ripple * letters.height * difficulty * between(rng, 0.3, 1.0)
        stack = ripple_mask(rng, stack, reach)
    if difficulty > 0:
        view = draw_view(rng, difficulty, stack.shape[:2], 2.2 * height, look)
        stack = view_mask(stack, view)
        text_height = max(4, round(letters.height * view.scale))
    else:
        text_height = letters.height
    ink, secondary, frame, panel = (np.ascontiguousarray(mask) for mask in cv2.split(stack))
    shown = panel if has_panel and not happens(rng, 0.25) else ink
    if all(not character.isalnum() or character in AMBIGUOUS for character in text):
        # The mask is as high as the line, see `add_line_height`.
        box = (0, 0, ink.shape[1], ink.shape[0])
    else:
        left, top, width, box_height = cv2.boundingRect(shown)
        box = (left, top, width, box_height)
    return Layout(ink, secondary, frame, panel, box, text_height, has_panel)


def _draw_letters(
    rng: np.random.Generator,
    typesetter: Typesetter,
    face: Face,
    size: int,
    text: str,
    difficulty: float,
    look: Look,
    spaced: bool,
) -> Letters:
    capital = max(4, round(face.cap_height * size))
    peened = look.surface == "metal" and happens(rng, 0.2)
    if peened and DOT_CHARACTERS.issuperset(text) and happens(rng, 0.7):
        return Letters(draw_dots(rng, text, capital)[0], capital)
    if look.surface == "lamps":
        return _draw_display(rng, typesetter, face, size, text, capital)
    if look.surface == "wheels":
        ink, secondary, windows = draw_wheels(rng, typesetter, face, size, text, capital)
        return Letters(ink, capital, secondary, windows)
    if look.stacked and happens(rng, look.stacked) and len(text) > 1:
        inks = [typesetter.set_text(face, size, character)[0] for character in text]
        inks = [ink for ink in inks if ink.size]
        return Letters(stack_letters(inks, round(size * between(rng, 0.08, 0.3))), capital)
    is_ambiguous = all(not character.isalnum() or character in AMBIGUOUS for character in text)
    if not is_ambiguous and len(text) > 1 and happens(rng, look.scattered * difficulty):
        scale = difficulty * between(rng, 0.3, 1.0)
        turn_size, turn, shift = (scale * reach for reach in look.scatter)
        scatter = Scatter(turn_size, turn, shift, look.overlap)
        ink = scatter_letters(rng, typesetter, face, size, text, scatter)
        baseline = ink.shape[0]
    else:
        spacing = 0.0
        if len(text) > 1 and happens(rng, 0.3):
            spacing = size * between(rng, -0.04, 0.1 if happens(rng, 0.7) else 0.5) * difficulty
        written = text
        if spaced and happens(rng, look.grouped) and face.covered(" "):
            written = part_groups(text)
        ink, baseline = typesetter.set_text(face, size, written, spacing)
    if happens(rng, look.emboldened * difficulty):
        radius = max(1, round(0.04 * size))
        ink = cv2.copyMakeBorder(ink, *(4 * (radius,)), cv2.BORDER_CONSTANT)
        ink, baseline = thicken(ink, radius), baseline + radius
    if peened:
        ink = _peen(rng, ink)
    if is_ambiguous:
        ink = add_line_height(ink, baseline, capital)
    return Letters(ink, max(capital, min(ink.shape[0], 2 * capital)))


def part_groups(text: str) -> str:
    """Put a space between the letters and the digits of a code, as on plates.

    Args:
        text: The code.

    Returns:
        The code with spaces.

    Example:
        >>> part_groups("AB12CDE")
        'AB 12 CDE'
    """
    parted = text[:1]
    for before, character in pairwise(text):
        if before.isalnum() and character.isalnum() and before.isdigit() != character.isdigit():
            parted += " "
        parted += character
    return parted


def _draw_display(
    rng: np.random.Generator,
    typesetter: Typesetter,
    face: Face,
    size: int,
    text: str,
    capital: int,
) -> Letters:
    characters = frozenset(text)
    is_segments = characters <= SEGMENT_CHARACTERS and not characters <= frozenset(".:,")
    if is_segments and happens(rng, 0.75):
        lit, unlit = draw_segments(rng, text, capital)
    elif characters <= DOT_CHARACTERS and happens(rng, 0.8):
        lit, unlit = draw_dots(rng, text, capital)
    else:
        ink, _ = typesetter.set_text(face, size, text)
        pitch = capital / (8 + below(rng, 7))
        lit, unlit = spread_dots(rng, _to_lamps(ink, pitch), pitch)
    return Letters(lit, capital, unlit)


def _to_lamps(ink: np.ndarray, pitch: float) -> np.ndarray:
    size = (max(1, round(ink.shape[1] / pitch)), max(1, round(ink.shape[0] / pitch)))
    lamps = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    # The strokes of a dotted or hairline face may be so faint that no lamp would be lit.
    brightest = int(lamps.max())
    least = LIT if brightest > LIT else brightest // 2
    return cv2.threshold(lamps, least, 255, cv2.THRESH_BINARY)[1]


def _peen(rng: np.random.Generator, ink: np.ndarray) -> np.ndarray:
    """Turn strokes into dots, as in dot peening."""
    pitch = max(1.8, ink.shape[0] / (10 + below(rng, 5)))
    lamps = _to_lamps(ink, pitch)
    return spread_dots(rng, lamps, pitch)[0]


def _surround(
    rng: np.random.Generator,
    letters: Letters,
    others: _OtherTexts,
    difficulty: float,
    look: Look,
) -> tuple[np.ndarray, bool]:
    """Put second texts around a text, and a panel below them.

    Returns:
        uint8 `[H, W, 4]`: text, second texts, frame and panel; and whether there is a panel.
    """
    height = letters.height
    framed = happens(rng, look.framed)
    captioned = bool(others) and happens(rng, look.captioned)
    neighbored = bool(others) and not framed and happens(rng, look.neighbored * difficulty)
    room = [0.0, 0.0, 0.0, 0.0]
    if framed:
        room = [between(rng, 0.1, 0.5) * height for _ in range(4)]
    band = 0
    if framed and look.surface == "plate" and happens(rng, 0.2):
        band = round(between(rng, 0.25, 0.5) * height)
        room[0] += band
    sides: list[tuple[int, np.ndarray, int]] = []
    if captioned:
        for side in (1, 3) if happens(rng, 0.4) else (pick(rng, (1, 3, 1, 3, 2)),):
            caption = shrink_caption(rng, others.draw(rng), height)
            gap = max(2, round(between(rng, 0.1, 0.3) * height))
            sides.append((side, caption, gap))
            room[side] = max(room[side], caption.shape[side % 2 == 0] + gap + 0.1 * height)
    if neighbored:
        room = [max(value, 0.75 * height) for value in room]
    left, above, right, under = (int(value) + 2 for value in room)
    padding = (above, under, left, right)
    ink = cv2.copyMakeBorder(letters.ink, *padding, cv2.BORDER_CONSTANT)
    secondary, frame, panel = np.zeros((3, *ink.shape), np.uint8)
    if letters.secondary is not None:
        secondary = cv2.copyMakeBorder(letters.secondary, *padding, cv2.BORDER_CONSTANT)
    core = (left, above, letters.ink.shape[1], letters.ink.shape[0])
    for side, caption, gap in sides:
        _put_caption(rng, secondary, core, side, caption, gap)
    if neighbored:
        _put_neighbor(rng, secondary, core, others.draw(rng), height)
    if framed:
        draw_panel(rng, frame, panel, height, min(padding))
        if look.surface == "plate":
            furnish_plate(rng, frame, panel, (left, above), band, height)
    if letters.windows is not None:
        frame = cv2.copyMakeBorder(letters.windows, *padding, cv2.BORDER_CONSTANT)
    return cv2.merge([ink, secondary, frame, panel]), framed


def shrink_caption(rng: np.random.Generator, mask: np.ndarray, height: int) -> np.ndarray:
    """Scale a second text down.

    Args:
        rng: Random generator.
        mask: uint8 `[h, w]`, the second text.
        height: Height of the text in pixels.

    Returns:
        uint8, at most `MAX_CAPTION` times as high as the text.
    """
    target = max(4, int(height * between(rng, 0.18, MAX_CAPTION)))
    target = min(target, int(height * MAX_CAPTION))
    scale = target / mask.shape[0]
    size = (max(1, round(mask.shape[1] * scale)), max(1, target))
    return cv2.resize(mask, size, interpolation=cv2.INTER_AREA)


def _put_caption(
    rng: np.random.Generator,
    secondary: np.ndarray,
    core: tuple[int, int, int, int],
    side: int,
    caption: np.ndarray,
    gap: int,
) -> None:
    """Draw a second text above (1), below (3) or right (2) of the text, clipped at the border."""
    left, top, width, height = core
    if side == 2:
        x = left + width + gap
        y = top + below(rng, max(1, height - caption.shape[0] + 1))
    else:
        free = secondary.shape[1] - caption.shape[1]
        x = free // 2 if happens(rng, 0.6) else below(rng, max(1, free))
        y = top - gap - caption.shape[0] if side == 1 else top + height + gap
    draw_at(secondary, caption, x, y)


def _put_neighbor(
    rng: np.random.Generator,
    secondary: np.ndarray,
    core: tuple[int, int, int, int],
    other: np.ndarray,
    size: int,
) -> None:
    """Draw another text of the same size, which the crop cuts off."""
    left, top, width, height = core
    place = below(rng, 4)
    gap = max(2, int(size * between(rng, 0.15, 0.3)))
    if place < 2:
        x = below(rng, max(1, secondary.shape[1] // 2)) - left
        y = top - gap - other.shape[0] if place == 0 else top + height + gap
    else:
        gap = max(3, int(0.5 * size))
        x = left - gap - other.shape[1] if place == 2 else left + width + gap
        y = top + height - min(other.shape[0], height)
        other = other[:height]
    draw_at(secondary, other, x, y)
