"""The images of the comparison: rendered words, and real ones that nobody is trained on."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from attention_ocr.data.image_items import EncodedImage
from attention_ocr.data.shards import write_shards
from attention_ocr.data.sources import Walk, open_source

RENDERED = "synthetic,kinds=words+words+numbers,max_length=8,difficulty=0.1,fonts=bundled"
HEIGHT, WIDTH = 32, 128
GRAY = 128
"""What the pipeline pads with, once scaled."""

STEEPEST = 30.0
"""Degrees, of rotated words."""


def plain(image: np.ndarray, index: int) -> np.ndarray:
    """Return an image as it is."""
    del index
    return image


def padded(image: np.ndarray, index: int) -> np.ndarray:
    """Make the padding a part of the image, so that the network cannot know it."""
    del index
    scale = min(HEIGHT / image.shape[0], WIDTH / image.shape[1])
    height, width = (max(1, round(scale * side)) for side in image.shape[:2])
    canvas = np.full((HEIGHT, WIDTH, 3), GRAY, np.uint8)
    canvas[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return canvas


def turned(image: np.ndarray, index: int) -> np.ndarray:
    """Turn an image by up to `STEEPEST` degrees, all of it still in sight."""
    angle = np.random.default_rng(index).uniform(-STEEPEST, STEEPEST)
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    sine, cosine = abs(math.sin(math.radians(angle))), math.cos(math.radians(angle))
    new_width = round(width * cosine + height * sine)
    new_height = round(width * sine + height * cosine)
    matrix[:, 2] += (new_width - width) / 2, (new_height - height) / 2
    return cv2.warpAffine(image, matrix, (new_width, new_height), borderMode=cv2.BORDER_REPLICATE)


VARIATIONS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "plain": plain,
    "padded": padded,
    "turned": turned,
}


def write_images(folder: Path, num_train: int, num_test: int, real: str) -> None:
    """Render the words once, and write each variation of them and of the real ones.

    Sets that stand already are kept.

    Args:
        folder: Output folder for `FORM/train`, `FORM/test` and `FORM/real`, each with shards.
        num_train: Number of rendered training words.
        num_test: Number of rendered test words, with unseen texts.
        real: Source of the real words; empty for none.
    """
    sources = {
        "train": f"{RENDERED},part=train,num_examples={num_train}",
        "test": f"{RENDERED},part=eval,num_examples={num_test}",
    }
    if real:
        sources["real"] = real
    for part, source in sources.items():
        missing = [
            variation
            for variation in VARIATIONS
            if not list((folder / variation / part).glob("*.json"))
        ]
        images = list(_images(source)) if missing else []
        for variation in missing:
            change = VARIATIONS[variation]
            write_shards(
                [
                    EncodedImage(key, text, tf.io.encode_png(change(image, index)).numpy())
                    for index, (key, text, image) in enumerate(images)
                ],
                folder / variation / part,
                overwrite=True,
            )


def _images(source: str) -> Iterator[tuple[str, str, np.ndarray]]:
    for row in open_source(source).examples(Walk()).as_numpy_iterator():
        if row["image"].size:
            yield row["key"].decode("utf-8"), row["text"].decode("utf-8"), row["image"]
