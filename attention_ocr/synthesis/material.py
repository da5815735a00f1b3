"""Material of texts: the words, letters and digits that the settings allow."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from attention_ocr.synthesis.chance import below, pick


@dataclass(frozen=True)
class Material:
    """The material of a kind; all of it obeys the settings.

    Args:
        min_length: The fewest characters of a text.
        max_length: The most characters of a text.
        characters: Allowed characters except the space.
        letters: The letters among them.
        digits: The digits 0 to 9 among them.
        whole_words: Words that may be a text on their own.
        parts: Words to combine, shortest first.
        num_parts: At index `n`, the number of `parts` of at most `n` characters.
        frequent_words: Words by frequency, most frequent first.
    """

    min_length: int
    max_length: int
    characters: str
    letters: str
    digits: str
    whole_words: tuple[str, ...]
    parts: tuple[str, ...]
    num_parts: tuple[int, ...]
    frequent_words: tuple[str, ...] = ()

    @cached_property
    def capitals(self) -> str:
        """The upper-case letters, or all letters where none is upper-case."""
        return "".join(filter(str.isupper, self.letters)) or self.letters

    @cached_property
    def small_letters(self) -> str:
        """The lower-case letters, or all letters where none is lower-case."""
        return "".join(filter(str.islower, self.letters)) or self.letters

    def pick_part(self, rng: np.random.Generator, longest: int) -> str | None:
        """Draw a word of at most `longest` characters, `None` when there is none."""
        count = self.num_parts[min(longest, len(self.num_parts) - 1)] if longest > 0 else 0
        return self.parts[below(rng, count)] if count else None

    def draw_length(self, rng: np.random.Generator) -> int:
        """Draw a length, short ones more often, as in numbers and codes."""
        span = self.max_length - self.min_length + 1
        return self.min_length + min(below(rng, span), below(rng, span))


@dataclass(frozen=True)
class Kind:
    """A kind of text.

    Args:
        draw: Draws a candidate; `None` when the material allows none, or this attempt failed.
        marks: Characters it may use besides letters and digits, `None` for all allowed ones.
        has_letters: Whether it uses letters.
        has_digits: Whether it uses digits.
        keeps_case: Whether `case="any"` leaves its letters as drawn.
        spells: Whether it draws single letters, not only words.
    """

    draw: Callable[[np.random.Generator, Material], str | None]
    marks: str | None = ""
    has_letters: bool = False
    has_digits: bool = False
    keeps_case: bool = False
    spells: bool = False


def draw_string(rng: np.random.Generator, characters: str, length: int) -> str:
    """Draw a string, each character as likely as the others.

    Args:
        rng: Random generator.
        characters: Characters to draw from.
        length: Number of characters.

    Returns:
        The string.
    """
    return "".join([pick(rng, characters) for _ in range(length)])
