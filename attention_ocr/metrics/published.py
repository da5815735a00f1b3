"""Metrics as two older systems define them, to compare with the figures that those print.

They are kinder than `attention_ocr.metrics.accuracy`, each in its own way, and are named after
where they come from. Texts are compared in Unicode's composed form (NFC). None is ever NaN.
"""

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from attention_ocr.metrics.text_pairs import composed_pairs


def google_character_accuracy(labels: Sequence[str], predictions: Sequence[str]) -> float:
    """Average the share of a label's characters that are read in their place.

    `char_accuracy` of attention_ocr in tensorflow/models. Two quirks are kept: what is read after
    the end of the label does not count, so that a text that is too long is right; and one missing
    character makes all that follow it wrong, because no alignment is looked for. A third is not:
    an empty label, 0 / 0 there, counts as read, as it does in `google_sequence_accuracy`.

    Args:
        labels: The true texts.
        predictions: The texts read, in the same order.

    Returns:
        A number in [0, 1]; 0 for no texts.

    Raises:
        ValueError: If the two differ in length.

    Example:
        >>> google_character_accuracy(["four", "four"], ["fours", "our"])
        0.5
    """
    return _mean([_share_in_place(*pair) for pair in composed_pairs(labels, predictions)])


def google_sequence_accuracy(labels: Sequence[str], predictions: Sequence[str]) -> float:
    """Return the share of texts that begin with their label.

    `sequence_accuracy` of attention_ocr in tensorflow/models. It overwrites the prediction where
    the label has ended, so that a text that is too long counts as right, and any text does for an
    empty label. `metrics.exact_match` does not.

    Args:
        labels: The true texts.
        predictions: The texts read, in the same order.

    Returns:
        A number in [0, 1]; 0 for no texts.

    Raises:
        ValueError: If the two differ in length.

    Example:
        >>> google_sequence_accuracy(["four", "four"], ["fours", "fou"])
        0.5
    """
    pairs = composed_pairs(labels, predictions)
    return _mean([float(prediction.startswith(label)) for label, prediction in pairs])


def aocr_soft_accuracy(labels: Sequence[str], predictions: Sequence[str]) -> float:
    """Average `1 - min(1, edits / characters of the label)`.

    The accuracy that `aocr test` prints (emedvedev/attention-ocr, with its `use_distance`, the
    default). A text with every second character wrong is half right, and short and long labels
    weigh the same. An empty label is read by an empty text alone.

    Args:
        labels: The true texts.
        predictions: The texts read, in the same order.

    Returns:
        A number in [0, 1]; 0 for no texts.

    Raises:
        ValueError: If the two differ in length.

    Example:
        >>> aocr_soft_accuracy(["four", ""], ["for", ""])
        0.875
    """
    return _mean([1.0 - _share_wrong(*pair) for pair in composed_pairs(labels, predictions)])


def _share_in_place(label: str, prediction: str) -> float:
    if not label:
        return 1.0
    same = sum(wanted == read for wanted, read in zip(label, prediction, strict=False))
    return same / len(label)


def _share_wrong(label: str, prediction: str) -> float:
    if not label:
        return float(bool(prediction))
    return min(1.0, Levenshtein.distance(label, prediction) / len(label))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
