"""Escapes for characters that control a terminal instead of being shown."""

import json
import re
import unicodedata
from typing import Any

_CONTROL_CATEGORIES = ("Cc", "Zl", "Zp", "Cs")
# They change the direction of the following text, on a terminal even beyond the text itself.
_DIRECTION_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Unlike the controls below U+0020, JSON lets these stand as they are.
_RAW_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def escape_controls(text: str, keep: str = "") -> str:
    r"""Write control characters as escapes, as Python's string literals have them.

    Controls (U+0000 to U+001F, U+007F to U+009F), line and paragraph separators, halves of
    surrogate pairs, and the characters that embed or override a direction are escaped. A backslash
    stays as it is, so the result cannot always be reversed: JSON and CSV can.

    Args:
        text: Any text.
        keep: Controls that stay, such as a line feed.

    Example:
        >>> escape_controls("two\nlines")
        'two\\nlines'
    """
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if character not in keep and _is_control(character)
        else character
        for character in text
    )


def to_json(value: Any, indent: int | None = None) -> str:
    r"""Return a value as JSON in which no character controls a terminal; text stays legible.

    Example:
        >>> print(to_json({"text": "é\x1b\x9b"}))
        {"text": "é\u001b\u009b"}
    """
    document = json.dumps(value, ensure_ascii=False, indent=indent)
    return _RAW_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", document)


def _is_control(character: str) -> bool:
    return (
        unicodedata.category(character) in _CONTROL_CATEGORIES or character in _DIRECTION_CONTROLS
    )
