"""Encode images as files."""

import cv2
import numpy as np


def encode_rgb(image: np.ndarray, suffix: str) -> bytes:
    """Encode an image.

    Args:
        image: uint8 RGB [H, W, 3].
        suffix: Format of the file, `png` or `jpg`.
    """
    return cv2.imencode(f".{suffix}", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
