"""Texts to render: deterministic given a generator, split by a hash of the text itself."""

import hashlib
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np

from attention_ocr.synthesis.chance import happens, pick
from attention_ocr.synthesis.fragments import order_by_frequency
from attention_ocr.synthesis.kinds import KINDS
from attention_ocr.synthesis.material import Material
from attention_ocr.synthesis.settings import SynthesisConfig

_EVAL_EVERY = 5
# At least one candidate in a hundred of a usable kind fits the settings; 200 failures mean that
# none ever will, and many thousands mean that the material has changed.
_MAX_TRIAL_DRAWS = 200
_MAX_DRAWS = 20_000


def part_of(text: str) -> str:
    """Return the part of a text, the same on every machine and in every version.

    Texts that differ only in case belong together: otherwise a model could be trained on `Hotel`
    and evaluated on `HOTEL`.

    Args:
        text: The text.

    Returns:
        `eval` for a fifth of all texts, `train` for the others.

    Example:
        >>> part_of("Hotel") == part_of("HOTEL")
        True
    """
    digest = hashlib.blake2b(text.casefold().encode("utf-8"), digest_size=8).digest()
    return "eval" if int.from_bytes(digest, "big") % _EVAL_EVERY == 0 else "train"


def load_words(path: str | Path = "") -> tuple[str, ...]:
    """Read a vocabulary, a word on each line.

    Args:
        path: A UTF-8 file; empty for the English list that comes with the package.

    Returns:
        The words in NFC, without blank lines and repetitions, in the order of the file.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not UTF-8 or has no word.
    """
    if not path:
        return _load_english_words()
    try:
        content = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"Expected a word list in UTF-8. Received: {path}, whose byte {error.start} is not"
        ) from None
    words = _split_words(content)
    if not words:
        raise ValueError(f"Expected a word on each line. Received: {path}, which has none")
    return words


@cache
def _load_english_words() -> tuple[str, ...]:
    file = resources.files("attention_ocr.synthesis").joinpath("words.txt")
    return _split_words(file.read_text(encoding="utf-8"))


def _split_words(content: str) -> tuple[str, ...]:
    lines = (unicodedata.normalize("NFC", line).strip() for line in content.split("\n"))
    return tuple(dict.fromkeys(line for line in lines if line))


def _title(text: str) -> str:
    return " ".join([word[:1].upper() + word[1:].lower() for word in text.split(" ")])


_CASINGS: dict[str, Callable[[str], str]] = {
    "keep": str,
    "lower": str.lower,
    "upper": str.upper,
    "title": _title,
}


class TextSampler:
    """Draws texts that obey the settings, each in constant time.

    Args:
        config: The settings.

    Raises:
        OSError: If the word list cannot be read.
        ValueError: If the word list is wrong, or a kind has no text that obeys the settings.
    """

    def __init__(self, config: SynthesisConfig) -> None:
        self._config = config
        self._allowed = frozenset(config.characters)
        self._casings = self._choose_casings()
        self._material = self._gather_material()
        self._check_kinds()

    def draw(self, rng: np.random.Generator) -> str:
        """Draw a text.

        Args:
            rng: Random generator; its state determines the text.

        Returns:
            The text, in NFC.
        """
        text = self._draw_kind(rng, pick(rng, self._config.kinds), _MAX_DRAWS)
        if text is None:
            raise ValueError(f"Expected a text within {_MAX_DRAWS} draws. Received: none")
        return text

    def draw_caption(self, rng: np.random.Generator) -> str:
        """Draw a second text, which no label contains: a word, or a text as in `draw`.

        Args:
            rng: Random generator.

        Returns:
            The text.
        """
        word = self._material.pick_part(rng, self._config.max_length)
        if word is None or happens(rng, 0.2):
            return self.draw(rng)
        return pick(rng, self._casings)(word)

    def producible_characters(self) -> str:
        """Return the sorted characters that can occur: those of `characters` that a kind uses."""
        material = self._material
        found: set[str] = set()
        for name in self._config.kinds:
            kind = KINDS[name]
            found.update(material.characters if kind.marks is None else kind.marks)
            if kind.has_digits:
                found.update(material.digits)
            if kind.spells:
                found.update(material.letters)
            elif kind.has_letters:
                words = material.whole_words if name == "words" else material.parts
                found.update("".join(words))
        cased = {"".join(found)} if self._config.case == "any" else set()
        cased.update(casing("".join(found)) for casing in self._casings)
        return "".join(sorted(set("".join(cased)) & self._allowed))

    def _choose_casings(self) -> tuple[Callable[[str], str], ...]:
        """Choose the casings whose letters are allowed."""
        if self._config.case != "any":
            return (_CASINGS[self._config.case],)
        has_lower = any(character.upper() != character for character in self._allowed)
        has_upper = any(character.lower() != character for character in self._allowed)
        names = (
            ["lower"] * has_lower + ["title"] * (has_lower and has_upper) + ["upper"] * has_upper
        )
        return tuple(_CASINGS[name] for name in names) or (_CASINGS["keep"],)

    def _gather_material(self) -> Material:
        config = self._config
        words = [
            word
            for word in load_words(config.words_file)
            if len(word) <= config.max_length
            and any(self._allowed.issuperset(casing(word)) for casing in self._casings)
        ]
        frequent_words = order_by_frequency(tuple(words), not config.words_file)
        words.sort(key=len)
        characters = "".join(dict.fromkeys(config.characters.replace(" ", "")))
        return Material(
            min_length=config.min_length,
            max_length=config.max_length,
            characters=characters,
            letters="".join(character for character in characters if character.isalpha()),
            digits="".join(character for character in characters if character in "0123456789"),
            whole_words=tuple(
                word
                for word in words
                if len(word) >= config.min_length and config.part in ("all", part_of(word))
            ),
            parts=tuple(words),
            num_parts=tuple(
                bisect_right(words, length, key=len) for length in range(config.max_length + 1)
            ),
            frequent_words=frequent_words,
        )

    def _check_kinds(self) -> None:
        rng = np.random.default_rng(0)
        for name in dict.fromkeys(self._config.kinds):
            if self._draw_kind(rng, name, _MAX_TRIAL_DRAWS) is None:
                config = self._config
                raise ValueError(
                    f"Expected settings that allow a text of kind {name}. Received: "
                    f"characters={config.characters!r}, case={config.case}, "
                    f"min_length={config.min_length}, max_length={config.max_length}, "
                    f"part={config.part}, words_file={config.words_file!r}"
                )

    def _draw_kind(self, rng: np.random.Generator, name: str, max_draws: int) -> str | None:
        kind = KINDS[name]
        keeps_case = kind.keeps_case and self._config.case == "any"
        for _ in range(max_draws):
            text = kind.draw(rng, self._material)
            if text is not None and not keeps_case:
                text = pick(rng, self._casings)(text)
            if text is not None and self._fits(text):
                return text
        return None

    def _fits(self, text: str) -> bool:
        config = self._config
        return (
            config.min_length <= len(text) <= config.max_length
            and self._allowed.issuperset(text)
            and config.part in ("all", part_of(text))
            # Upper-casing can break NFC, and a stray combining mark may join its neighbour.
            and (text.isascii() or unicodedata.is_normalized("NFC", text))
        )
