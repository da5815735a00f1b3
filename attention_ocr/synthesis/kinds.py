"""Kinds of text, one function each: words, numbers, codes, prices, dates and so on.

A function draws a candidate; `TextSampler` draws again when it violates the settings, so a function
need only fit most of the time.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from attention_ocr.synthesis.chance import below, between, happens, pick
from attention_ocr.synthesis.codes import (
    draw_captcha,
    draw_code,
    draw_plate,
    draw_reading,
    draw_tag,
)
from attention_ocr.synthesis.fragments import draw_fragment, draw_running_word
from attention_ocr.synthesis.material import Kind, Material, draw_string
from attention_ocr.synthesis.sentences import MARKS, draw_sentence


def draw_word(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a word of the vocabulary, each as likely as the others: 8 characters on average."""
    return pick(rng, material.whole_words) if material.whole_words else None


def draw_number(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a string of digits."""
    if not material.digits:
        return None
    return draw_string(rng, material.digits, material.draw_length(rng))


def draw_mixed(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a code of letters and digits, in runs (`AB1234`) or shuffled (`x7Qa1`)."""
    if not material.digits or not material.letters:
        return None
    length = max(2, material.draw_length(rng))
    num_letters = 1 + below(rng, length - 1)
    code = draw_string(rng, material.letters, num_letters) + draw_string(
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


def draw_item(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a line of a receipt: `2 3.50`, `3 x 1.20 3.60`, `Bread 2.49`, `1 Milk 0.89 0.89`."""
    count = str(1 + min(below(rng, 12), below(rng, 12)))
    point = pick(rng, "..,")
    prices = [
        f"{int(10.0 ** between(rng, 0, 2.5))}{point}{below(rng, 100):02d}"
        for _ in range(1 + below(rng, 2))
    ]
    name = material.pick_part(rng, 16) if happens(rng, 0.4) else None
    cells = [name] if name else []
    if not name or happens(rng, 0.5):
        at = below(rng, len(cells) + 1)
        cells.insert(at, f"{count} {pick(rng, 'xX')}" if happens(rng, 0.3) else count)
    return " ".join([*cells, *prices])


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
    variant = below(rng, 4)
    if variant == 0:
        return word + "'s"
    if variant == 1:
        second = material.pick_part(rng, material.max_length - 1 - len(word))
        return word + pick(rng, "-&/") + second if second else word + "-"
    if variant == 2:
        opening, closing = pick(rng, (('"', '"'), ("(", ")"), ("'", "'"), ("[", "]")))
        return opening + word + closing
    return word + pick(rng, (".", ",", "!", "?", ":", ";", "...", "!!"))


def draw_address(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a web or e-mail address: `www.example.com`, `name@example.org`."""
    ending = pick(rng, (".com", ".org", ".net", ".co.uk", ".de"))
    room = material.max_length - len(ending)
    variant = below(rng, 3)
    word = material.pick_part(rng, room - 4 * (variant == 0))
    if word is None:
        return None
    if variant == 0:
        return f"www.{word}{ending}"
    name = material.pick_part(rng, room - len(word) - 1) if variant == 1 else None
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
    """Draw a string of any allowed characters, for scripts and symbols without a word list."""
    if not material.characters:
        return None
    return draw_string(rng, material.characters, material.draw_length(rng))


def _code_kind(draw: Callable[[np.random.Generator, Material], str | None]) -> Kind:
    return Kind(
        draw,
        marks="-:_./=+",
        has_letters=True,
        has_digits=True,
        keeps_case=True,
        spells=True,
    )


KINDS: dict[str, Kind] = {
    "words": Kind(draw_word, has_letters=True),
    "numbers": Kind(draw_number, has_digits=True),
    "mixed": Kind(draw_mixed, has_letters=True, has_digits=True, spells=True),
    "prices": Kind(draw_price, marks="$£€.,", has_digits=True),
    "items": Kind(draw_item, marks=" .,xX", has_letters=True, has_digits=True),
    "dates": Kind(draw_date, marks="/-.", has_digits=True),
    "times": Kind(draw_time, marks=":.apm", has_digits=True),
    "punctuated": Kind(draw_punctuated, marks="'-&/\"()[].,!?:;", has_letters=True),
    "addresses": Kind(draw_address, marks=".@", has_letters=True),
    "phrases": Kind(draw_phrase, marks=" ", has_letters=True),
    "random": Kind(draw_random, marks=None, keeps_case=True),
    "codes": _code_kind(draw_code),
    "plates": _code_kind(draw_plate),
    "tags": _code_kind(draw_tag),
    "meters": Kind(draw_reading, marks=".,:-", has_digits=True),
    "captchas": Kind(draw_captcha, has_letters=True, has_digits=True, keeps_case=True, spells=True),
    "fragments": Kind(draw_fragment, has_letters=True, keeps_case=True, spells=True),
    "sentences": Kind(
        partial(draw_sentence, figures=(draw_price, draw_date, draw_time)),
        marks=MARKS,
        has_letters=True,
        has_digits=True,
        keeps_case=True,
    ),
    "runs": Kind(draw_running_word, marks="'-\"()[].,!?:;%*", has_letters=True, keeps_case=True),
}
