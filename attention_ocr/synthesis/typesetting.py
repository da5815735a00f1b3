"""Text set in a face: from a string to a mask of ink, by Pillow and FreeType."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from attention_ocr.synthesis.typeface import Face
from attention_ocr.text.bidi import display_order

_MAX_OPEN_FONTS = 256


def open_font(face: Face, size: int) -> ImageFont.FreeTypeFont:
    """Open a face at a size.

    Args:
        face: The face.
        size: Pixels to the em.

    Returns:
        The font, which only one thread may use at a time.

    Raises:
        OSError: If FreeType cannot read the file.
    """
    # Basic layout looks the same on every machine; Raqm is available on some only.
    font = ImageFont.truetype(
        face.path, size, index=face.index, layout_engine=ImageFont.Layout.BASIC
    )
    if face.axes:
        font.set_variation_by_axes(list(face.axes))
    return font


def draw_ink(
    font: ImageFont.FreeTypeFont, text: str, spacing: float = 0.0, lifts: Sequence[float] = ()
) -> tuple[np.ndarray, int]:
    """Draw a text and crop it to its ink.

    Args:
        font: The font.
        text: One line of text, from left to right.
        spacing: Extra letter spacing in pixels, may be negative.
        lifts: Pixels by which to raise each character; empty for none.

    Returns:
        uint8 `[H, W]`, 255 where ink covers the whole pixel, `[0, 0]` when there is no ink; and the
        row of the baseline in it, outside it when the text hangs above or below the line.
    """
    size = int(font.size)
    # An estimate that fits most faces; ink that touches the border is redrawn. A letter of a wide
    # face could lie wholly outside and leave the border empty.
    width = int(len(text) * (0.75 * size + max(spacing, 0.0))) + 2 * size
    start = (width - int(0.75 * size * len(text))) // 4
    width = max(width, start + size + int(font.getlength(text) + len(text) * max(spacing, 0.0)))
    height = 2 * size
    while True:
        canvas = Image.new("L", (width, height))
        draw = ImageDraw.Draw(canvas)
        origin = start, int(0.68 * height)
        if spacing or lifts:
            _draw_spaced(draw, font, text, origin, spacing, lifts)
        else:
            draw.text(origin, text, fill=255, font=font, anchor="ls")
        box = canvas.getbbox()
        if box is None:
            return np.zeros((0, 0), np.uint8), 0
        left, top, right, bottom = box
        if left > 0 and top > 0 and right < width and bottom < height:
            return np.asarray(canvas.crop(box)), origin[1] - top
        start, width, height = start + size, 2 * width, 2 * height


def _draw_spaced(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont,
    text: str,
    origin: tuple[int, int],
    spacing: float,
    lifts: Sequence[float],
) -> None:
    x, y = float(origin[0]), float(origin[1])
    for place, character in enumerate(text):
        lift = lifts[place] if lifts else 0.0
        draw.text((x, y - lift), character, fill=255, font=font, anchor="ls")
        x += font.getlength(character) + spacing


class Typesetter:
    """Sets texts and caches recently opened fonts.

    FreeType's faces hold state, so one thread draws at a time. It pickles without its fonts.
    """

    def __init__(self) -> None:
        self._fonts: OrderedDict[tuple[Face, int], ImageFont.FreeTypeFont] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type["Typesetter"], tuple[()]]:
        return Typesetter, ()

    def set_text(
        self, face: Face, size: int, text: str, spacing: float = 0.0, lifts: Sequence[float] = ()
    ) -> tuple[np.ndarray, int]:
        """Set a text.

        Args:
            face: The face, which must cover the text.
            size: Pixels to the em.
            text: One line of text in logical order, or one character of its `display_order`.
            spacing: Extra letter spacing in pixels.
            lifts: Pixels by which to raise each character, from left to right; empty for none.

        Returns:
            uint8 `[H, W]`, cropped to the ink, and the row of the baseline, as in `draw_ink`.
        """
        ordered = display_order(text)
        with self._lock:
            return draw_ink(self._open(face, size), ordered, spacing, lifts)

    def _open(self, face: Face, size: int) -> ImageFont.FreeTypeFont:
        key = (face, size)
        font = self._fonts.get(key)
        if font is None:
            font = self._fonts[key] = open_font(face, size)
            if len(self._fonts) > _MAX_OPEN_FONTS:
                self._fonts.popitem(last=False)
        else:
            self._fonts.move_to_end(key)
        return font
