"""Random choices in under a microsecond: an image needs fifty, and NumPy's take longer."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def below(rng: np.random.Generator, end: int) -> int:
    """Draw an integer from 0 to `end` - 1."""
    return int(rng.random() * end)


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number from `low` to `high`."""
    return low + (high - low) * rng.random()


def happens(rng: np.random.Generator, probability: float) -> bool:
    """Return True with this probability."""
    return rng.random() < probability


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """Draw one of the items, each as likely as the others."""
    return items[int(rng.random() * len(items))]
