"""Contact sheets: many images in one, each above its text, for inspection by eye."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from attention_ocr.synthesis.font_packages import warn_of_missing_fonts
from attention_ocr.synthesis.typeface import Face
from attention_ocr.synthesis.typesetting import open_font
from attention_ocr.text.bidi import display_order, drawn_characters

_CELL_HEIGHT = 48
_CELL_WIDTH = 208
_CAPTION_HEIGHT = 20
_CAPTION_SIZE = 14
_GAP = 4


def draw_contact_sheet(
    examples: Sequence[tuple[np.ndarray, str]],
    faces: Sequence[Face],
    num_columns: int = 6,
    cell_width: int = _CELL_WIDTH,
) -> np.ndarray:
    """Arrange images in a grid.

    Args:
        examples: Image, uint8 RGB `[H, W, 3]`, and text of each.
        faces: Faces for the texts; each text takes the most legible one that shows it.
        num_columns: Images in a row.
        cell_width: Width of a cell in pixels; a wider image is shrunk, a wider text is cut.

    Returns:
        The sheet, uint8 RGB.

    Raises:
        ImportError: If a text runs right to left and the extra `rtl` is not installed.
        ValueError: If there is no image.
    """
    if not examples:
        raise ValueError("Expected images for the contact sheet. Received: none")
    row_height = _CELL_HEIGHT + _CAPTION_HEIGHT + _GAP
    num_rows = -(-len(examples) // num_columns)
    size = (num_columns * cell_width + _GAP, num_rows * row_height + _GAP)
    sheet = Image.new("RGB", size, "white")
    plainest = sorted(faces, key=lambda face: -face.legibility)
    fonts: dict[Face, ImageFont.FreeTypeFont] = {}
    for place, (image, text) in enumerate(examples):
        row, column = divmod(place, num_columns)
        left, top = _GAP + column * cell_width, _GAP + row * row_height
        sheet.paste(Image.fromarray(_fit(image, cell_width)), (left, top))
        characters = drawn_characters(text)
        face = next((face for face in plainest if face.covered(characters) == characters), None)
        if face is not None and face not in fonts:
            fonts[face] = open_font(face, _CAPTION_SIZE)
        if face is None:
            warn_of_missing_fonts(
                characters.difference(*(face.covered(characters) for face in faces))
            )
        font = ImageFont.load_default() if face is None else fonts[face]
        # Text that no face shows is written as its code points, which any font shows.
        escaped = text.encode("ascii", "backslashreplace").decode()
        caption = escaped if face is None else display_order(text)
        strip = Image.new("RGB", (cell_width - _GAP, _CAPTION_HEIGHT), "white")
        ImageDraw.Draw(strip).text((0, 0), caption, fill="black", font=font)
        sheet.paste(strip, (left, top + _CELL_HEIGHT))
    return np.asarray(sheet)


def _fit(image: np.ndarray, cell_width: int) -> np.ndarray:
    height, width = image.shape[:2]
    scale = min(_CELL_HEIGHT / height, (cell_width - _GAP) / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
