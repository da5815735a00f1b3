"""Comparison of rendered images."""

import hashlib
from collections.abc import Iterable

import numpy as np


def digest(examples: Iterable[tuple[np.ndarray, str]]) -> str:
    """Return a hash of images and texts."""
    state = hashlib.sha256()
    for image, text in examples:
        state.update(f"{image.shape} {text}\n".encode())
        state.update(image.tobytes())
    return state.hexdigest()
