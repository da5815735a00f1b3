"""Pages with known text, drawn for tests."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LINES = (
    "The quick brown fox went",
    "over the lazy dog while",
    "seven wizards watch from",
    "hills",
)


def font(size: int) -> ImageFont.FreeTypeFont:
    folder = Path(find_spec("font_roboto").submodule_search_locations[0])
    return ImageFont.truetype(next(folder.rglob("Roboto-Regular.ttf")), size)


def draw(placed, size=(700, 400), text_size=32) -> np.ndarray:
    """Draw texts at x, y; return uint8 [H, W, 3]."""
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for text, x, y in placed:
        pen.text((x, y), text, fill="black", font=font(text_size))
    return np.asarray(image)


def page(lines=LINES) -> np.ndarray:
    return draw([(text, 60, 40 + 80 * index) for index, text in enumerate(lines)])
