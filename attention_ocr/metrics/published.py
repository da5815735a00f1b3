"""Metrics as two older systems define them, to compare with the figures that those print.

They are more lenient than `attention_ocr.metrics.accuracy`, each in its own way, and are named
after their origin. Texts are compared in Unicode's composed form (NFC). None is ever NaN.

Arguments and errors are those of `accuracy.cer`; each metric is in [0, 1], and 0 for no texts.
"""

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from attention_ocr.metrics.text_pairs import composed_pairs


def google_character_accuracy(labels: Sequence[str], predictions: Sequence[str]) -> float:
    """Average the share of a label's characters that are predicted in their place.

    `char_accuracy` of attention_ocr in tensorflow/models. Two quirks are kept: characters after the
    end of the label do not count, so that a text that is too long is correct; and one missing
    character makes all later ones wrong, because nothing is aligned. A third is not: an empty
    label, 0 / 0 there, counts as correct, as it does in `google_sequence_accuracy`.

    Example:
        >>> google_character_accuracy(["four", "four"], ["fours", "our"])
        0.5
    """
    return _mean([_share_in_place(*pair) for pair in composed_pairs(labels, predictions)])


def google_sequence_accuracy(labels: Sequence[str], predictions: Sequence[str]) -> float:
    """Return the share of texts that begin with their label.

    `sequence_accuracy` of attention_ocr in tensorflow/models. It overwrites the prediction where
    the label has ended, so that a text that is too long counts as correct, as does any text for
    an empty label. `metrics.exact_match` does not.

    Example:
        >>> google_sequence_accuracy(["four", "four"], ["fours", "fou"])
        0.5
    """
    pairs = composed_pairs(labels, predictions)
    return _mean([float(prediction.startswith(label)) for label, prediction in pairs])


def aocr_soft_accuracy(labels: Sequence[str], predictions: Sequence[str]) -> float:
    """Average `1 - min(1, edits / characters of the label)`.

    The accuracy that `aocr test` prints (emedvedev/attention-ocr, with its `use_distance`, the
    default). A text with every second character wrong counts half, and short and long labels weigh
    the same. For an empty label only an empty text is correct.

    Example:
        >>> aocr_soft_accuracy(["four", ""], ["for", ""])
        0.875
    """
    return _mean([1.0 - _share_wrong(*pair) for pair in composed_pairs(labels, predictions)])


def _share_in_place(label: str, prediction: str) -> float:
    if not label:
        return 1.0
    same = sum(expected == read for expected, read in zip(label, prediction, strict=False))
    return same / len(label)


def _share_wrong(label: str, prediction: str) -> float:
    if not label:
        return float(bool(prediction))
    return min(1.0, Levenshtein.distance(label, prediction) / len(label))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
