"""The base of engines without TensorFlow: images are prepared in NumPy, outputs are token ids."""

import abc
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from attention_ocr.images.fitting import fit_array, round_up_width
from attention_ocr.images.image import LazyImage
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.engines.metadata import ModelMetadata
from attention_ocr.text.charset import UNKNOWN_ID

IMAGES, IMAGE_SIZES = "images", "image_sizes"
"""Inputs of a model: float32 [B, H, W, C] and int32 [B, 2]; see `images.graph_fitting`."""

TOKEN_IDS, CONFIDENCE = "token_ids", "confidence"
CHARACTER_CONFIDENCES, ATTENTION = "character_confidences", "attention"
OUTPUTS = (TOKEN_IDS, CONFIDENCE, CHARACTER_CONFIDENCES, ATTENTION)
"""Outputs of a model, see `inference.recognize.recognize_ids`."""


class NumPyEngine(abc.ABC):
    """Prepares each image in NumPy, runs the model on it alone, and decodes its token ids.

    Several images are read in parallel, one thread per processor: unlike in a batch, an image has
    the least padding and decoding stops at its last character.

    Args:
        metadata: Metadata of the model.
        num_threads: Images that are read in parallel; None for the number of processors.
    """

    def __init__(self, metadata: ModelMetadata, num_threads: int | None = None) -> None:
        self.metadata = metadata
        self.config = metadata.config
        self.charset = metadata.charset
        self.num_threads = num_threads or num_processors()
        self._executor: ThreadPoolExecutor | None = None
        self._executor_process = 0

    @abc.abstractmethod
    def run(self, image: np.ndarray, image_size: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run the model.

        Args:
            image: float32 [H, w, C], from `fit_array`.
            image_size: int32 [2], height and width of the content without its padding.

        Returns:
            `OUTPUTS`, each with a leading axis of 1.
        """

    def input_width(self, width: int) -> int:
        """Return the width at which the model takes content `width` pixels wide."""
        return round_up_width(width)

    def read(self, images: Sequence[LazyImage]) -> list[Reading]:
        """Read images, see `Engine`."""
        if len(images) < 2 or self.num_threads == 1:
            return [self._read_one(image) for image in images]
        if self._executor is None or self._executor_process != os.getpid():
            # A fork does not copy the threads of its parent.
            self._executor = ThreadPoolExecutor(self.num_threads, "attention_ocr")
            self._executor_process = os.getpid()
        return list(self._executor.map(self._read_one, images))

    def _read_one(self, image: LazyImage) -> Reading:
        pixels = image.pixels
        fitted, image_size = fit_array(pixels, self.config.image, self.input_width)
        outputs = self.run(fitted, image_size)
        height, width = image_size.tolist()
        token_ids = outputs[TOKEN_IDS][0].tolist()
        # Exports of older releases may return unknown characters, which cannot be shown.
        known = [token_id for token_id in token_ids if token_id != UNKNOWN_ID]
        text = "" if pixels is None else self.charset.decode(known)
        shown: slice | np.ndarray = slice(len(text))
        if len(known) < len(token_ids):
            shown = np.flatnonzero(np.not_equal(token_ids, UNKNOWN_ID))[: len(text)]
        return Reading(
            text=text,
            confidence=0.0 if pixels is None else float(outputs[CONFIDENCE][0]),
            character_confidences=tuple(outputs[CHARACTER_CONFIDENCES][0, shown].tolist()),
            # Not a view, which would keep the padding in memory.
            attention=outputs[ATTENTION][0, shown].copy(),
            attention_extent=(height / self.config.image.image_height, width / fitted.shape[1]),
            error=image.error,
        )


def num_processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
