"""Settings of the renderer: a frozen dataclass, also parsed from options of a data source."""

import dataclasses
import string
import typing
import unicodedata
from collections.abc import Mapping

from attention_ocr.settings.fields import setting
from attention_ocr.synthesis.kinds import KINDS
from attention_ocr.synthesis.looks import LOOKS, parse_looks
from attention_ocr.text.charset import LATIN

PARTS = ("all", "train", "eval")
CASES = ("any", "keep", "lower", "upper", "title")
CHARACTER_SETS = {
    "digits": string.digits,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "letters": string.ascii_letters,
    "punctuation": string.punctuation,
    "space": " ",
    "latin": LATIN,
    "printable": string.digits + string.ascii_letters + string.punctuation,
}


@dataclasses.dataclass(frozen=True)
class SynthesisConfig:
    """Settings of rendered texts; each field's `meaning` is also its help on the command line.

    Raises:
        ValueError: If a setting is outside its range.
    """

    kinds: tuple[str, ...] = setting(
        ("words", "numbers", "mixed"),
        f"Kinds of text, joined by +; one named twice is drawn twice as often: {', '.join(KINDS)}.",
    )
    min_length: int = setting(1, "Minimum characters of a text.")
    max_length: int = setting(16, "Maximum characters of a text.")
    case: str = setting(
        "any",
        "Case of the letters: keep, as in the word list; any, one of lower, upper and title, drawn "
        "for each text.",
        choices=CASES,
    )
    characters: str = setting(
        CHARACTER_SETS["printable"],
        "Allowed characters in NFC, or names of sets of them, joined by +; texts have no others: "
        f"{', '.join(CHARACTER_SETS)}.",
    )
    difficulty: float = setting(
        0.5,
        "Difficulty, which scales every effect: from 0, clean dark text on a light ground, to 1, "
        "as hard as photographs of signs.",
    )
    height: int = setting(
        32,
        "Nominal height of an image in pixels; real ones vary around it, and the width follows the "
        "text.",
    )
    fonts: str = setting(
        "all",
        "Fonts: all, of the machine and of the installed font packages; bundled, of the packages "
        "only, the same on every machine; a folder, a file, or a pattern of files.",
    )
    part: str = setting(
        "all",
        "Part of the texts: train and eval, four fifths and one fifth, have no text in common, "
        "whatever its case; all takes both.",
        choices=PARTS,
    )
    seed: int = setting(0, "Seed of all random choices.")
    words_file: str = setting(
        "",
        "Custom vocabulary, a file with a word on each line in UTF-8; empty for the English list "
        "of the package.",
    )
    textless: float = setting(
        0.0,
        "Fraction of images without text, whose label is empty, so that a model learns that there "
        "may be nothing to read.",
    )
    look: str = setting(
        "any",
        "Looks of the images (docs/rendering.md), joined by +; one named twice is drawn twice as "
        f"often: {', '.join(LOOKS)}.",
    )

    def __post_init__(self) -> None:
        """Raise for settings that cannot be rendered."""
        if not self.kinds:
            raise ValueError("Expected at least one kind of text. Received: kinds=()")
        for kind in self.kinds:
            _expect(kind in KINDS, f"kinds among {', '.join(KINDS)}", "kinds", kind)
        _expect(self.min_length >= 1, "min_length of at least 1", "min_length", self.min_length)
        if self.max_length < self.min_length:
            raise ValueError(
                "Expected max_length to be at least min_length. "
                f"Received: min_length={self.min_length}, max_length={self.max_length}"
            )
        _expect(self.case in CASES, f"case among {', '.join(CASES)}", "case", self.case)
        _expect(self.part in PARTS, f"part among {', '.join(PARTS)}", "part", self.part)
        _expect(0 <= self.difficulty <= 1, "difficulty from 0 to 1", "difficulty", self.difficulty)
        _expect(0 <= self.textless <= 1, "textless from 0 to 1", "textless", self.textless)
        parse_looks(self.look)
        _expect(8 <= self.height <= 512, "height from 8 to 512 pixels", "height", self.height)
        _expect(bool(self.fonts), "fonts to be all, bundled or a path", "fonts", self.fonts)
        _expect(self.seed >= 0, "seed of at least 0", "seed", self.seed)
        _check_characters(self.characters)


def parse_options(options: Mapping[str, str]) -> SynthesisConfig:
    """Read settings from strings, as in `synthetic,kinds=words+numbers,max_length=8`.

    `kinds` are joined by `+`, and so are the pieces of `characters`: names of `CHARACTER_SETS`
    or characters themselves.

    Args:
        options: Values by field of `SynthesisConfig`.

    Returns:
        The settings; fields that are not named have their defaults.

    Raises:
        ValueError: If an option is unknown or its value cannot be read.

    Example:
        >>> parse_options({"kinds": "numbers", "characters": "digits"}).characters
        '0123456789'
    """
    types = typing.get_type_hints(SynthesisConfig)
    values: dict[str, typing.Any] = {}
    for name, value in options.items():
        if name not in types:
            raise ValueError(
                f"Expected options of rendered text among {', '.join(types)}. Received: {name}"
            )
        if name == "kinds":
            values[name] = tuple(value.split("+"))
        elif name == "characters":
            values[name] = _parse_characters(value)
        elif types[name] is str:
            values[name] = value
        else:
            values[name] = _parse_number(name, value, types[name])
    return SynthesisConfig(**values)


def _expect(holds: bool, expectation: str, name: str, value: object) -> None:
    if not holds:
        raise ValueError(f"Expected {expectation}. Received: {name}={value!r}")


def _check_characters(characters: str) -> None:
    if not characters.strip():
        raise ValueError(f"Expected visible characters. Received: characters={characters!r}")
    if unicodedata.normalize("NFC", characters) != characters:
        raise ValueError(f"Expected characters in NFC. Received: characters={characters!r}")
    for character in characters:
        # Separators and controls leave no ink; only the space has a meaning in a label.
        if character != " " and unicodedata.category(character)[0] in "CZ":
            raise ValueError(
                f"Expected visible characters or the space. Received: characters with {character!r}"
            )


def _parse_characters(value: str) -> str:
    pieces = [CHARACTER_SETS.get(piece, piece) for piece in value.split("+")]
    if pieces != [""] and "" in pieces:
        # `a++b`: the plus itself is one of the characters.
        pieces.append("+")
    return "".join(dict.fromkeys("".join(pieces)))


def _parse_number(name: str, value: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(value)
    except ValueError:
        noun = "a whole number" if kind is int else "a number"
        raise ValueError(f"Expected {noun} for {name}. Received: {name}={value}") from None
