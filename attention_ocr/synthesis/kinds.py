"""Kinds of text, one function each: words, numbers, codes, prices, dates and so on.

A function draws a candidate; `TextSampler` draws again when it does not fit the settings, so that a
function need only come close.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from attention_ocr.synthesis.chance import below, between, happens, pick


@dataclass(frozen=True)
class Material:
    """What a kind makes its texts of; all of it obeys the settings.

    Args:
        min_length: The fewest characters of a text.
        max_length: The most characters of a text.
        characters: Allowed characters but the space.
        letters: The letters among them.
        digits: The digits 0 to 9 among them.
        whole_words: Words that may stand as a text of their own.
        parts: Words to put together, the shortest first.
        num_parts: At place `n`, how many of them have at most `n` characters.
    """

    min_length: int
    max_length: int
    characters: str
    letters: str
    digits: str
    whole_words: tuple[str, ...]
    parts: tuple[str, ...]
    num_parts: tuple[int, ...]

    def pick_part(self, rng: np.random.Generator, longest: int) -> str | None:
        """Draw a word of at most `longest` characters, None when there is none."""
        count = self.num_parts[min(longest, len(self.num_parts) - 1)] if longest > 0 else 0
        return self.parts[below(rng, count)] if count else None


@dataclass(frozen=True)
class Kind:
    """A kind of text.

    Args:
        draw: Draws a candidate; None when the material does not allow one, or not this time.
        marks: Characters it may use besides letters and digits, None for all that are allowed.
        has_letters: Whether it uses letters.
        has_digits: Whether it uses digits.
        keeps_case: Whether `case="any"` leaves its letters as drawn.
    """

    draw: Callable[[np.random.Generator, Material], str | None]
    marks: str | None = ""
    has_letters: bool = False
    has_digits: bool = False
    keeps_case: bool = False


def _draw_length(rng: np.random.Generator, material: Material) -> int:
    """Draw a length, short ones more often, as numbers and codes have it."""
    span = material.max_length - material.min_length + 1
    return material.min_length + min(below(rng, span), below(rng, span))


def _draw_string(rng: np.random.Generator, characters: str, length: int) -> str:
    return "".join([pick(rng, characters) for _ in range(length)])


def draw_word(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a word of the vocabulary, each as likely as the others: 8 characters on average."""
    return pick(rng, material.whole_words) if material.whole_words else None


def draw_number(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a string of digits."""
    if not material.digits:
        return None
    return _draw_string(rng, material.digits, _draw_length(rng, material))


def draw_mixed(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a code of letters and digits, in runs (`AB1234`) or shuffled (`x7Qa1`)."""
    if not material.digits or not material.letters:
        return None
    length = max(2, _draw_length(rng, material))
    num_letters = 1 + below(rng, length - 1)
    code = _draw_string(rng, material.letters, num_letters) + _draw_string(
        rng, material.digits, length - num_letters
    )
    if happens(rng, 0.5):
        return code
    return "".join([code[place] for place in rng.permutation(length)])


def draw_price(rng: np.random.Generator, material: Material) -> str | None:
    """Draw an amount of money: `$4.99`, `1,250.00`, `£30`."""
    amount = int(10.0 ** between(rng, 0, max(1, min(6, material.max_length))))
    text = f"{amount:,}" if happens(rng, 0.5) else str(amount)
    if happens(rng, 0.7):
        text += (
            f".{pick(rng, ('99', '95', '50', '00', '49'))}"
            if happens(rng, 0.5)
            else (f".{below(rng, 100):02d}")
        )
    signs = [sign for sign in "$£€" if sign in material.characters]
    return pick(rng, signs) + text if signs and happens(rng, 0.6) else text


def draw_date(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a date in figures: `24/05/2019`, `2019-05-24`, `24.5.19`."""
    separators = [mark for mark in "/-." if mark in material.characters]
    if not separators:
        return None
    separator = pick(rng, separators)
    day, month, year = 1 + below(rng, 31), 1 + below(rng, 12), 1950 + below(rng, 100)
    if happens(rng, 0.25):
        return f"{year}{separator}{month:02d}{separator}{day:02d}"
    figures = [f"{day:02d}", f"{month:02d}"] if happens(rng, 0.7) else [str(day), str(month)]
    figures.append(str(year) if happens(rng, 0.5) else f"{year % 100:02d}")
    return separator.join(figures)


def draw_time(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a time of day: `09:45`, `7.30pm`."""
    separators = [mark for mark in ":." if mark in material.characters]
    if not separators:
        return None
    separator = pick(rng, separators)
    minute = below(rng, 60)
    if happens(rng, 0.3):
        return f"{1 + below(rng, 12)}{separator}{minute:02d}{pick(rng, ('am', 'pm'))}"
    return f"{below(rng, 24):02d}{separator}{minute:02d}"


def draw_punctuated(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a word or two with punctuation: `Change!`, `"yes"`, `part-time`, `owner's`."""
    word = material.pick_part(rng, material.max_length - 1)
    if word is None:
        return None
    form = below(rng, 4)
    if form == 0:
        return word + "'s"
    if form == 1:
        second = material.pick_part(rng, material.max_length - 1 - len(word))
        return word + pick(rng, "-&/") + second if second else word + "-"
    if form == 2:
        opening, closing = pick(rng, (('"', '"'), ("(", ")"), ("'", "'"), ("[", "]")))
        return opening + word + closing
    return word + pick(rng, (".", ",", "!", "?", ":", ";", "...", "!!"))


def draw_address(rng: np.random.Generator, material: Material) -> str | None:
    """Draw an address of the web: `www.example.com`, `name@example.org`."""
    ending = pick(rng, (".com", ".org", ".net", ".co.uk", ".de"))
    room = material.max_length - len(ending)
    form = below(rng, 3)
    word = material.pick_part(rng, room - 4 * (form == 0))
    if word is None:
        return None
    if form == 0:
        return f"www.{word}{ending}"
    name = material.pick_part(rng, room - len(word) - 1) if form == 1 else None
    return f"{name}@{word}{ending}" if name else word + ending


def draw_phrase(rng: np.random.Generator, material: Material) -> str | None:
    """Draw several words with a space between them."""
    length = material.min_length + below(rng, material.max_length - material.min_length + 1)
    first = material.pick_part(rng, length - 2)
    if first is None:
        return None
    phrase = first
    while word := material.pick_part(rng, length - len(phrase) - 1):
        phrase += " " + word
    return phrase if " " in phrase else None


def draw_random(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a string of any allowed characters, for scripts and symbols no word list covers."""
    if not material.characters:
        return None
    return _draw_string(rng, material.characters, _draw_length(rng, material))


KINDS: dict[str, Kind] = {
    "words": Kind(draw_word, has_letters=True),
    "numbers": Kind(draw_number, has_digits=True),
    "mixed": Kind(draw_mixed, has_letters=True, has_digits=True),
    "prices": Kind(draw_price, marks="$£€.,", has_digits=True),
    "dates": Kind(draw_date, marks="/-.", has_digits=True),
    "times": Kind(draw_time, marks=":.apm", has_digits=True),
    "punctuated": Kind(draw_punctuated, marks="'-&/\"()[].,!?:;", has_letters=True),
    "addresses": Kind(draw_address, marks=".@", has_letters=True),
    "phrases": Kind(draw_phrase, marks=" ", has_letters=True),
    "random": Kind(draw_random, marks=None, keeps_case=True),
}
