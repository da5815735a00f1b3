"""Where the words of a line that was read as a whole begin and end, by the attention."""

import numpy as np

from attention_ocr.inference.engines.interface import Reading


def has_positions(reading: Reading) -> bool:
    """Return whether the attention says where along the line each character was read."""
    # Of a rotated or straightened line, the attention has another direction.
    is_turned = reading.quarter_turns or reading.slant or reading.shear or reading.arc
    if len(reading.attention) != len(reading.text) or is_turned:
        return False
    columns = reading.attention.sum(axis=1)
    return bool(columns.size and columns.sum(axis=1).all())


def character_centres(reading: Reading, aspect: float) -> np.ndarray:
    """Return where along the line each character was read.

    Args:
        reading: Reading of the line.
        aspect: Width of the line relative to its height.

    Returns:
        float [n], fractions of the width, never decreasing.
    """
    num_characters = len(reading.text)
    even = (np.arange(num_characters) + 0.5) / max(num_characters, 1)
    if not has_positions(reading):
        return even
    columns = reading.attention.sum(axis=1)
    weights = columns.sum(axis=1)
    centres = (np.arange(columns.shape[1]) + 0.5) / columns.shape[1]
    found = (columns @ centres) / weights / max(reading.attention_extent[1], 1e-6)
    # A second look with a margin: fractions are of the image with its margins.
    margin = reading.margin / aspect
    found = found * (1 + 2 * margin) - margin
    return np.maximum.accumulate(np.clip(found, 0.0, 1.0))


def word_spans(reading: Reading, aspect: float) -> list[tuple[str, float, float, float]]:
    """Return the words of a line: text, confidence, and begin and end as fractions of the width.

    Words end at the space between them. The confidence of a word is the product of those of its
    characters.

    Args:
        reading: Reading of the line.
        aspect: Width of the line relative to its height.
    """
    centres = character_centres(reading, aspect)
    words = []
    start = 0
    for text in reading.text.split(" "):
        end = start + len(text)
        if text:
            left = float(centres[start - 1]) if start > 0 else 0.0
            right = float(centres[end]) if end < len(centres) else 1.0
            confidence = float(np.prod(reading.character_confidences[start:end]))
            words.append((text, confidence, left, max(right, left)))
        start = end + 1
    return words
