"""Settings of the renderer: a frozen dataclass, also parsed from options of a data source."""

import dataclasses
import string
import typing
import unicodedata
from collections.abc import Mapping

from attention_ocr.synthesis.kinds import KINDS
from attention_ocr.synthesis.looks import parse_looks
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
    """Settings of rendered texts.

    Args:
        kinds: Kinds of text, names of `KINDS`; one named twice is drawn twice as often.
        min_length: The fewest characters of a text.
        max_length: The most characters of a text.
        case: Case of the letters: `lower`, `upper`, `title`, `keep` (as in the word list), or `any`
            (of `lower`, `upper` and `title`, drawn for each text).
        characters: Allowed characters, in NFC; texts have no others.
        difficulty: From 0, clean dark text on a light ground, to 1, as hard as photographs of
            signs; scales every effect.
        height: Nominal height of an image in pixels; real ones vary around it, and the width
            follows the text.
        fonts: `all` (of the machine and of the installed font packages), `bundled` (of the packages
            only: the same on every machine), a folder, a file, or a pattern of files.
        part: `train` and `eval` split the texts, four fifths and one fifth, so that no text is in
            both, whatever its case; `all` takes both.
        seed: Seed of all random choices.
        words_file: Custom vocabulary, a word on each line in UTF-8; empty for the English list that
            comes with the package.
        textless: Fraction of images without a text, whose label is empty, so that a model learns
            that there may be nothing to read.
        look: Names of `LOOKS`, joined by `+`: `any`; `signs`: bold strokes, tight crops and muted
            colours, as in photographs of streets; `irregular`: such words rotated, bent and in
            perspective; `plates`, `led` and others.

    Raises:
        ValueError: If a setting is outside its range.
    """

    kinds: tuple[str, ...] = ("words", "numbers", "mixed")
    min_length: int = 1
    max_length: int = 16
    case: str = "any"
    characters: str = CHARACTER_SETS["printable"]
    difficulty: float = 0.5
    height: int = 32
    fonts: str = "all"
    part: str = "all"
    seed: int = 0
    words_file: str = ""
    textless: float = 0.0
    look: str = "any"

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
