"""Texts that are not words: serial numbers, plates, cable tags, meter readings, captchas."""

from functools import cache

import numpy as np

from attention_ocr.synthesis.chance import below, happens, pick
from attention_ocr.synthesis.material import Material, draw_string

# In a pattern `A` stands for a letter, `9` for a digit, `#` for either, and any other
# character for itself.
PLATES = (
    *("AAA9999", "AAA-9999", "AAA9A99", "AA99AAA", "AA99 AAA", "AA999AA", "AA-999-AA", "A999AAA"),
    *("999AAA", "AAA999", "AAA-999", "999-AAA", "9AAA999", "AA99A9999", "AA99AA9999", "A999999"),
    *("99-AAA-9", "AA-99-99", "99-99-AA", "9999AAA", "999-99-999", "99-999-99", "AAA99A", "AA9999"),
    *("A-AA9999", "AA-A999", "AAA-A99", "AA999999", "AA9999A", "9A99999", "AA99999", "A99AAA"),
    *("AA999", "999AA", "A9999", "99AA", "AAAA99", "99AA9999", "9999AA", "A999AA99", "A9999AA"),
    *("AAA-99-99", "AA-9999-A", "999999", "99999", "AAAAAAA", "AAA99", "999A99", "AA99AAAA"),
)
"""Patterns of number plates of many countries."""

TAGS = (
    *("-A9", "-A99", "-AA9", "-AA99", "-A99.9", "-A99.9:A", "-A9:9", "-A99:99", "A9:99", "A99:9"),
    *("A9", "A99", "9A99", "99A99", "999A99", "A99A99", "9AA99", "AA9:9", "AA999:99", "AA9999"),
    *("AA99", "999", "9999", "99999", "99", "999.9", "9.99", "A9.9", "A9.99", "-AA9A", "-AA99.9"),
    *("=A9", "=A9+A9-A99", "+A9-A9", "=AA99+A99", "A-99", "A9-9", "A99/9", "A9/99", "AA_99"),
    *("-A9AAA", "-AA", "AA", "AAA", "A", "9", "-9AA99", "9/9A", "A9A", "9A", "AA9A9", "A9:A"),
    *(
        "-X9:9",
        "-X99:99",
        "-W99",
        "-W9.9",
        "X9:99",
        "W99.9:A",
        "L9",
        "24V",
        "PE",
        "N",
        "QF9",
        "KM9",
    ),
)
"""Patterns of the tags of cables and of the parts of a switchboard."""

PART_NUMBERS = (
    *("AA-9999-A", "999-99999-99", "A9999.99", "9999-999", "AAA_99", "####-####", "A99####99"),
    *("SN99999999", "LOT9999A", "A9-99-999", "99.999.99", "9.9.9", "AA99/9", "AAA999A", "99999-9"),
    *("AA9999-99A", "A99-999-9999", "9A9999", "999A", "AA.999", "99AA9", "A9A9A9", "########"),
    *("9999 9999", "99-99", "AAA-99", "A-9999", "999-9999", "9999/99", "99:99:99", "AA:99", "A.9"),
    *(
        "9999999999",
        "99999999",
        "#########",
        "AA99999999",
        "999999-9999",
        "A99.9-9",
        "M9x99",
        "9x9",
    ),
)
"""Patterns of serial numbers and part numbers."""

_SEPARATORS = "-:_./"
_LIBRARY = (PLATES, PLATES, PLATES, TAGS, TAGS, PART_NUMBERS)


