"""Checks of labels, and look-alike characters of a data set."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

OUTER_SPACE = "outer_space"
DOUBLE_SPACE = "double_space"
NORMAL_FORM = "normal_form"
INVISIBLE = "invisible"
MIXED_SCRIPTS = "mixed_scripts"

_SUSPICIOUS = re.compile(r"^\s|\s$|\s\s|[^ -~]")
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS_THAT_LOOK_ALIKE = ("LATIN", "CYRILLIC", "GREEK")

LOOK_ALIKE = (
    "AАΑ", "BВΒ", "CС", "EЕΕ", "HНΗ", "IІΙ", "JЈ", "KКΚ", "MМΜ", "NΝ", "OОΟ", "PРΡ", "SЅ", "TТΤ",
    "XХΧ", "YУΥ", "ZΖ", "aаα", "cсϲ", "eе", "iі", "jј", "oоο", "pрρ", "sѕ", "vν", "xхχ", "yуγ",
    "'’‘′ʼ`´", '"“”„″', "-‐‑–—−ー", ".․…", ",‚", ":։", "·•∙⋅", "*∗", "/∕⁄", "~∼", "|ǀ", "×х",
    " \u00a0\u2009\u202f\u3000", "ßβ", "µμ", "°º˚", "ªa", "đð", "ıi", "ſf",
)  # fmt: skip
"""Groups of characters that are hard to tell apart in an image, across scripts and within one:
those of Unicode's confusables (UTS 39) that occur in labels. Pairs within ASCII (O and 0, l and I)
are left out: every data set has them."""


def label_problems(text: str) -> list[str]:
    """Return the names of the problems of a raw label.

    Returns:
        Some of `OUTER_SPACE` (leading or trailing whitespace), `DOUBLE_SPACE`, `NORMAL_FORM` (not
        in Unicode's composed form), `INVISIBLE` (control and format characters, unusual spaces),
        `MIXED_SCRIPTS` (a word with letters of several scripts that look alike).

    Example:
        >>> label_problems(" a  b")
        ['outer_space', 'double_space']
    """
    # Fast path: most labels are clean.
    if not _SUSPICIOUS.search(text):
        return []
    tests = {
        OUTER_SPACE: text != text.strip(),
        DOUBLE_SPACE: re.search(r"\s\s", text.strip()) is not None,
        NORMAL_FORM: not unicodedata.is_normalized("NFC", text),
        INVISIBLE: any(_is_invisible(character) for character in text),
        MIXED_SCRIPTS: any(len(set(_scripts(word))) > 1 for word in _WORD.findall(text)),
    }
    return [name for name, is_so in tests.items() if is_so]


class LookAlike(NamedTuple):
    """A rare character and a more frequent one that looks like it.

    Attributes:
        character: The rarer character.
        times: Its count in the labels.
        like: The more frequent character.
        like_times: Its count in the labels.
    """

    character: str
    times: int
    like: str
    like_times: int


def look_alikes(counts: Mapping[str, int]) -> list[LookAlike]:
    """Return the characters of a data set that look like a more frequent one in it.

    Two characters look alike if they are in one group of `LOOK_ALIKE`, or if one becomes the other
    by compatibility normalisation (NFKC): full width, ligatures, superscripts.

    Args:
        counts: Count of each character in the labels.

    Example:
        >>> look_alikes({"a": 9, "b": 5, "а": 1})
        [LookAlike(character='а', times=1, like='a', like_times=9)]
    """
    groups = [[character for character in group if counts.get(character)] for group in LOOK_ALIKE]
    for character in counts:
        plain = unicodedata.normalize("NFKC", character)
        if plain != character and counts.get(plain):
            groups.append([character, plain])
    found = set()
    for group in groups:
        ordered = sorted(set(group), key=lambda character: (-counts[character], character))
        found |= {
            LookAlike(character, counts[character], ordered[0], counts[ordered[0]])
            for character in ordered[1:]
            if not (character.isascii() and ordered[0].isascii())
        }
    return sorted(found)


def describe(character: str) -> str:
    """Return a character with its code point and its name.

    Example:
        >>> describe("é")
        "'é' U+00E9 LATIN SMALL LETTER E WITH ACUTE"
    """
    name = unicodedata.name(character, "without a name")
    shown = repr(character) if character.isprintable() else ascii(character)
    return f"{shown} U+{ord(character):04X} {name}"


def _is_invisible(character: str) -> bool:
    category = unicodedata.category(character)
    # Joiners and direction marks shape Arabic and Indic scripts, so they are part of the text.
    if character in "\u200c\u200d\u200e\u200f":
        return False
    return category in ("Cc", "Cf", "Zl", "Zp") or (category == "Zs" and character != " ")


def _scripts(word: Iterable[str]) -> Iterator[str]:
    for character in word:
        script = unicodedata.name(character, "").partition(" ")[0]
        if script in _SCRIPTS_THAT_LOOK_ALIKE:
            yield script
