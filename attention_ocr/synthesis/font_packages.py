"""Font packages for characters that no font of the machine shows."""

import unicodedata
from collections.abc import Iterable

from absl import logging

# The first word of a character's name is its script.
_EAST_ASIAN = frozenset(
    {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH"}
    | {"KANGXI", "SQUARE"}
)
_warned: set[str] = set()
_SYMBOLS = ("So", "Sk", "Sm", "Sc")


def font_package(character: str) -> str | None:
    r"""Return the Debian and Ubuntu package that provides a font for a character.

    Args:
        character: One code point.

    Returns:
        Its name, or `None` for invisible characters: controls, spaces, unassigned and private ones.

    Example:
        >>> font_package("東"), font_package("ع"), font_package("\x1b")
        ('fonts-noto-cjk', 'fonts-noto-core', None)
    """
    category = unicodedata.category(character)
    if category.startswith(("C", "Z")):
        return None
    if _script(character) in _EAST_ASIAN:
        return "fonts-noto-cjk"
    return "fonts-symbola" if category in _SYMBOLS else "fonts-noto-core"


def warn_of_missing_fonts(characters: Iterable[str]) -> None:
    """Warn once for each script without a font, and name the package to install.

    Args:
        characters: Characters that no font shows.
    """
    for character in characters:
        package = font_package(character)
        script = _script(character)
        if package is None or script in _warned:
            continue
        _warned.add(script)
        logging.warning(
            "No font shows %s (U+%04X %s): it is drawn as its code point. On Debian and Ubuntu "
            "`apt-get install %s` brings one; elsewhere, install any font that has it.",
            character,
            ord(character),
            unicodedata.name(character, ""),
            package,
        )


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
