"""Characters of displays: seven segments, dot matrices, meter wheels."""

from functools import cache

import cv2
import numpy as np

from attention_ocr.synthesis.chance import below, between, happens
from attention_ocr.synthesis.lettering import join_inks
from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typesetting import Typesetter
from attention_ocr.text.bidi import display_order

# Segments a to g, as data sheets name them: clockwise from the top, the last in the middle.
SEGMENTS = {
    "0": "abcdef",
    "1": "bc",
    "2": "abdeg",
    "3": "abcdg",
    "4": "bcfg",
    "5": "acdfg",
    "6": "acdefg",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
    "-": "g",
    "_": "d",
    "=": "dg",
    "A": "abcefg",
    "b": "cdefg",
    "C": "adef",
    "d": "bcdeg",
    "E": "adefg",
    "F": "aefg",
    "H": "bcefg",
    "h": "cefg",
    "L": "def",
    "P": "abefg",
    "U": "bcdef",
    "n": "ceg",
    "r": "eg",
    "o": "cdeg",
    "t": "defg",
    "c": "deg",
    "J": "bcde",
    "y": "bcdfg",
    "u": "cde",
}
_MARKS = ".:,"

# Columns of each character from left to right; the lowest bit is the uppermost of seven dots.
_DOTS = {
    "0": "3e5149453e",
    "1": "00427f4000",
    "2": "4261514946",
    "3": "2141454b31",
    "4": "1814127f10",
    "5": "2745454539",
    "6": "3c4a494930",
    "7": "0171090503",
    "8": "3649494936",
    "9": "064949291e",
    "-": "0808080808",
    ".": "606000",
    ":": "363600",
    "/": "2010080402",
    "+": "08083e0808",
    "=": "1414141414",
    "_": "4040404040",
    ",": "503000",
    "!": "5f",
    "%": "2313086462",
    "$": "242a7f2a12",
    "'": "0403",
    "&": "3649552250",
    "?": "0201510906",
    "(": "1c2241",
    ")": "41221c",
    "*": "14083e0814",
    "#": "147f147f14",
    "A": "7e1111117e",
    "B": "7f49494936",
    "C": "3e41414122",
    "D": "7f4141221c",
    "E": "7f49494941",
    "F": "7f09090901",
    "G": "3e4149497a",
    "H": "7f0808087f",
    "I": "417f41",
    "J": "2040413f01",
    "K": "7f08142241",
    "L": "7f40404040",
    "M": "7f020c027f",
    "N": "7f0408107f",
    "O": "3e4141413e",
    "P": "7f09090906",
    "Q": "3e4151215e",
    "R": "7f09192946",
    "S": "4649494931",
    "T": "01017f0101",
    "U": "3f4040403f",
    "V": "1f2040201f",
    "W": "3f4038403f",
    "X": "6314081463",
    "Y": "0708700807",
    "Z": "6151494543",
    "a": "2054545478",
    "b": "7f48444438",
    "c": "3844444420",
    "d": "384444487f",
    "e": "3854545418",
    "f": "087e090102",
    "g": "0c5252523e",
    "h": "7f08040478",
    "i": "447d40",
    "j": "2040443d00",
    "k": "7f102844",
    "l": "417f40",
    "m": "7c04180478",
    "n": "7c08040478",
    "o": "3844444438",
    "p": "7c14141408",
    "q": "081414187c",
    "r": "7c08040408",
    "s": "4854545420",
    "t": "043f444020",
    "u": "3c4040207c",
    "v": "1c2040201c",
    "w": "3c4030403c",
    "x": "4428102844",
    "y": "0c5050503c",
    "z": "4464544c44",
}

SEGMENT_CHARACTERS = frozenset(SEGMENTS) | frozenset(_MARKS)
DOT_CHARACTERS = frozenset(_DOTS)


