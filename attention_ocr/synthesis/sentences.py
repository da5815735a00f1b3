"""Lines of running text: words, figures and punctuation, with the quotes and dashes of print."""

from collections.abc import Callable, Sequence

import numpy as np

from attention_ocr.synthesis.chance import below, happens, pick
from attention_ocr.synthesis.fragments import pick_frequent_word
from attention_ocr.synthesis.material import Material, draw_string

Draw = Callable[[np.random.Generator, Material], str | None]

MARKS = " '-\"()[].,!?:;%*&/=+#@‘’‚“”„«»‹›–—…•·¡¿€£$§°"
"""Characters that a sentence may use besides letters and digits."""

_FULL_STOPS = (".", ".", ".", ".", "!", "?", "…", "...", ":")
_PAUSES = (",", ",", ",", ",", ";", ":")
_DASHES = ("–", "–", "—", "-")
_PAIRS = (
    *(("“", "”"), ("„", "“"), ("«", "»"), ("»", "«"), ("‘", "’"), ("‹", "›")),
    *(('"', '"'), ("'", "'"), ("(", ")"), ("(", ")"), ("[", "]"), ("¿", "?"), ("¡", "!")),
)
_APOSTROPHES = ("'", "’")
_UNITS = ("%", "°", "€", " €", " %", " £", "§")
_BULLETS = ("• ", "- ", "– ", "* ", "· ", "§ ", "# ")


def draw_sentence(
    rng: np.random.Generator, material: Material, figures: Sequence[Draw]
) -> str | None:
    """Draw a part of a text as it stands on one line.

    Args:
        rng: Random generator.
        material: Words and characters.
        figures: Functions that draw prices, dates and the like, besides plain numbers.

    Returns:
        Words, as frequent as in running text, and figures, separated by single spaces, with
        punctuation; `None` if a first word does not fit.
    """
    length = material.min_length + below(rng, material.max_length - material.min_length + 1)
    share_of_figures = pick(rng, (0.03, 0.03, 0.03, 0.15, 0.4))
    is_upper = happens(rng, 0.15)
    line = _pick_fitting(rng, material, _BULLETS) if happens(rng, 0.06) else ""
    starts = happens(rng, 0.6)
    while True:
        token = _draw_token(rng, material, starts, share_of_figures, figures)
        if token is None or len(line) + len(token) > length:
            break
        # Abbreviations are followed by lower case: a reader must not infer the stop from the case.
        starts = token[-1] in ".!?…" and happens(rng, 0.6)
        line += token + " "
        if happens(rng, 0.02) and (dash := _pick_fitting(rng, material, _DASHES)):
            line += dash + " "
    line = line.strip()
    return (line.upper() if is_upper else line) or None


def _draw_token(
    rng: np.random.Generator,
    material: Material,
    starts: bool,
    share_of_figures: float,
    figures: Sequence[Draw],
) -> str | None:
    """Draw a word or a figure with the punctuation around it."""
    if material.digits and happens(rng, share_of_figures):
        token = pick(rng, (_draw_count, *figures))(rng, material)
        if token and happens(rng, 0.15):
            token += _pick_fitting(rng, material, _UNITS)
    else:
        token = pick_frequent_word(rng, material)
        if token is not None:
            token = _write_word(rng, material, token, starts)
    if not token:
        return None
    variant = rng.random()
    if variant < 0.06:
        return token + _pick_fitting(rng, material, _FULL_STOPS)
    if variant < 0.14:
        return token + _pick_fitting(rng, material, _PAUSES)
    if variant < 0.18:
        opening, closing = pick(rng, _PAIRS)
        if opening in material.characters and closing in material.characters:
            return opening + token + (closing if happens(rng, 0.7) else "")
    return token


def _draw_count(rng: np.random.Generator, material: Material) -> str:
    """Draw a number of one to six digits, short ones more often."""
    return draw_string(rng, material.digits, 1 + min(below(rng, 6), below(rng, 6)))


def _write_word(rng: np.random.Generator, material: Material, word: str, starts: bool) -> str:
    """Capitalise a word, join a second one, or add an apostrophe, each now and then."""
    variant = rng.random()
    if variant < 0.02:
        word = word.upper()
    elif starts or variant < 0.15:
        word = word[:1].upper() + word[1:]
    if happens(rng, 0.02) and (mark := _pick_fitting(rng, material, _APOSTROPHES)):
        return word + mark + "s"
    if happens(rng, 0.02) and "-" in material.characters:
        second = pick_frequent_word(rng, material)
        return f"{word}-{second}" if second else word
    return word


def _pick_fitting(rng: np.random.Generator, material: Material, texts: Sequence[str]) -> str:
    """Draw one of the texts, or nothing if its characters are not allowed."""
    text = pick(rng, texts)
    return text if all(mark in material.characters for mark in text.replace(" ", "")) else ""
