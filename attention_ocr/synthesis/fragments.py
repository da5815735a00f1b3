"""Words as they occur in images: in running text, cut off, misspelt, with letters missing."""

import math
from collections.abc import Callable

import numpy as np

from attention_ocr.synthesis.chance import below, happens, pick
from attention_ocr.synthesis.material import Material

# Rank r is drawn in proportion to 1 / (r + _FLATTENING).
_FLATTENING = 30
_ENDINGS = (",", ",", ",", ".", ".", ".", ":", ";", "!", "?", "'s", "-", ")", '"', "...", "%", "*")
_PAIRS = (("(", ")"), ('"', '"'), ("'", "'"), ("[", "]"))

# The words that make up half of English running text; many word lists omit them or are sorted
# alphabetically.
_FUNCTION_WORDS = """
    the of and to a in for is on that by this with you it not or be are from at as your all have new
    more an was we will home can us about if page my has search free but our one other do no they he
    up may what which their out use any there see only so his when here who also now get first been
    would how were me some these its like than find had into them should her such please after best
    then good well where through each she years way over because does did off two down must before
    between under very last open every same
"""
FUNCTION_WORDS = tuple(_FUNCTION_WORDS.split())


def _title(text: str) -> str:
    return text[:1].upper() + text[1:].lower()


_CASINGS: tuple[Callable[[str], str], ...] = (str.lower, _title, str.upper)


def draw_fragment(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a piece of a word, or a word with a letter missing, changed, doubled or swapped."""
    word = material.pick_part(rng, len(material.num_parts) - 1)
    if word is None:
        return None
    word = pick(rng, _CASINGS)(word)
    variant = below(rng, 15)
    if variant < 10:
        return _cut(rng, word, material)
    place = below(rng, len(word))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    if variant == 10 or (variant == 11 and not material.letters):
        return before + after or None
    if variant == 11:
        other = pick(rng, material.letters)
        return before + (other.upper() if letter.isupper() else other.lower()) + after
    if variant == 12:
        return before + 2 * letter + after
    if variant == 13:
        return before + after[:1] + letter + after[1:]
    kept = [character for character in word if happens(rng, 0.75)]
    return "".join(kept) or None


def _cut(rng: np.random.Generator, word: str, material: Material) -> str | None:
    """Cut a piece out of a word, at its start, at its end, or at both."""
    shortest = min(len(word), max(2, material.min_length))
    if shortest >= len(word):
        other = material.pick_part(rng, len(material.num_parts) - 1) or ""
        word += other.upper() if word.isupper() else other.lower()
    length = shortest + below(rng, len(word) - shortest) if len(word) > shortest else shortest
    length = min(length, material.max_length)
    start = below(rng, len(word) - length + 1)
    if happens(rng, 0.5):
        start = 0 if happens(rng, 0.5) else len(word) - length
    return word[start : start + length]


def pick_frequent_word(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a word as often as it occurs in running text, by Zipf's law with a flattened head."""
    count = len(material.frequent_words)
    if not count:
        return None
    # The inverse distribution function.
    rank = int(_FLATTENING * (math.exp(rng.random() * math.log1p(count / _FLATTENING)) - 1))
    return material.frequent_words[min(rank, count - 1)]


def draw_running_word(rng: np.random.Generator, material: Material) -> str | None:
    """Draw a word as in running text: frequent ones often, some with punctuation."""
    word = pick_frequent_word(rng, material)
    if word is None:
        return None
    case = rng.random()
    if case > 0.9:
        word = word.upper()
    elif case > 0.65:
        word = _title(word)
    variant = rng.random()
    if variant < 0.14:
        ending = pick(rng, _ENDINGS)
        if all(mark in material.characters for mark in ending):
            return word + ending
    elif variant < 0.17:
        opening, closing = pick(rng, _PAIRS)
        if opening in material.characters and closing in material.characters:
            return opening + word + (closing if happens(rng, 0.5) else "")
    elif variant < 0.19 and "-" in material.characters:
        second = material.pick_part(rng, material.max_length - len(word) - 1)
        return f"{word}-{second}" if second else word
    return word


def order_by_frequency(words: tuple[str, ...], is_english: bool) -> tuple[str, ...]:
    """Order words by their frequency.

    Args:
        words: Words in the order of their file: most frequent first, or alphabetical.
        is_english: Whether `FUNCTION_WORDS` may be added to alphabetical words.

    Returns:
        The words unchanged; alphabetical ones shuffled with a fixed seed.
    """
    folded = [word.casefold() for word in words[:1000]]
    if len(words) < 3 or folded != sorted(folded):
        return words
    first = FUNCTION_WORDS if is_english else ()
    known = frozenset(first)
    rest = [word for word in words if word not in known]
    places = np.random.default_rng(0).permutation(len(rest))
    return (*first, *[rest[place] for place in places])
