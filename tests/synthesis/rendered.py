"""Comparison of rendered images, and faults of the renderer."""

import hashlib
from collections.abc import Iterable

import numpy as np
import pytest

from attention_ocr.synthesis import rendering


def digest(examples: Iterable[tuple[np.ndarray, str]]) -> str:
    """Return a hash of images and texts."""
    state = hashlib.sha256()
    for image, text in examples:
        state.update(f"{image.shape} {text}\n".encode())
        state.update(image.tobytes())
    return state.hexdigest()


def fail_on_sevens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the renderer fail in the midst of texts with a 7."""
    set_line = rendering.set_line

    def failing(rng, typesetter, face, size, text, *others):
        if "7" in text:
            raise TypeError("no sevens")
        return set_line(rng, typesetter, face, size, text, *others)

    monkeypatch.setattr(rendering, "set_line", failing)