def draw_code(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a plate, the tag of a cable, a serial or part number: `AB-123-CD`, `-W12.3:A`."""
    return _draw_by(rng, material, pick(rng, _LIBRARY) if happens(rng, 0.8) else (), 0.15)


def draw_plate(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a number plate: `AB123CD`, `AAA-9999`."""
    return _draw_by(rng, material, PLATES, 0.03)


def draw_tag(rng: np.random.Generator, material: Material) -> str | None:
    """Draw the tag of a cable or of a part of a switchboard: `-W12.3:A`, `X4:17`."""
    return _draw_by(rng, material, TAGS, 0.05)


def _draw_by(
    rng: np.random.Generator, material: Material, patterns: tuple[str, ...], small: float
) -> str | None:
    """Draw a code by one of the patterns, or by a free one where none fits.

    A share of `small` is not all capitals.
    """
    if not material.letters and not material.digits:
        return None
    fitting = fitting_patterns(patterns, material.min_length, material.max_length)
    pattern = pick(rng, fitting) if fitting else _draw_pattern(rng, material)
    case = rng.random()
    letters = material.capitals
    if case < small:
        letters = material.small_letters if case < 0.6 * small else material.letters
    # As on many plates and tags: few distinct characters, mostly zeros.
    digits = material.digits
    if digits and happens(rng, 0.2):
        digits = "".join([pick(rng, digits) for _ in range(2)]) + "0" * ("0" in digits)
    return fill_pattern(rng, pattern, letters or digits, digits or letters, material.characters)


@cache
def fitting_patterns(patterns: tuple[str, ...], shortest: int, longest: int) -> tuple[str, ...]:
    """Choose the patterns whose texts have a length; spaces are not counted.

    Args:
        patterns: The patterns.
        shortest: The fewest characters.
        longest: The most characters.

    Returns:
        Those that fit, in order.
    """
    return tuple(
        pattern for pattern in patterns if shortest <= len(pattern.replace(" ", "")) <= longest
    )


def fill_pattern(
    rng: np.random.Generator, pattern: str, letters: str, digits: str, allowed: str
) -> str:
    """Write a text by a pattern.

    Args:
        rng: Random generator.
        pattern: `A` for a letter, `9` for a digit, `#` for either, others for themselves.
        letters: Letters to draw from.
        digits: Digits to draw from.
        allowed: Characters that may stand for themselves; others are left out.

    Returns:
        The text, without spaces.

    Example:
        >>> fill_pattern(np.random.default_rng(0), "A-9", "K", "7", "-")
        'K-7'
    """
    sources = {"A": letters, "9": digits, "#": letters + digits}
    return "".join(
        [
            pick(rng, sources[mark]) if mark in sources else mark
            for mark in pattern
            if mark in sources or mark in allowed
        ]
    )


def _draw_pattern(rng: np.random.Generator, material: Material) -> str:
    """Draw groups of letters and of digits, with a separator between some of them."""
    length = material.draw_length(rng)
    separators = [mark for mark in _SEPARATORS if mark in material.characters]
    pattern = ""
    while len(pattern) < length:
        if pattern and separators and happens(rng, 0.4):
            pattern += pick(rng, separators)
        pattern += pick(rng, "A99#") * (1 + below(rng, 4))
    return pattern[:length]


def draw_reading(rng: np.random.Generator, material: Material) -> str | None:
    """Draw the reading of a meter or display: `00412.7`, `0123456`, `-3.5`, `12:45`."""
    if not material.digits:
        return None
    length = max(material.min_length, min(material.max_length, 3 + below(rng, 6)))
    if happens(rng, 0.2):
        length = material.draw_length(rng)
    text = draw_string(rng, material.digits, length)
    if "0" in material.digits and happens(rng, 0.6):
        num_zeros = min(below(rng, length), below(rng, length))
        text = "0" * num_zeros + text[num_zeros:]
    marks = [mark for mark in ".,:" if mark in material.characters]
    if length >= 3 and marks and happens(rng, 0.35):
        place = length - 1 - min(1 + below(rng, 3), length - 2)
        mark = ":" if ":" in marks and happens(rng, 0.2) else marks[0 if happens(rng, 0.7) else -1]
        text = text[:place] + mark + text[place + 1 :]
    if text[1:2].isdigit() and "-" in material.characters and happens(rng, 0.05):
        text = "-" + text[1:]
    return text


def draw_captcha(rng: np.random.Generator, material: Material) -> str | None:
    """Draw the text of a captcha: four to eight characters of one or two sorts, in no order.

    Most avoid easily confused characters, as most captchas do.
    """
    sorts = [
        sort
        for sort in (
            material.small_letters + material.digits,
            material.capitals + material.digits,
            material.letters + material.digits,
            material.digits,
            material.letters,
        )
        if sort
    ]
    if not sorts:
        return None
    shortest, longest = max(4, material.min_length), min(8, material.max_length)
    length = shortest + min(below(rng, longest - shortest + 1), below(rng, longest - shortest + 1))
    if longest < shortest:
        length = material.draw_length(rng)
    characters = pick(rng, sorts)
    if happens(rng, 0.7):
        kept = "".join([character for character in characters if character not in "0Oo1lI"])
        characters = kept or characters
    return draw_string(rng, characters, length)
