"""Right-to-left text: stored in the order in which it is read, drawn in the order of the page."""

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from attention_ocr.io.extras import extra

# Arabic Presentation Forms-A and -B.
_FORMS = (*map(chr, range(0xFB50, 0xFE00)), *map(chr, range(0xFE70, 0xFF00)))


def runs_right_to_left(text: str) -> bool:
    """Return whether a text has a letter of a right-to-left script.

    Example:
        >>> runs_right_to_left("abc"), runs_right_to_left("a שלום")
        (False, True)
    """
    return not text.isascii() and any(
        unicodedata.bidirectional(character) in ("R", "AL") for character in text
    )


def display_order(text: str) -> str:
    """Return the characters of a line from left to right, as a plain drawing of them needs.

    Letters of the Arabic script take their joined forms, brackets are mirrored. Labels and
    predictions are never in this order: it is for images only.

    Args:
        text: A line in logical order.

    Raises:
        ImportError: If the text runs right to left and the extra `rtl` is not installed.

    Example:
        >>> [f"{ord(character):04X}" for character in display_order("אב 12")]
        ['0031', '0032', '0020', '05D1', '05D0']
    """
    if not runs_right_to_left(text):
        return text
    with extra("rtl", "Drawing right-to-left text"):
        from arabic_reshaper import ArabicReshaper
        from bidi import algorithm
    shaped = _reshaper(ArabicReshaper).reshape(text)
    # Its other implementation does not mirror brackets.
    ordered: str = algorithm.get_display(shaped)
    return ordered


def drawn_characters(text: str) -> frozenset[str]:
    """Return the characters that a font must have to draw a line, as a whole or letter by letter.

    Args:
        text: A line in logical order.

    Raises:
        ImportError: See `display_order`.
    """
    if not runs_right_to_left(text):
        return frozenset(text)
    return frozenset(display_order(text)).union(*map(display_order, text))


def drawable_characters(characters: str) -> frozenset[str]:
    """Return all characters that the drawings of lines may have.

    Args:
        characters: Characters of the lines.

    Raises:
        ImportError: See `display_order`.
    """
    letters = frozenset(characters)
    if not runs_right_to_left(characters):
        return letters
    return letters.union(
        *(display_order(f"א{character}א")[1:-1] for character in characters),
        (form for form in _FORMS if letters.issuperset(unicodedata.normalize("NFKC", form))),
    )


@lru_cache(maxsize=1)
def _reshaper(make: Callable[[dict[str, bool]], Any]) -> Any:
    # Marks are part of the text, so they must be drawn.
    return make({"delete_harakat": False})
