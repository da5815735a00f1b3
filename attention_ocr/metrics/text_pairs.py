"""Pairs of labels and predictions, in the Unicode form in which they are compared."""

import unicodedata
from collections.abc import Sequence


def composed(text: str) -> str:
    """Return a text in Unicode's composed form (NFC)."""
    return unicodedata.normalize("NFC", text)


def composed_pairs(labels: Sequence[str], predictions: Sequence[str]) -> list[tuple[str, str]]:
    """Return each label with its prediction, in composed form.

    Raises:
        ValueError: If the two differ in length, or one is a single text.
    """
    # A single text would pass as a sequence of one-character texts.
    if isinstance(labels, str) or isinstance(predictions, str):
        raise ValueError(f"Expected lists of texts. Received: {labels!r} and {predictions!r}")
    if len(labels) != len(predictions):
        raise ValueError(
            "Expected as many predictions as labels. "
            f"Received: {len(labels)} labels, {len(predictions)} predictions"
        )
    return [
        (composed(label), composed(prediction))
        for label, prediction in zip(labels, predictions, strict=True)
    ]
