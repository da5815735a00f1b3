"""The characters a model can read, and the one place for token ids.

A token id below `len(SPECIAL_TOKENS)` is special and the same in every model; the characters of
the charset follow in their order.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attention_ocr.io.atomic_write import whole_file
from attention_ocr.io.bounded_read import read_bounded

PAD_ID = 0
START_ID = 1
END_ID = 2
UNKNOWN_ID = 3
SPECIAL_TOKENS = ("<pad>", "<start>", "<end>", "<unknown>")
BLANK_ID = PAD_ID
"""CTC's blank shares the id of the padding, which no text holds."""

UNKNOWN_CHARACTER = "\N{REPLACEMENT CHARACTER}"
CHARSET_FILE = "charset.txt"
# No line of our own charset files: a code of several digits, or Google's name of the empty text.
_CODED_LINE = re.compile(r"\d{2,}\t|\d\t<nul>$")
_CODE = re.compile(r"(\d+)\t(<nul>|.)", re.DOTALL)
ASCII = "".join(chr(code) for code in range(33, 127))
"""The 94 printable characters of ASCII, without the space."""

_LATIN_LETTERS = (
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ"
    "ĀāĂăĄąĆćČčĎďĐđĒēĖėĘęĚěĢģĪīĮįĶķĹĺĻļĽľŁłŃńŅņŇňŐőŒœŔŕŘřŚśŠšŤťŪūŮůŰűŲųŴŵŶŷŸŹźŻżŽžȘșȚț"
)
_LATIN_MARKS = "‘’‚“”„«»‹›–—…•·¡¿€£§°²³½×±"
LATIN = " " + ASCII + _LATIN_LETTERS + _LATIN_MARKS
"""The space, ASCII, the letters of the languages of Western, Central and Northern Europe, and
typographic quotes, dashes and signs."""

CHARSETS = {"ascii": ASCII, "latin": LATIN}
"""Charsets by name."""


def normalize(text: str) -> str:
    """Return `text` in NFC, the form in which labels are stored and compared."""
    return unicodedata.normalize("NFC", text)


