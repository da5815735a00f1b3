"""CTC by its definition: every path through the columns, one after the other."""

import itertools
from collections import defaultdict

import numpy as np

from attention_ocr.text.charset import BLANK_ID, END_ID, START_ID


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return log-probabilities without start and end, in float64."""
    logits = logits.astype(np.float64)
    logits[..., [START_ID, END_ID]] = -np.inf
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def read(path: tuple[int, ...]) -> tuple[int, ...]:
    """Merge repeats and drop blanks."""
    return tuple(label for label, _ in itertools.groupby(path) if label != BLANK_ID)


def every_path(logits: np.ndarray) -> dict[tuple[int, ...], float]:
    """Return the probability of every path through logits [W, V]."""
    probabilities = np.exp(log_softmax(logits))
    labels = [label for label in range(logits.shape[1]) if label not in (START_ID, END_ID)]
    return {
        path: float(np.prod([probabilities[t, label] for t, label in enumerate(path)]))
        for path in itertools.product(labels, repeat=len(logits))
    }


def every_text(logits: np.ndarray) -> dict[tuple[int, ...], float]:
    """Return the probability of every text that fits into the columns of logits [W, V]."""
    texts: dict[tuple[int, ...], float] = defaultdict(float)
    for path, probability in every_path(logits).items():
        texts[read(path)] += probability
    return dict(texts)


def posteriors(logits: np.ndarray, text: tuple[int, ...]) -> np.ndarray:
    """Return [len(text), W], how probable each character is in each column, given the text."""
    shares = np.zeros((len(text), len(logits)))
    for path, probability in every_path(logits).items():
        if read(path) != text:
            continue
        position, previous = -1, BLANK_ID
        for column, label in enumerate(path):
            if label not in (BLANK_ID, previous):
                position += 1
            if label != BLANK_ID:
                shares[position, column] += probability
            previous = label
    return shares / every_text(logits)[text]
