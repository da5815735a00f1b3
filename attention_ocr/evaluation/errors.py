"""Error analysis: character confusions and the worst predictions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from attention_ocr.evaluation.evaluate import Prediction


class Confusion(NamedTuple):
    """A character recognised as another.

    Attributes:
        label: The character of the label; empty for an insertion.
        prediction: The predicted character; empty for a deletion.
        times: Number of occurrences.
    """

    label: str
    prediction: str
    times: int


class Failure(NamedTuple):
    """A wrong prediction.

    Attributes:
        key: Key of the image.
        label: Its label.
        prediction: Predicted text.
        confidence: Probability of the prediction, in [0, 1].
        num_errors: Edits between label and prediction.
    """

    key: str
    label: str
    prediction: str
    confidence: float
    num_errors: int


def confusions(predictions: Iterable[Prediction]) -> list[Confusion]:
    """Count the edits that turn labels into predictions.

    Args:
        predictions: Predictions of an evaluation; unreadable images are ignored.

    Returns:
        Each kind of edit, most frequent first.

    Example:
        >>> one = Prediction("a.png", "OO", "00", 0.5, shrunk=False, readable=True)
        >>> confusions([one])
        [Confusion(label='O', prediction='0', times=2)]
    """
    counts: Counter[tuple[str, str]] = Counter()
    for entry in predictions:
        if entry.readable and entry.label != entry.prediction:
            counts.update(_edits(entry.label, entry.prediction))
    return [
        Confusion(*edit, count)
        for edit, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    ]


def worst_cases(predictions: Sequence[Prediction], count: int) -> list[Failure]:
    """Return the worst predictions, see `worst_indices`."""
    return [
        Failure(entry.key, entry.label, entry.prediction, entry.confidence, entry.distance)
        for entry in map(predictions.__getitem__, worst_indices(predictions, count))
    ]


def worst_indices(predictions: Sequence[Prediction], count: int) -> list[int]:
    """Return the indices of the worst predictions.

    Args:
        predictions: Predictions of an evaluation; unreadable images are ignored.
        count: Maximum number of failures.

    Returns:
        Failures by decreasing error rate; among equals the most confident first, which often
        reveal wrong labels.
    """
    ranked = []
    for index, entry in enumerate(predictions):
        num_errors = entry.distance if entry.readable else 0
        if num_errors:
            rate = num_errors / max(1, len(entry.label), len(entry.prediction))
            ranked.append((-rate, -entry.confidence, entry.key, index))
    return [index for *_, index in sorted(ranked)[:count]]


def _edits(label: str, prediction: str) -> Iterable[tuple[str, str]]:
    for edit in Levenshtein.editops(label, prediction):
        wanted = "" if edit.tag == "insert" else label[edit.src_pos]
        read = "" if edit.tag == "delete" else prediction[edit.dest_pos]
        yield wanted, read
