"""TensorFlow: a graph from the bytes of files to texts, of a work directory or a SavedModel."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from attention_ocr.images.decode import (
    UnreadableImageError,
    decode,
    encode_array,
    normalize_file,
)
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.engines.saved_model_safety import read_meta_graph
from attention_ocr.inference.engines.signature_names import (
    ALTERNATIVES,
    BEAM_SIGNATURE,
    SERVING_SIGNATURE,
    STATUS_OK,
)
from attention_ocr.inference.locate import SAVED_MODEL_FILE
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.text.charset import UNKNOWN_CHARACTER, Charset


class GraphEngine:
    """Reads with a graph.

    Args:
        serve: the graph, see `inference.serving_function.make_serving_function`.
        config: settings of the model.
        charset: its characters.
        owner: kept as long as the engine is: a signature alone does not keep its variables alive.
    """

    def __init__(
        self,
        serve: Callable[[tf.Tensor], Mapping[str, tf.Tensor]],
        config: Config,
        charset: Charset,
        owner: Any = None,
    ) -> None:
        self.config = config
        self.charset = charset
        self._serve = serve
        self._owner = owner
        check_process()

    def read(self, files: Sequence[bytes]) -> list[Reading]:
        """Read the files of images, see `Engine`.

        Raises:
            RuntimeError: If the process was forked from one in which TensorFlow was running.
        """
        check_process()
        normalized = [_rewrite(file, normalize_file) for file in files]
        readings = self._read(normalized)
        # A few kinds of JPEG are decoded by Python alone.
        odd = [
            index
            for index, (reading, (_, error)) in enumerate(zip(readings, normalized, strict=True))
            if reading.error is not None and error is None
        ]
        if odd:
            pictures = [_rewrite(files[index], _as_png) for index in odd]
            for index, reading in zip(odd, self._read(pictures), strict=True):
                readings[index] = reading
        return readings

    def _read(self, files: Sequence[tuple[bytes, str | None]]) -> list[Reading]:
        served = self._serve(tf.constant([content for content, _ in files], tf.string))
        outputs = {name: value.numpy() for name, value in served.items()}
        return [_row(outputs, index, error) for index, (_, error) in enumerate(files)]


def _rewrite(file: bytes, write: Callable[[bytes], bytes]) -> tuple[bytes, str | None]:
    """Return a file that the graph decodes to the pixels of all engines, or why there is none."""
    try:
        return write(file), None
    except UnreadableImageError as error:
        return b"", str(error)


def _as_png(file: bytes) -> bytes:
    return encode_array(decode(file))


_process = 0
"""The process in which TensorFlow was first used to read; 0 before."""


def check_process() -> None:
    """Refuse to run TensorFlow in a child of the process in which it was started.

    Raises:
        RuntimeError: If this is such a child: its calls would wait for ever for the threads of the
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


def open_saved_model(directory: Path) -> GraphEngine:
    """Open a version of an export.

    Raises:
        RuntimeError: If the process was forked from one in which TensorFlow was running.
        FileNotFoundError: it has no settings, and so is no export of this toolkit.
        ValueError: a file of it is damaged, or it reaches beyond its directory; the message names
            it.
    """
    if not (directory / CONFIG_FILE).is_file():
        raise FileNotFoundError(
            f"{directory} is no export of this toolkit: it has no {CONFIG_FILE}."
        )
    check_process()
    config, charset = Config.load(directory), Charset.load(directory)
    read_meta_graph(directory)
    try:
        loaded = tf.saved_model.load(str(directory))
    except (OSError, tf.errors.OpError, ValueError, IndexError) as error:
        # A file of variables that was cut short is an `IndexError`; some messages have many lines.
        raise ValueError(
            f"{directory / SAVED_MODEL_FILE} or its variables are damaged and cannot be read: "
            f"{str(error).splitlines()[0]}"
        ) from error
    signatures = loaded.signatures
    signature = signatures[BEAM_SIGNATURE if BEAM_SIGNATURE in signatures else SERVING_SIGNATURE]
    return GraphEngine(lambda images: signature(images=images), config, charset, loaded)


def _row(outputs: Mapping[str, np.ndarray], index: int, error: str | None = None) -> Reading:
    status = outputs["status"][index].decode("utf-8")
    if status != STATUS_OK:
        error = error or status
    height, width = map(float, outputs["attention_extent"][index])
    text = outputs["text"][index].decode("utf-8")
    # Exports of older releases may answer with unknown characters, which cannot be shown.
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
