"""Which labels are probably wrong, and which unlabelled images to label next."""

import statistics
from collections.abc import Sequence

from attention_ocr.evaluation.evaluate import Prediction
from attention_ocr.metrics.text_pairs import composed

MIN_RIGHT = 5
"""Least number of correct predictions from which the confidence of one is estimated."""


def probably_mislabelled(
    predictions: Sequence[Prediction], unreachable: Sequence[str] = ()
) -> list[int]:
    """Find labels that the model contradicts with the confidence of a correct prediction.

    The rule is that of confident learning (Northcutt, Jiang and Chuang, "Confident Learning:
    Estimating Uncertainty in Dataset Labels", 2021) for texts: a wrong prediction counts if its
    confidence reaches the mean confidence of the correct ones.

    Args:
        predictions: Predictions of an evaluation, better of data that the model was not trained
            on: it may have memorised wrong labels.
        unreachable: Keys of labels that the model cannot predict, which are left out.

    Returns:
        Indices of the predictions, the most confident first; none if fewer than `MIN_RIGHT`
        predictions are correct.
    """
    right = [entry.confidence for entry in predictions if entry.right]
    if len(right) < MIN_RIGHT:
        return []
    threshold = statistics.fmean(right)
    excluded = set(unreachable)
    found = [
        index
        for index, entry in enumerate(predictions)
        if entry.readable
        and not entry.right
        and entry.confidence >= threshold
        and entry.key not in excluded
    ]
    return sorted(found, key=lambda index: -predictions[index].confidence)


def next_to_label(predictions: Sequence[Prediction], count: int) -> list[int]:
    """Choose the unlabelled images whose labels teach the model most.

    Images of the least confidence first (Lewis and Gale, "A Sequential Algorithm for Training Text
    Classifiers", 1994), and of several images with one predicted text only one, so that a batch of
    labels is diverse.

    Args:
        predictions: Predictions for unlabelled images.
        count: Maximum number of images.

    Returns:
        Indices of the predictions.
    """
    chosen: dict[str, int] = {}
    readable = (index for index, entry in enumerate(predictions) if entry.readable)
    for index in sorted(readable, key=lambda index: predictions[index].confidence):
        text = composed(predictions[index].prediction).casefold()
        # Unlike texts, failures to read anything are all different.
        chosen.setdefault(text or f"\0{index}", index)
    return list(chosen.values())[:count]
