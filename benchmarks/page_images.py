"""Rendered pages with known text, clean and as photographed."""

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from attention_ocr.synthesis.font_files import bundled_files

WIDTH, HEIGHT = 1240, 1754
"""A4 at 150 dots per inch."""

MARGIN, GUTTER = 110, 60
TEXT_FONTS = (
    "Roboto-Regular",
    "Caladea-Regular",
    "SourceSerifPro-Regular",
    "SourceSansPro-Regular",
    "Manrope-Regular",
    "HankenGrotesk-Regular",
    "SourceSerifPro-It",
    "Roboto-Light",
)
"""Of the bundled fonts those in which pages are set."""


class RenderedPage(NamedTuple):
    """A page and its text.

    Attributes:
        image: uint8 [H, W, 3].
        lines: Its lines in reading order.
    """

    image: np.ndarray
    lines: list[str]


def render_page(seed: int, words: list[str]) -> RenderedPage:
    """Set a page of one to three columns below a heading, in ink on paper.

    Args:
        seed: Of fonts, sizes, text and layout.
        words: Words to draw from.
    """
    chance = np.random.default_rng(seed)
    paper, ink = int(chance.integers(225, 256)), int(chance.integers(0, 70))
    canvas = Image.new("L", (WIDTH, HEIGHT), paper)
    pen = ImageDraw.Draw(canvas)
    name = TEXT_FONTS[seed % len(TEXT_FONTS)]
    (file,) = [path for path in bundled_files() if path.stem == name]
    size = int(chance.integers(19, 29))
    lines: list[str] = []

    def write(top: int, left: int, width: int, bottom: int, font_size: int, most: int) -> int:
        font = ImageFont.truetype(str(file), font_size)
        for _ in range(most):
            if top + 1.5 * font_size > bottom:
                break
            text = _fill(chance, words, font, width)
            pen.text((left, top), text, fill=ink, font=font)
            lines.append(text)
            top += int(font_size * chance.uniform(1.35, 1.45))
        return top

    top = write(MARGIN, MARGIN, WIDTH - 2 * MARGIN, HEIGHT, size + 18, 1) + 40
    num_columns = 1 + seed % 3
    width = (WIDTH - 2 * MARGIN - (num_columns - 1) * GUTTER) // num_columns
    for column in range(num_columns):
        at = top
        while at < HEIGHT - MARGIN - 2 * size:
            paragraph = int(chance.integers(4, 11))
            at = write(
                at, MARGIN + column * (width + GUTTER), width, HEIGHT - MARGIN, size, paragraph
            )
            at += size
    noise = chance.normal(0, 4, (HEIGHT, WIDTH))
    pixels = np.clip(np.asarray(canvas) + noise, 0, 255).astype(np.uint8)
    return RenderedPage(np.repeat(pixels[..., None], 3, axis=2), lines)


def _fill(
    chance: np.random.Generator, words: list[str], font: ImageFont.FreeTypeFont, width: int
) -> str:
    """Return as many words as fit, with some numbers and marks among them."""
    chosen: list[str] = []
    while True:
        word = words[int(chance.integers(len(words)))]
        kind = chance.random()
        if kind < 0.08:
            word = str(chance.integers(1, 10_000))
        elif kind < 0.2:
            word += ",.;:"[int(chance.integers(4))]
        elif kind < 0.3:
            word = word.capitalize()
        if chosen and font.getlength(" ".join([*chosen, word])) > width:
            return " ".join(chosen)
        chosen.append(word)


def photograph(page: np.ndarray, seed: int) -> np.ndarray:
    """Return a page as a hand-held camera sees it: perspective, uneven light, blur, noise, JPEG.

    Args:
        page: uint8 [H, W, 3].
        seed: Of the changes.
    """
    chance = np.random.default_rng(seed)
    height, width = page.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    frame = np.array([width, height]) * 1.15
    seen = corners + np.array([width, height]) * 0.075
    seen = (seen + chance.uniform(-0.055, 0.055, (4, 2)) * [width, height]).astype(np.float32)
    size = [int(side) for side in frame]
    transform = cv2.getPerspectiveTransform(corners, seen)
    table = chance.integers(40, 130, 3).tolist()
    photo = cv2.warpPerspective(page, transform, size, flags=cv2.INTER_AREA, borderValue=table)
    photo = cv2.GaussianBlur(photo, (0, 0), float(chance.uniform(0.6, 1.3)))
    across, down = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    angle = chance.uniform(0, 2 * np.pi)
    light = 0.8 + 0.2 * (across * np.cos(angle) + down * np.sin(angle))
    # A soft shadow over one side.
    edge = chance.uniform(-0.5, 0.5)
    shadow = 1 - 0.35 / (1 + np.exp(-12 * (across * np.sin(angle) + down * np.cos(angle) - edge)))
    tint = chance.uniform(0.9, 1.0, 3)
    lit = photo * (light * shadow)[..., None] * tint + chance.normal(0, 5, (*photo.shape[:2], 1))
    quality = (cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(70, 92)))
    _, encoded = cv2.imencode(".jpg", np.clip(lit, 0, 255).astype(np.uint8), quality)
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