def draw_segments(rng: np.random.Generator, text: str, height: int) -> tuple[np.ndarray, ...]:
    """Draw a text in seven segments.

    Args:
        rng: Random generator.
        text: Characters of `SEGMENT_CHARACTERS`.
        height: Pixels of a character.

    Returns:
        uint8 `[H, W]` of the lit segments, and one of the unlit ones.
    """
    width = max(4, round(height * between(rng, 0.45, 0.62)))
    thick = max(1.0, height * between(rng, 0.08, 0.17))
    cut = between(rng, 0.03, 0.12) * height
    shapes = _segment_shapes(width, height, thick, cut)
    gap = round(between(rng, 0.22, 0.42) * width) + round(0.5 * thick)
    every = np.maximum.reduce(list(shapes.values()))
    lit: list[tuple[int, int, np.ndarray]] = []
    unlit: list[tuple[int, int, np.ndarray]] = []
    pen = 0
    for character in text:
        if character in _MARKS:
            mark = _draw_mark(character, height, thick)
            # A point stands in the gap between two digits.
            lit.append((pen - (gap if character != ":" else 0), 0, mark))
            pen += max(0, mark.shape[1] + (gap if character == ":" else 1 - gap // 2))
            continue
        ink = np.maximum.reduce([shapes[name] for name in SEGMENTS[character]])
        lit.append((pen, 0, ink))
        unlit.append((pen, 0, cv2.subtract(every, ink)))
        pen += width + gap
    total = np.zeros((height, max(1, pen)), np.uint8)
    masks = [join_inks([*inks, (0, 0, total)]) for inks in (lit, unlit)]
    lean = between(rng, 0.05, 0.2) if happens(rng, 0.5) else 0.0
    size = (
        max(mask.shape[1] for mask in masks) + int(lean * height) + 1,
        max(mask.shape[0] for mask in masks),
    )
    matrix = np.array([(1, -lean, lean * height), (0, 1, 0)], np.float64)
    return tuple(cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR) for mask in masks)


def _segment_shapes(width: int, height: int, thick: float, cut: float) -> dict[str, np.ndarray]:
    """Draw each segment as a hexagon, in sixteenths of a pixel."""
    half, low, right = 0.5 * thick, height - 1.0, width - 1.0
    middle = 0.5 * low
    ends = {
        "a": ((half, half), (right - half, half)),
        "b": ((right - half, half), (right - half, middle)),
        "c": ((right - half, middle), (right - half, low - half)),
        "d": ((half, low - half), (right - half, low - half)),
        "e": ((half, middle), (half, low - half)),
        "f": ((half, half), (half, middle)),
        "g": ((half, middle), (right - half, middle)),
    }
    shapes = {}
    for name, ((left, top), (far, deep)) in ends.items():
        shape = np.zeros((height, width), np.uint8)
        gap = 0.25 * cut
        if deep == top:
            a, b = left + gap, far - gap
            points = [(a, top), (a + half, top - half), (b - half, top - half), (b, top)]
            points += [(b - half, top + half), (a + half, top + half)]
        else:
            a, b = top + gap, deep - gap
            points = [(left, a), (left + half, a + half), (left + half, b - half), (left, b)]
            points += [(left - half, b - half), (left - half, a + half)]
        scaled = np.round(16 * np.array(points)).astype(np.int32)
        cv2.fillPoly(shape, [scaled], 255, cv2.LINE_AA, 4)
        shapes[name] = shape
    return shapes


def _draw_mark(character: str, height: int, thick: float) -> np.ndarray:
    side = max(2, round(1.2 * thick))
    mark = np.zeros((height, side), np.uint8)
    if character == ":":
        for row in (round(0.3 * height), round(0.7 * height)):
            mark[row - side // 2 : row - side // 2 + side] = 255
    else:
        mark[height - side :] = 255
        if character == ",":
            mark[height - 2 * side : height - side, side // 2 :] = 255
    return mark


def draw_dots(rng: np.random.Generator, text: str, height: int) -> tuple[np.ndarray, ...]:
    """Draw a text of `DOT_CHARACTERS` as a dot matrix, 5 by 7 dots for most characters.

    Arguments and results are those of `draw_segments`, with dots for segments.
    """
    gap = 1 if happens(rng, 0.7) else 2
    columns: list[int] = [0]
    for character in text:
        columns += [*bytes.fromhex(_DOTS[character]), *([0] * gap)]
    columns = [*columns[: len(columns) - gap], 0]
    bits = (np.array(columns, np.uint8)[None] >> np.arange(7, dtype=np.uint8)[:, None]) & 1
    bold = below(rng, 3) == 0
    lamps = cv2.copyMakeBorder(bits * np.uint8(255), 1, 1, 0, 0, cv2.BORDER_CONSTANT)
    return spread_dots(rng, lamps, height / 7, square=bold)


def spread_dots(
    rng: np.random.Generator, lamps: np.ndarray, pitch: float, square: bool = False
) -> tuple[np.ndarray, ...]:
    """Draw each pixel of a small image as a dot.

    Args:
        rng: Random generator.
        lamps: uint8 `[h, w]`, brightness of each dot.
        pitch: Distance of neighbouring dots in pixels.
        square: Whether dots are squares instead of discs.

    Returns:
        uint8 `[H, W]` of the lit dots with their brightness, and one of the unlit ones.
    """
    # Drawn large, then scaled down.
    side = 8
    dot = _lamp(side, round(between(rng, 2.2, 4.4), 1), square)
    lit = cv2.resize(lamps, None, fx=side, fy=side, interpolation=cv2.INTER_NEAREST)
    tiled = np.tile(dot, lamps.shape)
    scale = pitch / side
    size = (max(2, round(lit.shape[1] * scale)), max(2, round(lit.shape[0] * scale)))
    masks = (cv2.multiply(lit, tiled, scale=1 / 255), cv2.multiply(255 - lit, tiled, scale=1 / 255))
    return tuple(cv2.resize(mask, size, interpolation=cv2.INTER_AREA) for mask in masks)


@cache
def _lamp(side: int, radius: float, square: bool) -> np.ndarray:
    lamp = np.zeros((side, side), np.uint8)
    if square:
        margin = max(0, round(side / 2 - radius))
        lamp[margin : side - margin, margin : side - margin] = 255
        return lamp
    center = round(16 * (side / 2 - 0.5))
    cv2.circle(lamp, (center, center), round(16 * radius), 255, -1, cv2.LINE_AA, 4)
    return lamp


def draw_wheels(
    rng: np.random.Generator,
    typesetter: Typesetter,
    face: Face,
    size: int,
    text: str,
    capital: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the wheels of a meter, each in its window; the last one may be between two digits.

    Args:
        rng: Random generator.
        typesetter: Draws the digits.
        face: A face that shows the text.
        size: Pixels to the em.
        text: Text on the wheels; characters other than digits stand between them.
        capital: Height of a capital in pixels.

    Returns:
        uint8 `[H, W]` of the digits, of the visible parts of their neighbours on the wheels, and of
        the windows.
    """
    drawn: dict[str, tuple[np.ndarray, int]] = {}

    def draw(character: str) -> tuple[np.ndarray, int]:
        if character not in drawn:
            drawn[character] = typesetter.set_text(face, size, character)
        return drawn[character]

    text = display_order(text)
    inks = [draw(character)[0] for character in text]
    digit_width = max([ink.shape[1] for ink in inks] + [capital // 2])
    window = (
        digit_width + 2 * max(1, round(between(rng, 0.06, 0.3) * capital)),
        capital + 2 * max(1, round(between(rng, 0.06, 0.4) * capital)),
    )
    gap = round(between(rng, 0.04, 0.3) * capital)
    pitch = round(capital * between(rng, 1.25, 1.7))
    peeks = happens(rng, 0.6)
    digits: _Placed = []
    others: _Placed = []
    windows: _Placed = []
    pen = 0
    for place, (character, ink) in enumerate(zip(text, inks, strict=True)):
        if not character.isalnum():
            # On the baseline of the digits.
            top = (window[1] + capital) // 2 - draw(character)[1]
            digits.append((pen, max(0, top), ink))
            pen += ink.shape[1] + gap
            continue
        roll = round(between(rng, -0.06, 0.06) * pitch)
        if place == len(text) - 1 and happens(rng, 0.35):
            roll = round(between(rng, -0.28, 0.28) * pitch)
        digits.append((pen, 0, _see_through(window, ink, roll)))
        if peeks and character in "0123456789":
            for step, other in _neighbours(character, face):
                seen = _see_through(window, draw(other)[0], roll + step * pitch)
                others.append((pen, 0, seen))
        windows.append((pen, 0, np.full(window[::-1], 255, np.uint8)))
        pen += window[0] + gap
    return _join_wheels((max(1, pen - gap), window[1]), digits, others, windows)


_Placed = list[tuple[int, int, np.ndarray]]


def _neighbours(digit: str, face: Face) -> list[tuple[int, str]]:
    """Return the digits before and after one on a wheel, as far as the face has them."""
    neighbours = [(step, str((int(digit) + step) % 10)) for step in (-1, 1)]
    return [(step, other) for step, other in neighbours if face.covered(other)]


def _join_wheels(
    size: tuple[int, int], digits: _Placed, others: _Placed, windows: _Placed
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Join placed digits, neighbours and windows into masks of a minimum width and height."""
    columns = max([size[0]] + [ink.shape[1] + x for x, _, ink in digits])
    rows = max([size[1]] + [ink.shape[0] + y for _, y, ink in digits])
    blank = (0, 0, np.zeros((rows, columns), np.uint8))
    digits_mask, others_mask, windows_mask = (
        join_inks([*placed, blank]) for placed in (digits, others, windows)
    )
    return digits_mask, others_mask, windows_mask


def _see_through(window: tuple[int, int], ink: np.ndarray, shift: int) -> np.ndarray:
    """Return the part of a shifted digit that is visible in a window."""
    width, height = window
    seen = np.zeros((height, width), np.uint8)
    x, y = (width - ink.shape[1]) // 2, (height - ink.shape[0]) // 2 + shift
    from_y, to_y = max(0, -y), min(ink.shape[0], height - y)
    if from_y < to_y:
        from_x, to_x = max(0, -x), min(ink.shape[1], width - x)
        seen[y + from_y : y + to_y, x + from_x : x + to_x] = ink[from_y:to_y, from_x:to_x]
    return seen
