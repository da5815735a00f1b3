"""Charsets from character counts: rare ones left out, several glyphs merged into one class."""

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from attention_ocr.text.charset import UNKNOWN_CHARACTER, Charset, normalize

CASES = ("keep", "lower", "upper")
FORMS = ("NFC", "NFKC")


class BuiltCharset(NamedTuple):
    """A charset and the counts it was built from.

    Attributes:
        charset: The charset.
        counts: Number of occurrences of each class in the labels.
        left_out: Characters that are too rare, with their counts.
    """

    charset: Charset
    counts: dict[str, int]
    left_out: dict[str, int]


def build_charset(
    counts: Mapping[str, int],
    min_count: int = 1,
    case: str = "keep",
    form: str = "NFC",
    table: Mapping[str, str] | None = None,
) -> BuiltCharset:
    """Build a charset from character counts.

    A character is merged into another by compatibility (`form`), then by the table, then by case;
    one that would become several (ﬁ, ß in capitals) stays as it is.

    Args:
        counts: Number of occurrences of each character (NFC) in the labels.
        min_count: Rarer classes are left out.
        case: One of `CASES`; `lower` reads small and capital letters as small ones.
        form: One of `FORMS`; `NFKC` reads full width, superscripts and the like as plain
            characters.
        table: Glyphs with the character each is read as.

    Raises:
        ValueError: If an argument is out of range, or no character is left.

    Example:
        >>> build_charset({"a": 2, "A": 1, "’": 1}, case="lower", table={"’": "'"}).counts
        {"'": 1, 'a': 3}
    """
    for name, value, choices in (("case", case, CASES), ("form", form, FORMS)):
        if value not in choices:
            raise ValueError(f"`{name}` must be one of {', '.join(choices)}. Received: {value!r}")
    if min_count < 1:
        raise ValueError(f"`min_count` must be at least 1. Received: {min_count}")
    table = table or {}

    def class_of(character: str) -> str:
        if form == "NFKC":
            character = _if_single(unicodedata.normalize("NFKC", character), character)
        character = table.get(character, character)
        return _with_case(character, case)

    totals: dict[str, int] = {}
    for character, count in sorted(counts.items()):
        if character not in ("\n", UNKNOWN_CHARACTER):
            totals[class_of(character)] = totals.get(class_of(character), 0) + count
    kept = {entry: count for entry, count in sorted(totals.items()) if count >= min_count}
    # Letters of the other case and glyphs of the table are included although no label has them.
    met = {*counts, *table}
    if case != "keep":
        met |= {_with_case(entry, "upper" if case == "lower" else "lower") for entry in kept}
    glyphs = {entry: class_of(entry) for entry in met if class_of(entry) != entry}
    glyphs = {entry: target for entry, target in glyphs.items() if target in kept}
    left_out = {entry: count for entry, count in totals.items() if entry not in kept}
    return BuiltCharset(Charset(kept, glyphs), kept, left_out)


def read_glyph_table(path: Path) -> dict[str, str]:
    """Read a table of glyphs and the characters they are read as.

    Each line holds a character, a tab, and the glyphs that are read as it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not UTF-8, a line is malformed, or a glyph stands on two lines;
            the message names it.
    """
    table: dict[str, str] = {}
    try:
        lines = normalize(path.read_text(encoding="utf-8-sig")).split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected UTF-8. Received: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        if len(line) < 3 or line[1] != "\t":
            raise ValueError(
                f"{path}, line {number}: expected a character, a tab and the glyphs that are read "
                f"as it. Received: {line!r}"
            )
        for glyph in line[2:]:
            if table.setdefault(glyph, line[0]) != line[0]:
                raise ValueError(
                    f"{path}, line {number}: expected each glyph once. Received: {glyph!r} again"
                )
    return table


def _with_case(character: str, case: str) -> str:
    if case == "keep":
        return character
    return _if_single(character.lower() if case == "lower" else character.upper(), character)


def _if_single(text: str, character: str) -> str:
    return text if len(text) == 1 else character
