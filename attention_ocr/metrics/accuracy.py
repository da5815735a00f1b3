"""How close predicted texts are to their labels: strings in, numbers out.

Every metric compares texts in Unicode's composed form (NFC), so that "é" written as one code point
equals "é" written as a letter and a combining accent. Lengths and distances count code points of
that form. No metric is ever NaN.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from attention_ocr.metrics.published import (
    aocr_soft_accuracy,
    google_character_accuracy,
    google_sequence_accuracy,
)
from attention_ocr.metrics.text_pairs import composed, composed_pairs

# Quantile of the standard normal distribution for a two-sided interval of 95 %.
Z_95 = 1.959963984540054


def edit_distance(label: str, prediction: str) -> int:
    """Count the insertions, deletions and substitutions that turn one text into the other.

    Example:
        >>> edit_distance("kitten", "sitting")
        3
    """
    return Levenshtein.distance(composed(label), composed(prediction))


def word_distance(label: str, prediction: str) -> int:
    """Count the edits of whole words, separated by white space.

    Example:
        >>> word_distance("rue de la paix", "rue dela paix")
        2
    """
    return Levenshtein.distance(composed(label).split(), composed(prediction).split())


def exact_match(label: str, prediction: str) -> bool:
    """Tell whether the prediction is the label, character by character: case, spaces and all.

    Example:
        >>> exact_match("Straße 5", "Straße 55")
        False
    """
    return composed(label) == composed(prediction)


def alphanumeric_match(label: str, prediction: str) -> bool:
    """Tell whether the texts agree in their letters and digits, whatever their case.

    Scene-text recognisers are compared under this protocol with only `0-9a-z` kept (Baek et al.,
    "What Is Wrong With Scene Text Recognition Model Comparisons?"). Here the letters and digits of
    every script are kept, as `str.isalnum` knows them after case folding: the two protocols agree
    on ASCII and differ where a text holds "é". Combining marks without a composed form are dropped.
    Two texts without any letter or digit agree.

    Example:
        >>> alphanumeric_match("Don't", "DONT!")
        True
    """
    return _alphanumeric(label) == _alphanumeric(prediction)


def cer(labels: Sequence[str], predictions: Sequence[str]) -> float:
    """Divide the edits of all texts by the characters of all labels (character error rate).

    It exceeds 1 where predictions are much too long. Where the labels hold no character at all it
    is 0 if the predictions hold none either, else 1.

    Args:
        labels: The true texts.
        predictions: The texts read, in the same order.

    Returns:
        A rate of 0 or more; 0 is perfect.

    Raises:
        ValueError: If the two differ in length.

    Example:
        >>> cer(["four", "word"], ["for", "word"])
        0.125
    """
    pairs = composed_pairs(labels, predictions)
    return _error_rate(_num_character_errors(pairs), _num_characters(pairs))


def wer(labels: Sequence[str], predictions: Sequence[str]) -> float:
    """Divide the edits of whole words by the words of all labels (word error rate).

    Words are what white space separates. Where the labels hold no word at all the rate is 0 if the
    predictions hold none either, else 1.

    Arguments, range and errors are those of `cer`.

    Example:
        >>> wer(["rue de la paix"], ["rue dela paix"])
        0.5
    """
    pairs = composed_pairs(labels, predictions)
    return _error_rate(_num_word_errors(pairs), _num_words(pairs))


def ned(labels: Sequence[str], predictions: Sequence[str]) -> float:
    """Average the normalised similarity of labels and predictions ("1-N.E.D."): 1 is perfect.

    `1 - mean(D(label, prediction) / max(len(label), len(prediction)))` with `D` the edit distance,
    over all texts (Chng et al., "ICDAR2019 Robust Reading Challenge on Arbitrary-Shaped Text",
    recognition task). Two empty texts are equal. Case and symbols count: a protocol that ignores
    them folds the texts first.

    The result is in [0, 1], and 0 for no texts. Arguments and errors are those of `cer`.

    Example:
        >>> ned(["four", ""], ["for", ""])
        0.875
    """
    pairs = composed_pairs(labels, predictions)
    return _share(sum(Levenshtein.normalized_similarity(*pair) for pair in pairs), len(pairs))


def wilson_interval(successes: int, total: int, z: float = Z_95) -> tuple[float, float]:
    """Bound the share that a sample estimates by Wilson's score interval.

    Unlike `p ± z·sqrt(p(1-p)/n)` it stays inside [0, 1] and has a width at shares of 0 and 1
    (Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927).

    Args:
        successes: How many of the sample have the property.
        total: The size of the sample. Of an empty one nothing is known: (0, 1).
        z: Quantile of the standard normal distribution; the default gives 95 %.

    Returns:
        The lower and the upper bound.

    Raises:
        ValueError: If `successes` is not between 0 and `total`.

    Example:
        >>> low, high = wilson_interval(8, 10)
        >>> round(low, 4), round(high, 4)
        (0.4902, 0.9433)
    """
    if not 0 <= successes <= total:
        raise ValueError(
            "Expected `successes` between 0 and `total`. "
            f"Received: successes={successes}, total={total}"
        )
    if total == 0:
        return 0.0, 1.0
    share = successes / total
    denominator = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / denominator
    half_width = z / denominator * math.sqrt((share * (1 - share) + z * z / (4 * total)) / total)
    # At 0 and 1 the bound is the share itself; rounding would miss it slightly.
    low = 0.0 if successes == 0 else centre - half_width
    high = 1.0 if successes == total else centre + half_width
    return low, high


@dataclass(frozen=True)
class TextMetrics:
    """Counts over a set of texts, the rates they give, and 95 % Wilson intervals of the matches.

    Args:
        num_examples: Labels compared.
        num_exact_matches: Predictions that are the label.
        exact_match: `num_exact_matches / num_examples`.
        exact_match_interval: Lower and upper bound of `exact_match`.
        num_alphanumeric_matches: Predictions that agree in letters and digits, whatever their case.
        alphanumeric_match: `num_alphanumeric_matches / num_examples`.
        alphanumeric_match_interval: Lower and upper bound of `alphanumeric_match`.
        num_characters: Characters of the labels.
        num_character_errors: Edits between labels and predictions.
        cer: Character error rate.
        num_words: Words of the labels.
        num_word_errors: Edits between labels and predictions, in whole words.
        wer: Word error rate.
        ned: Mean normalised similarity ("1-N.E.D."; 1 is perfect).
        google_character_accuracy: As in Google's attention_ocr: too long counts as correct.
        google_sequence_accuracy: As in Google's attention_ocr: too long counts as correct.
        aocr_soft_accuracy: As in aocr: a partly correct text counts in part.
    """

    num_examples: int
    num_exact_matches: int
    exact_match: float
    exact_match_interval: tuple[float, float]
    num_alphanumeric_matches: int
    alphanumeric_match: float
    alphanumeric_match_interval: tuple[float, float]
    num_characters: int
    num_character_errors: int
    cer: float
    num_words: int
    num_word_errors: int
    wer: float
    ned: float
    google_character_accuracy: float
    google_sequence_accuracy: float
    aocr_soft_accuracy: float


def compute_metrics(
    labels: Sequence[str], predictions: Sequence[str], readable: Sequence[bool] | None = None
) -> TextMetrics:
    """Compute every metric over a set of texts.

    Args:
        labels: The true texts. With none, every rate is 0 and the intervals are (0, 1).
        predictions: The texts read, in the same order.
        readable: Whether each image could be decoded; None if all could. The text of an unreadable
            one is wrong even where its label is empty as well: it scores 0 in each metric that
            averages over texts.

    Returns:
        The metrics.

    Raises:
        ValueError: If they differ in length.
    """
    pairs = composed_pairs(labels, predictions)
    read = [
        pair
        for pair, is_readable in zip(pairs, _or_all(readable, pairs), strict=True)
        if is_readable
    ]
    share_read = _share(len(read), len(pairs))
    texts = [label for label, _ in read], [prediction for _, prediction in read]
    num_exact_matches = sum(label == prediction for label, prediction in read)
    num_alphanumeric_matches = sum(alphanumeric_match(*pair) for pair in read)
    num_characters = _num_characters(pairs)
    num_character_errors = _num_character_errors(pairs)
    num_words = _num_words(pairs)
    num_word_errors = _num_word_errors(pairs)
    return TextMetrics(
        num_examples=len(pairs),
        num_exact_matches=num_exact_matches,
        exact_match=_share(num_exact_matches, len(pairs)),
        exact_match_interval=wilson_interval(num_exact_matches, len(pairs)),
        num_alphanumeric_matches=num_alphanumeric_matches,
        alphanumeric_match=_share(num_alphanumeric_matches, len(pairs)),
        alphanumeric_match_interval=wilson_interval(num_alphanumeric_matches, len(pairs)),
        num_characters=num_characters,
        num_character_errors=num_character_errors,
        cer=_error_rate(num_character_errors, num_characters),
        num_words=num_words,
        num_word_errors=num_word_errors,
        wer=_error_rate(num_word_errors, num_words),
        ned=share_read * ned(*texts),
        google_character_accuracy=share_read * google_character_accuracy(*texts),
        google_sequence_accuracy=share_read * google_sequence_accuracy(*texts),
        aocr_soft_accuracy=share_read * aocr_soft_accuracy(*texts),
    )


@dataclass(frozen=True)
class LengthAccuracy:
    """Exact matches among the labels of one length.

    Args:
        num_examples: Labels of this length.
        num_exact_matches: Predictions that are the label.
        exact_match: `num_exact_matches / num_examples`.
        exact_match_interval: 95 % Wilson interval of `exact_match`.
    """

    num_examples: int
    num_exact_matches: int
    exact_match: float
    exact_match_interval: tuple[float, float]


def accuracy_by_length(
    labels: Sequence[str], predictions: Sequence[str], readable: Sequence[bool] | None = None
) -> dict[int, LengthAccuracy]:
    """Group exact matches by the number of characters of the label.

    Args:
        labels: The true texts.
        predictions: The texts read, in the same order.
        readable: Whether each image could be decoded, as for `compute_metrics`.

    Returns:
        For each length that occurs, shortest first, its accuracy.

    Raises:
        ValueError: If they differ in length.
    """
    matches_by_length: defaultdict[int, list[bool]] = defaultdict(list)
    pairs = composed_pairs(labels, predictions)
    for (label, prediction), is_readable in zip(pairs, _or_all(readable, pairs), strict=True):
        matches_by_length[len(label)].append(is_readable and label == prediction)
    return {
        length: LengthAccuracy(
            num_examples=len(matches),
            num_exact_matches=sum(matches),
            exact_match=_share(sum(matches), len(matches)),
            exact_match_interval=wilson_interval(sum(matches), len(matches)),
        )
        for length, matches in sorted(matches_by_length.items())
    }


def _or_all(readable: Sequence[bool] | None, pairs: Sequence[object]) -> Sequence[bool]:
    return [True] * len(pairs) if readable is None else readable


def _alphanumeric(text: str) -> str:
    # Case folding may decompose a letter again, as it does "ǰ".
    folded = composed(composed(text).casefold())
    return "".join(character for character in folded if character.isalnum())


def _num_characters(pairs: list[tuple[str, str]]) -> int:
    return sum(len(label) for label, _ in pairs)


def _num_character_errors(pairs: list[tuple[str, str]]) -> int:
    return sum(Levenshtein.distance(label, prediction) for label, prediction in pairs)


def _num_words(pairs: list[tuple[str, str]]) -> int:
    return sum(len(label.split()) for label, _ in pairs)


def _num_word_errors(pairs: list[tuple[str, str]]) -> int:
    return sum(word_distance(*pair) for pair in pairs)


def _error_rate(num_errors: int, total: int) -> float:
    return num_errors / total if total else float(num_errors > 0)


def _share(count: float, total: int) -> float:
    return count / total if total else 0.0
