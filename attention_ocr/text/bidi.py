"""Right-to-left text: stored in the order in which it is read, drawn in the order of the page."""

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from attention_ocr.io.extras import extra


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

    Letters of the Arabic script take their joined forms. Labels and predictions are never in this
    order: it is for images only.

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
        from bidi import get_display
    shaped = _reshaper(ArabicReshaper).reshape(text)
    ordered: str = get_display(shaped)
    return ordered


@lru_cache(maxsize=1)
def _reshaper(make: Callable[[dict[str, bool]], Any]) -> Any:
    # Marks are part of the text, so they must be drawn.
    return make({"delete_harakat": False})