class Charset:
    """An ordered set of characters (Unicode code points) with their token ids.

    The space is a character like any other. A character outside the charset becomes
    `UNKNOWN_ID`, which decodes to U+FFFD. Several glyphs may be one class: they share the token id
    of the character that stands for them, which is the one predicted.

    Args:
        characters: The characters, each once; no line feed, which ends a line of the file. They
            are kept in NFC, like texts.
        glyphs: Further characters, each with the one of `characters` that stands for it.

    Raises:
        ValueError: If there is no character, a character occurs twice, an entry is a line feed or
            several code points, or a glyph stands for no character of the charset.
    """

    def __init__(self, characters: Iterable[str], glyphs: Mapping[str, str] | None = None) -> None:
        self.characters: tuple[str, ...] = tuple(map(normalize, characters))
        if not self.characters:
            raise ValueError("A charset must hold at least one character. Received none.")
        self.glyphs = {
            normalize(glyph): normalize(character)
            for glyph, character in sorted((glyphs or {}).items())
        }
        for character in (*self.characters, *self.glyphs):
            if len(character) != 1 or character in ("\n", UNKNOWN_CHARACTER):
                raise ValueError(
                    "A charset entry must be one code point, neither a line feed nor U+FFFD. "
                    f"Received: {character!r}"
                )
        entries = Counter((*self.characters, *self.glyphs))
        repeated = [entry for entry, count in entries.items() if count > 1]
        if repeated:
            raise ValueError(f"A charset must hold each character once. Received twice: {repeated}")
        self._ids = {
            character: index + len(SPECIAL_TOKENS)
            for index, character in enumerate(self.characters)
        }
        for glyph, character in self.glyphs.items():
            if character not in self._ids:
                raise ValueError(
                    f"A glyph must stand for a character of the charset. Received: {glyph!r} for "
                    f"{character!r}"
                )
        self._ids |= {glyph: self._ids[character] for glyph, character in self.glyphs.items()}

    def __len__(self) -> int:
        return len(self.characters)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Charset)
            and self.characters == other.characters
            and self.glyphs == other.glyphs
        )

    def __hash__(self) -> int:
        return hash(self.characters)

    def __contains__(self, character: str) -> bool:
        return character in self._ids

    @property
    def vocabulary_size(self) -> int:
        """Number of token ids V: the special ones and the characters."""
        return len(SPECIAL_TOKENS) + len(self.characters)

    def encode(self, text: str) -> list[int]:
        """Return the token id of each code point of `text` (NFC), without start and end.

        Example:
            >>> Charset("abc").encode("cab")
            [6, 4, 5]
        """
        return [self._ids.get(character, UNKNOWN_ID) for character in normalize(text)]

    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of `token_ids` up to the first end token; padding and start are dropped.

        Example:
            >>> Charset("abc").decode([6, 4, 5, END_ID, 4])
            'cab'
        """
        text = []
        for token_id in token_ids:
            if token_id == END_ID:
                break
            if token_id == UNKNOWN_ID:
                text.append(UNKNOWN_CHARACTER)
            elif token_id >= len(SPECIAL_TOKENS):
                text.append(self.characters[token_id - len(SPECIAL_TOKENS)])
        return "".join(text)

    def fold(self, text: str) -> str:
        """Return `text` (NFC) with each glyph replaced by the character that stands for it.

        Example:
            >>> Charset("ab", {"A": "a"}).fold("Aba?")
            'aba?'
        """
        text = normalize(text)
        if not self.glyphs:
            return text
        return "".join(self.glyphs.get(character, character) for character in text)

    def unknown_characters(self, text: str) -> list[str]:
        """Return the characters of `text` (NFC) that the charset lacks, in their order."""
        return [character for character in normalize(text) if character not in self._ids]

    def save(self, directory: Path) -> Path:
        """Write `charset.txt` into a directory, whole or not at all."""
        return self.write(Path(directory) / CHARSET_FILE)

    def write(self, path: Path) -> Path:
        """Write a charset file, whole or not at all."""
        with whole_file(path) as temporary:
            temporary.write_bytes(self.to_bytes())
        return path

    def to_bytes(self) -> bytes:
        """Return the content of a charset file.

        One character a line, in order; some are followed by a tab and the glyphs they stand for.
        """
        others: dict[str, list[str]] = {}
        for glyph, character in self.glyphs.items():
            others.setdefault(character, []).append(glyph)
        lines = [
            f"{character}\t{''.join(others[character])}\n"
            if character in others
            else f"{character}\n"
            for character in self.characters
        ]
        return "".join(lines).encode("utf-8")

    @classmethod
    def load(cls, path: Path) -> "Charset":
        """Read a charset file, or the one of a work directory or export.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is not UTF-8 or no valid charset; the message names it.
        """
        path = Path(path)
        if path.is_dir():
            path = path / CHARSET_FILE
        try:
            return cls.from_bytes(read_bounded(path))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    @classmethod
    def from_bytes(cls, content: bytes) -> "Charset":
        """Build the charset of a charset file, or of one of Google's attention_ocr.

        Only a line feed ends a line: a line may hold a space or any other white space. A carriage
        return before the line feed is part of the line ending.

        Google's `charset_size=134.txt` has a code, a tab and a character on each line. The
        characters are put in the order of their codes, without the one called `<nul>`; where
        several share a code, the first stands for the others.

        Raises:
            ValueError: If the content is not UTF-8 or no valid charset.
        """
        lines = content.decode("utf-8-sig").split("\n")
        if lines and not lines[-1]:
            lines.pop()
        lines = [line[:-1] if len(line) > 1 and line[-1] == "\r" else line for line in lines]
        lines = [normalize(line) for line in lines]
        if any(_CODED_LINE.match(line) for line in lines):
            return cls(*_read_codes(lines))
        with_glyphs = [line for line in lines if line[1:2] == "\t" and len(line) > 2]
        glyphs = [(glyph, line[0]) for line in with_glyphs for glyph in line[2:]]
        if len(dict(glyphs)) < len(glyphs):
            raise ValueError(f"A glyph must stand for one character. Received: {with_glyphs}")
        characters = [line[0] if line in with_glyphs else line for line in lines]
        return cls(characters, dict(glyphs))

    @classmethod
    def from_labels(cls, labels: Iterable[str]) -> "Charset":
        """Build the charset of all characters of `labels` (NFC), in the order of code points.

        Raises:
            ValueError: If the labels hold no character.
        """
        characters: set[str] = set()
        for label in labels:
            characters.update(normalize(label))
        characters.discard(UNKNOWN_CHARACTER)
        return cls(sorted(characters))


def _read_codes(lines: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return characters and glyphs of a file of Google's attention_ocr."""
    classes: dict[int, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        match = _CODE.fullmatch(line)
        if match is None:
            raise ValueError(
                f"line {number}: expected a code, a tab and a character (a space is one, which "
                f"editors may take away) or <nul>. Received: {line!r}"
            )
        if match[2] != "<nul>":
            classes.setdefault(int(match[1]), []).append(match[2])
    ordered = [entries for _, entries in sorted(classes.items())]
    glyphs = {glyph: entries[0] for entries in ordered for glyph in entries[1:]}
    if len(glyphs) < sum(len(entries) - 1 for entries in ordered):
        raise ValueError(f"A glyph must stand for one character. Received: {ordered}")
    return [entries[0] for entries in ordered], glyphs
