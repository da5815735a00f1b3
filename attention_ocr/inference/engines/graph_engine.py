"""TensorFlow: a graph from pixels, or from the bytes of files, to texts."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from attention_ocr.images.decode import UnreadableImageError, encode_array
from attention_ocr.images.image import LazyImage, normalize_file, raw_pixels
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.engines.saved_model_safety import read_meta_graph
from attention_ocr.inference.engines.signature_names import (
    ALTERNATIVES,
    BEAM_SIGNATURE,
    RAW_PIXELS_SIGNATURE,
    SERVING_SIGNATURE,
    STATUS_OK,
)
from attention_ocr.inference.locate import SAVED_MODEL_FILE
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.text.charset import UNKNOWN_CHARACTER, Charset

Outputs = Mapping[str, tf.Tensor]


class GraphEngine:
    """Reads with a graph that takes pixels.

    Args:
        serve: The graph, see `inference.serving_function.make_pixel_function`.
        config: Settings of the model.
        charset: Its characters.
        owner: Kept alive by the engine: a signature does not keep its variables alive.
    """

    def __init__(
        self,
        serve: Callable[..., Outputs],
        config: Config,
        charset: Charset,
        owner: Any = None,
    ) -> None:
        self.config = config
        self.charset = charset
        self._serve = serve
        self._owner = owner
        check_process()

    def read(self, images: Sequence[LazyImage]) -> list[Reading]:
        """Read images, see `Engine`.

        Raises:
            RuntimeError: If the process was forked from one in which TensorFlow was running.
        """
        check_process()
        pixels, sizes = raw_pixels(images)
        served = self._serve(tf.constant(pixels, tf.string), tf.constant(sizes, tf.int32))
        return _readings(served, images)


class FileGraphEngine(GraphEngine):
    """Reads with a graph that takes file bytes, like a server, and with old exports.

    Args:
        serve: The graph, see `inference.serving_function.make_serving_function`.
        config: Settings of the model.
        charset: Its characters.
        owner: Kept alive by the engine.
    """

    def read(self, images: Sequence[LazyImage]) -> list[Reading]:
        """Read images, see `Engine`.

        Raises:
            RuntimeError: If the process was forked from one in which TensorFlow was running.
        """
        check_process()
        readings = self._read_files([_file_of(image) for image in images], images)
        # A few kinds of JPEG are decoded in Python only.
        odd = [
            index
            for index, (reading, image) in enumerate(zip(readings, images, strict=True))
            if reading.error is not None and image.pixels is not None
        ]
        if odd:
            again = [images[index] for index in odd]
            files = [encode_array(image.pixels) for image in again if image.pixels is not None]
            for index, reading in zip(odd, self._read_files(files, again), strict=True):
                readings[index] = reading
        return readings

    def _read_files(self, files: Sequence[bytes], images: Sequence[LazyImage]) -> list[Reading]:
        return _readings(self._serve(tf.constant(files, tf.string)), images)


def _file_of(image: LazyImage) -> bytes:
    """Return a file that the graph decodes to the same pixels; empty if unreadable."""
    try:
        return normalize_file(image)
    except UnreadableImageError:
        return b""


_process = 0
"""Id of the process that first used TensorFlow for reading; 0 before."""


def check_process() -> None:
    """Refuse to run TensorFlow in a fork of the process in which it was started.

    Raises:
        RuntimeError: If this is such a fork: its calls would wait forever for the threads of the
            parent, which a fork does not copy.
    """
    global _process  # noqa: PLW0603
    if _process not in (0, os.getpid()):
        raise RuntimeError(
            "TensorFlow does not work in a process that was forked after TensorFlow was used. Load "
            "the reader in the child and not before the fork (gunicorn: without --preload), start "
            "processes by `multiprocessing.get_context('spawn')`, or read with engine='litert' or "
            f"'onnx'. Received: process {os.getpid()}, forked from {_process}"
        )
    _process = os.getpid()


def open_saved_model(directory: Path, by_files: bool = False) -> GraphEngine:
    """Open a version of an export.

    Args:
        directory: Directory of the version.
        by_files: Whether to pass files, like a server, instead of pixels; exports of older releases
            take images of several sizes only as files.

    Raises:
        RuntimeError: If the process was forked from one in which TensorFlow was running.
        FileNotFoundError: If it has no settings, and so is not an export of this toolkit.
        ValueError: If one of its files is damaged, or it reaches beyond its directory; the message
            names the file.
    """
    if not (directory / CONFIG_FILE).is_file():
        raise FileNotFoundError(
            f"{directory} is not an export of this toolkit: it has no {CONFIG_FILE}."
        )
    check_process()
    config, charset = Config.load(directory), Charset.load(directory)
    read_meta_graph(directory)
    try:
        loaded = tf.saved_model.load(str(directory))
    except (OSError, tf.errors.OpError, ValueError, IndexError) as error:
        # A truncated variables file is an `IndexError`; some messages have many lines.
        raise ValueError(
            f"{directory / SAVED_MODEL_FILE} or its variables are damaged and cannot be read: "
            f"{str(error).splitlines()[0]}"
        ) from error
    signatures = loaded.signatures
    if RAW_PIXELS_SIGNATURE in signatures and not by_files:
        of_pixels = signatures[RAW_PIXELS_SIGNATURE]
        return GraphEngine(
            lambda pixels, sizes: of_pixels(pixels=pixels, sizes=sizes), config, charset, loaded
        )
    of_files = signatures[BEAM_SIGNATURE if BEAM_SIGNATURE in signatures else SERVING_SIGNATURE]
    return FileGraphEngine(lambda images: of_files(images=images), config, charset, loaded)


def _readings(served: Outputs, images: Sequence[LazyImage]) -> list[Reading]:
    outputs = {name: value.numpy() for name, value in served.items()}
    return [_row(outputs, index, image) for index, image in enumerate(images)]


def _row(outputs: Mapping[str, np.ndarray], index: int, image: LazyImage) -> Reading:
    status = outputs["status"][index].decode("utf-8")
    error = None if status == STATUS_OK else image.error or status
    height, width = map(float, outputs["attention_extent"][index])
    text = outputs["text"][index].decode("utf-8")
    # Exports of older releases may return unknown characters, which cannot be shown.
    shown = [place for place, character in enumerate(text) if character != UNKNOWN_CHARACTER]
    return Reading(
        text=text.replace(UNKNOWN_CHARACTER, ""),
        confidence=float(outputs["confidence"][index]),
        character_confidences=tuple(
            float(value) for value in outputs["character_confidences"][index][shown]
        ),
        attention=outputs["attention"][index][shown],
        attention_extent=(height, width),
        error=error,
        alternatives=_alternatives(outputs, index) if error is None else (),
    )


def _alternatives(outputs: Mapping[str, np.ndarray], index: int) -> tuple[tuple[str, float], ...]:
    if "texts" not in outputs:
        return ()
    rows = zip(*(outputs[name][index] for name in ALTERNATIVES), strict=True)
    return tuple(
        (text.decode("utf-8").replace(UNKNOWN_CHARACTER, ""), float(confidence))
        for text, confidence, score in rows
        if np.isfinite(score)
    )
