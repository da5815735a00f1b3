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
        short_words: Words of at most `max_length` characters, to put together.
    """

    min_length: int
    max_length: int
    characters: str
    letters: str
    digits: str
    whole_words: tuple[str, ...]
    short_words: tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """A kind of text.

    Args:
        draw: Draws a candidate, or None when the material does not allow one.
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
        text += f".{pick(rng, ('99', '95', '50', '00', '49'))}" if happens(rng, 0.5) else (
            f".{below(rng, 100):02d}"
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
    if not material.short_words:
        return None
    word = pick(rng, material.short_words)
    form = below(rng, 4)
    if form == 0:
        return word + "'s"
    if form == 1:
        return word + pick(rng, "-&/") + pick(rng, material.short_words)
    if form == 2:
        opening, closing = pick(rng, ('""', "()", "''", "[]"))
        return opening + word + closing
    return word + pick(rng, (".", ",", "!", "?", ":", ";", "...", "!!"))


def draw_address(rng: np.random.Generator, material: Material) -> str | None:
    """Draw an address of the web: `www.example.com`, `name@example.org`."""
    if not material.short_words:
        return None
    host = pick(rng, material.short_words) + pick(rng, (".com", ".org", ".net", ".co.uk", ".de"))
    form = below(rng, 3)
    if form == 0:
        return "www." + host
    return f"{pick(rng, material.short_words)}@{host}" if form == 1 else host


def draw_phrase(rng: np.random.Generator, material: Material) -> str | None:
    """Draw several words with a space between them."""
    if not material.short_words:
        return None
    length = material.min_length + below(rng, material.max_length - material.min_length + 1)
    words = [pick(rng, material.short_words), pick(rng, material.short_words)]
    phrase = " ".join(words)
    while len(phrase) < length:
        word = pick(rng, material.short_words)
        if len(phrase) + 1 + len(word) > material.max_length:
            break
        phrase += " " + word
    return phrase


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
