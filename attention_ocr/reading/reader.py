"""Read the text of images: paths, encoded bytes or arrays, in any mixture."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from attention_ocr.charset import Charset
from attention_ocr.config import CONFIG_FILE, Config
from attention_ocr.export.serving import Serve, make_serving_function
from attention_ocr.export.signature import (
    ALTERNATIVES,
    BEAM_SIGNATURE,
    SERVING_SIGNATURE,
    STATUS_OK,
)
from attention_ocr.work_directory import (
    SAVED_MODEL_FILE,
    WEIGHTS_FILE,
    find_model,
    load_trained_model,
)

ImageLike = str | os.PathLike[str] | bytes | np.ndarray


@dataclass(frozen=True)
class Reading:
    """What was read in one image.

    Attributes:
        text: the text; empty where nothing was read.
        confidence: probability of the whole text, in [0, 1].
        character_confidences: probability of each character of `text`, in [0, 1].
        attention: float32 [n, H', W'], where each of the n characters was read, over the padded
            picture.
        attention_extent: shares of the attention's height and width that the picture fills.
        error: why the image could not be read; none if it could.
        alternatives: the n best texts of a search with their confidences, the best first; none
            with greedy decoding.
    """

    text: str
    confidence: float
    character_confidences: tuple[float, ...]
    attention: np.ndarray
    attention_extent: tuple[float, float]
    error: str | None = None
    alternatives: tuple[tuple[str, float], ...] = ()


class Reader:
    """Reads images with one model. Make one with `load`.

    Args:
        serve: the model, see `export.serving.make_serving_function`.
        config: its settings.
        charset: its characters.
    """

    def __init__(self, serve: Serve, config: Config, charset: Charset) -> None:
        self._serve = serve
        self.config = config
        self.charset = charset
        self.saved_model: Any = None

    def read(self, images: ImageLike | Iterable[ImageLike], batch_size: int = 32) -> list[Reading]:
        """Read images.

        Args:
            images: one image or several: a path; the bytes of a PNG, JPEG, BMP or GIF file; or an
                array uint8 [h, w], [h, w, 1], [h, w, 3] (RGB) or [h, w, 4] (RGBA).
            batch_size: images that are read at once.

        Returns:
            A reading for each image, in their order. An image that cannot be read has an empty
            text, confidence 0 and its `error`; the others are read.

        Raises:
            ValueError: a batch size below 1, or something that is no image at all.
        """
        return list(self.read_stream(_as_sequence(images), batch_size))

    def read_stream(self, images: Iterable[ImageLike], batch_size: int = 32) -> Iterator[Reading]:
        """Read images one batch after the other, for more than fit into memory; see `read`."""
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}")
        batch: list[ImageLike] = []
        for image in images:
            batch.append(image)
            if len(batch) == batch_size:
                yield from self._read_batch(batch)
                batch = []
        if batch:
            yield from self._read_batch(batch)

    def _read_batch(self, images: Sequence[ImageLike]) -> Iterator[Reading]:
        files = [encode_image(image) for image in images]
        contents = [file if isinstance(file, bytes) else b"" for file in files]
        outputs = {
            name: value.numpy() for name, value in self._serve(tf.constant(contents)).items()
        }
        for index, file in enumerate(files):
            error = None
            if isinstance(file, OSError):
                error = f"cannot be opened: {file.strerror or file}"
            elif outputs["status"][index].decode("utf-8") != STATUS_OK:
                error = outputs["status"][index].decode("utf-8")
            height, width = map(float, outputs["attention_extent"][index])
            text = outputs["text"][index].decode("utf-8")
            yield Reading(
                text=text,
                confidence=float(outputs["confidence"][index]),
                character_confidences=tuple(
                    float(value) for value in outputs["character_confidences"][index][: len(text)]
                ),
                attention=outputs["attention"][index][: len(text)],
                attention_extent=(height, width),
                error=error,
                alternatives=_alternatives(outputs, index) if error is None else (),
            )


def load(path: str | os.PathLike[str] | None = None, **decoding: Any) -> Reader:
    """Load a reader.

    Args:
        path: a work directory, an export, or a version of one; none takes the weights that come
            with the package.
        decoding: settings of decoding in place of those of a work directory, see
            `settings.decoding.DecodingConfig`; what an export does is settled.

    Raises:
        FileNotFoundError: there is no model.
        ValueError: the model is damaged; the message names the file. Or a setting of decoding
            that does not go with the model.

    Example:
        reader = attention_ocr.load("runs/mine")
        for reading in reader.read(["a.png", "b.jpg"]):
            print(reading.text, reading.confidence)
    """
    directory = find_model(path)
    if (directory / WEIGHTS_FILE).is_file():
        return _load_work_directory(directory, decoding)
    if decoding:
        given = ", ".join(f"{name}={value!r}" for name, value in decoding.items())
        raise ValueError(
            f"{directory} decodes as it was exported: name the work directory, or export anew. "
            f"Received: {given}"
        )
    return _load_export(directory)


def _load_work_directory(directory: Path, decoding: Mapping[str, Any]) -> Reader:
    model = load_trained_model(directory)
    model = model._replace(config=model.config.with_decoding(decoding))
    return Reader(make_serving_function(model), model.config, model.charset)


def _load_export(directory: Path) -> Reader:
    if not (directory / CONFIG_FILE).is_file():
        raise FileNotFoundError(
            f"{directory} is no export of this toolkit: it has no {CONFIG_FILE}."
        )
    config, charset = Config.load(directory), Charset.load(directory)
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

    reader = Reader(lambda images: signature(images=images), config, charset)
    # The signature alone does not keep its variables alive.
    reader.saved_model = loaded
    return reader


def _alternatives(outputs: Mapping[str, np.ndarray], index: int) -> tuple[tuple[str, float], ...]:
    if "texts" not in outputs:
        return ()
    rows = zip(*(outputs[name][index] for name in ALTERNATIVES), strict=True)
    return tuple(
        (text.decode("utf-8"), float(confidence))
        for text, confidence, score in rows
        if np.isfinite(score)
    )


def _as_sequence(images: ImageLike | Iterable[ImageLike]) -> Iterable[ImageLike]:
    if isinstance(images, str | os.PathLike | bytes | np.ndarray):
        return [images]
    return images


def encode_image(image: ImageLike) -> bytes | OSError:
    """Return the bytes of an image file, or why the file cannot be opened.

    Raises:
        ValueError: something that is no image at all.
    """
    if isinstance(image, bytes):
        return image
    if isinstance(image, np.ndarray):
        return _encode_array(image)
    if isinstance(image, str | os.PathLike):
        try:
            return Path(image).read_bytes()
        except OSError as error:
            return error
        except ValueError as error:
            # A zero byte in the name.
            return OSError(str(error))
    raise ValueError(
        f"An image must be a path, bytes or an array. Received: {type(image).__name__}"
    )


def _encode_array(image: np.ndarray) -> bytes:
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ValueError(
            "An image array must be uint8 [h, w], [h, w, 1], [h, w, 3] or [h, w, 4]. "
            f"Received: {image.dtype} {list(image.shape)}"
        )
    if image.size == 0:
        raise ValueError(f"An image array must have pixels. Received: {list(image.shape)}")
    if channels >= 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR if channels == 3 else cv2.COLOR_RGBA2BGRA)
    _, encoded = cv2.imencode(".png", image)
    return encoded.tobytes()
