"""Scores by length, image height, class of text, and source."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from attention_ocr.evaluation.evaluate import Prediction
from attention_ocr.metrics.accuracy import cer, wilson_interval

LENGTH_LIMITS = (4, 8, 12, 16, 24, 40, 80)
HEIGHT_LIMITS = (12, 16, 24, 32, 48, 64, 96, 160)
CLASSES = (
    "empty",
    "digits",
    "lower case",
    "upper case",
    "capitalised",
    "mixed case",
    "letters without case",
    "letters and digits",
    "with punctuation",
    "several words",
)


class GroupScore(NamedTuple):
    """Scores of some of the examples.

    Attributes:
        name: What they have in common.
        num_examples: Number of examples.
        exact_match: Share of exact matches, in [0, 1].
        interval: Its 95 % Wilson interval.
        cer: Character error rate.
    """

    name: str
    num_examples: int
    exact_match: float
    interval: tuple[float, float]
    cer: float


def score_groups(
    predictions: Iterable[Prediction], group_of: Callable[[Prediction], str]
) -> list[GroupScore]:
    """Return the scores of each group, in the order in which the groups first occur.

    Args:
        predictions: Predictions of an evaluation.
        group_of: Returns the name of an example's group.
    """
    members: defaultdict[str, list[Prediction]] = defaultdict(list)
    for entry in predictions:
        members[group_of(entry)].append(entry)
    return [_score(name, group) for name, group in members.items()]


def by_length(predictions: Sequence[Prediction]) -> list[GroupScore]:
    """Return the scores by range of label lengths, shortest first."""
    ordered = sorted(predictions, key=lambda entry: len(entry.label))
    return score_groups(ordered, lambda entry: range_name(len(entry.label), LENGTH_LIMITS))


def by_height(predictions: Sequence[Prediction]) -> list[GroupScore]:
    """Return the scores by range of image heights, lowest first; unreadable images are ignored."""
    ordered = sorted((entry for entry in predictions if entry.height), key=lambda e: e.height)
    return score_groups(ordered, lambda entry: f"{range_name(entry.height, HEIGHT_LIMITS)} px")


def by_class(predictions: Sequence[Prediction]) -> list[GroupScore]:
    """Return the scores by class of label, in the order of `CLASSES`."""
    ordered = sorted(predictions, key=lambda entry: CLASSES.index(text_class(entry.label)))
    return score_groups(ordered, lambda entry: text_class(entry.label))


def by_source(predictions: Sequence[Prediction]) -> list[GroupScore]:
    """Return the scores by source of a mixture, or else by the folder in the keys."""
    return score_groups(predictions, lambda entry: entry.source or entry.key.rpartition("/")[0])


def range_name(number: int, limits: Sequence[int]) -> str:
    """Return the name of the range of a number.

    Args:
        number: A whole number, not negative.
        limits: Upper limits of the ranges, ascending; the last range has none.

    Example:
        >>> range_name(5, (4, 8)), range_name(9, (4, 8))
        ('5 to 8', '9 or more')
    """
    index = sum(number > limit for limit in limits)
    low = limits[index - 1] + 1 if index else 0
    return f"{low} to {limits[index]}" if index < len(limits) else f"{low} or more"


def text_class(text: str) -> str:
    """Return the class of a text, one of `CLASSES`.

    Example:
        >>> [text_class(text) for text in ("2024", "Exit", "B2", "don't", "two words")]
        ['digits', 'capitalised', 'letters and digits', 'with punctuation', 'several words']
    """
    if not text:
        return "empty"
    if any(character.isspace() for character in text):
        return "several words"
    # Combining marks belong to the letter before them.
    base = [character for character in text if not unicodedata.category(character).startswith("M")]
    if not all(character.isalpha() or character.isdecimal() for character in base):
        return "with punctuation"
    if any(character.isdecimal() for character in base):
        return "digits" if all(map(str.isdecimal, base)) else "letters and digits"
    return _letter_case("".join(base))


def _letter_case(letters: str) -> str:
    if letters.islower():
        return "lower case"
    if letters.isupper():
        return "upper case"
    if letters.lower() == letters.upper():
        return "letters without case"
    return "capitalised" if letters[:1].isupper() and letters[1:].islower() else "mixed case"


def _score(name: str, members: Sequence[Prediction]) -> GroupScore:
    num_right = sum(entry.right for entry in members)
    return GroupScore(
        name,
        len(members),
        num_right / len(members),
        wilson_interval(num_right, len(members)),
        cer([entry.label for entry in members], [entry.prediction for entry in members]),
    )
