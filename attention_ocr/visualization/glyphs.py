"""Text with every character visible: in a font that has it, or as its code point."""

import unicodedata
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from attention_ocr.synthesis.font_files import list_font_files
from attention_ocr.synthesis.font_packages import warn_of_missing_fonts
from attention_ocr.text.bidi import display_order, runs_right_to_left

_PILLOWS_OWN = ""
_PROBE_SIZE = 16
# A noncharacter, and a private one, which some fonts use.
_MISSING = ("\ufdd0", "\U0010fffd")
# A machine may hold thousands of font files, and opening one takes about a millisecond.
_MAX_FONTS = 512
# Legible fonts, some of them for East Asian scripts on each system.
_WELL_KNOWN = (
    *("Roboto-", "DejaVuSans", "NotoSans", "DroidSansFallback", "wqy-"),
    *("msgothic", "msyh", "malgun"),
    *("PingFang", "AppleSDGothicNeo", "Hiragino"),
)


def draw_line(text: str, size: int) -> np.ndarray:
    """Draw a line of text, black on white.

    A character that no font of the machine has, or that is invisible on its own (a space, a
    combining mark), is written as `U+` and its code point; for a script without a font a warning
    says, once, which package provides one. Right-to-left text is drawn right to left.

    Args:
        text: The line.
        size: Font size in pixels.

    Returns:
        uint8 [1.4 size, w, 3].

    Raises:
        ValueError: If the text runs right to left and the packages for it are missing.
    """
    # Pillow may reorder such a text itself: then it must not be reordered twice.
    plainly = runs_right_to_left(text)
    runs = [
        ("".join(part for part, _ in parts), _open(file, size, plainly))
        for file, parts in groupby(_parts(display_order(text)), key=lambda part: part[1])
    ]
    width = sum(font.getlength(run) for run, font in runs)
    canvas = Image.new("RGB", (round(width) + 1, round(1.4 * size)), "white")
    draw = ImageDraw.Draw(canvas)
    left = 0.0
    for run, font in runs:
        # All fonts share one baseline.
        draw.text((left, 1.05 * size), run, fill="black", font=font, anchor="ls")
        left += font.getlength(run)
    return np.asarray(canvas)


def _parts(text: str) -> list[tuple[str, str]]:
    """Return what to draw for each character, and in which font file."""
    if len(text) == 1 and unicodedata.category(text).startswith(("M", "Z")):
        return [(_code_point(text), _PILLOWS_OWN)]
    files = [_PILLOWS_OWN if character == " " else _font_file(character) for character in text]
    warn_of_missing_fonts(
        character for character, file in zip(text, files, strict=True) if file is None
    )
    return [
        (_code_point(character), _PILLOWS_OWN) if file is None else (character, file)
        for character, file in zip(text, files, strict=True)
    ]


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


@lru_cache(maxsize=10_000)
def _font_file(character: str) -> str | None:
    """Return a font file that shows a character, or `None`."""
    return next((file for file in _font_files() if _shows(file, character)), None)


@lru_cache(maxsize=1)
def _font_files() -> list[str]:
    def order(path: Path) -> tuple[bool, bool, str]:
        plain = "Regular" in path.stem or "-" not in path.stem
        return not plain, not path.stem.startswith(_WELL_KNOWN), str(path)

    files = sorted(list_font_files("all"), key=order)
    return [_PILLOWS_OWN, *map(str, files[:_MAX_FONTS])]


def _shows(file: str, character: str) -> bool:
    try:
        font = _open(file, _PROBE_SIZE)
        ink = font.getmask(character)
        # Fonts draw every missing character as the same box.
        boxes = [bytes(font.getmask(missing)) for missing in _MISSING]
    except (OSError, ValueError):
        # Not every file with a font's suffix is a font.
        return False
    return ink.getbbox() is not None and bytes(ink) not in boxes


@lru_cache(maxsize=2 * _MAX_FONTS)
def _open(
    file: str, size: int, plainly: bool = False
) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if file == _PILLOWS_OWN:
        return ImageFont.load_default(size)
    engine = ImageFont.Layout.BASIC if plainly else None
    return ImageFont.truetype(file, size, layout_engine=engine)
