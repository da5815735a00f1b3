"""Read the text of images: paths, encoded bytes or arrays, in any mixture, by any engine."""

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from attention_ocr.charset import Charset
from attention_ocr.config import Config
from attention_ocr.engines.interface import Engine, Reading
from attention_ocr.engines.notes import check_made_of
from attention_ocr.engines.prepared import PreparedEngine
from attention_ocr.engines.second_looks import SecondLooksEngine
from attention_ocr.image_headers import ImageLimits
from attention_ocr.model_places import SAVED_MODEL_FILE, SUFFIX_OF, WEIGHTS_FILE, find_model
from attention_ocr.settings.checks import check_choice
from attention_ocr.settings.forms import ENGINES, FILES
from attention_ocr.settings.second_looks import RECOMMENDED, SecondLooksConfig

__all__ = ["ImageLike", "Reader", "Reading", "encode_image", "load"]

FASTEST = ("litert_int8", "litert_float16", "litert", "onnx", "litert_full_int8")
"""Forms in the order in which `auto` looks for them, before TensorFlow."""

RUNTIMES = {"litert": ("ai_edge_litert", "tensorflow"), "onnx": ("onnxruntime",)}
"""What each engine can run on, one of them."""

ImageLike = str | os.PathLike[str] | bytes | np.ndarray
SecondLooks = bool | Mapping[str, Any] | SecondLooksConfig | None


class Reader:
    """Reads images with one model. Make one with `load`.

    Args:
        engine: runs the model.
        limits: the largest image that is decoded; those of `ImageLimits` without any.
    """

    def __init__(self, engine: Engine, limits: ImageLimits | None = None) -> None:
        self.engine = engine
        self.limits = limits or ImageLimits()

    @property
    def config(self) -> Config:
        """The settings of the model."""
        return self.engine.config

    @property
    def charset(self) -> Charset:
        """The characters of the model."""
        return self.engine.charset

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
        reasons = [self._refusal(file) for file in files]
        contents = [
            file if isinstance(file, bytes) and reason is None else b""
            for file, reason in zip(files, reasons, strict=True)
        ]
        for reason, reading in zip(reasons, self.engine.read(contents), strict=True):
            yield reading if reason is None else dataclasses.replace(reading, error=reason)

    def _refusal(self, file: bytes | OSError) -> str | None:
        if isinstance(file, OSError):
            return f"cannot be opened: {file.strerror or file}"
        return self.limits.refusal(file)


def load(
    path: str | os.PathLike[str] | None = None,
    *,
    engine: str = "auto",
    limits: ImageLimits | None = None,
    second_looks: SecondLooks = None,
    turn_tall: bool | None = None,
    turn_slanted: bool | None = None,
    **decoding: Any,
) -> Reader:
    """Load a reader.

    Args:
        path: a work directory; an export, or a version of one; a `.tflite` or `.onnx` file of one;
            none takes the weights that come with the package.
        engine: what runs the model, one of `settings.forms.ENGINES`: `tensorflow`, `litert` or
            `onnx`; `auto` takes the fastest that is installed and of which the model has a form.
        limits: the largest image that is decoded; those of `ImageLimits` without any.
        second_looks: Which images are read again: none for what is kept with the model; `False` for
            none at all, `True` for `settings.second_looks.RECOMMENDED`; a mapping for other values
            of some settings of the model; or all settings.
        turn_tall: Whether tall images are read rotated as well, in place of `rotate_tall_below`:
            `False` sets it to 0, `True` to what is recommended; none leaves it.
        turn_slanted: Likewise, in place of `deskew_below`.
        decoding: settings of decoding in place of those of a work directory, see
            `settings.decoding.DecodingConfig`; what an export does is settled. TensorFlow alone
            can change them.

    Raises:
        FileNotFoundError: there is no model.
        ImportError: the engine is not installed.
        ValueError: the model is damaged; the message names the file. Or a setting of decoding, or
            an engine, that does not go with the model.

    Example:
        reader = attention_ocr.load("runs/mine")
        for reading in reader.read(["a.png", "b.jpg"]):
            print(reading.text, reading.confidence)
    """
    check_choice("engine", engine, ENGINES)
    opened = _open(find_model(path), engine, decoding)
    looks = _chosen_looks(
        opened.config,
        second_looks,
        {"rotate_tall_below": turn_tall, "deskew_below": turn_slanted},
    )
    return Reader(SecondLooksEngine(opened, looks) if looks.enabled else opened, limits)


def _chosen_looks(
    config: Config, choice: SecondLooks, switches: Mapping[str, bool | None]
) -> SecondLooksConfig:
    """Return the second looks that are taken, see `load`."""
    if choice is False:
        choice = SecondLooksConfig()
    elif choice is True:
        choice = RECOMMENDED
    if isinstance(choice, SecondLooksConfig):
        config = dataclasses.replace(config, second_looks=choice)
    elif isinstance(choice, Mapping):
        config = config.with_second_looks(choice)
    elif choice is not None:
        raise ValueError(
            f"`second_looks` must be a bool, a mapping or settings. Received: {choice!r}"
        )
    limits = {
        name: getattr(RECOMMENDED, name) if switch else 0.0
        for name, switch in switches.items()
        if switch is not None
    }
    return config.with_second_looks(limits).second_looks


def _open(model: Path, engine: str, decoding: Mapping[str, Any]) -> Engine:
    """Return what runs a model, see `load`."""
    is_work_directory = (model / WEIGHTS_FILE).is_file()
    if decoding and not is_work_directory:
        given = ", ".join(f"{name}={value!r}" for name, value in decoding.items())
        raise ValueError(
            f"{model} decodes as it was exported: name the work directory, or export anew. "
            f"Received: {given}"
        )
    if is_work_directory:
        decoding = _without_settled(decoding, model)
    file = None if decoding and engine == "auto" else _find_file(model, engine)
    if file is not None:
        if decoding:
            raise ValueError(
                f"{file} decodes as it was exported. Received: {', '.join(sorted(decoding))}"
            )
        return _open_file(file, model if is_work_directory else None)
    if engine not in ("auto", "tensorflow"):
        raise ValueError(
            f"{model} has no form that engine={engine} runs: export one with "
            f"`export.py --format={engine}`. Received: engine={engine!r}"
        )
    if is_work_directory:
        return _open_work_directory(model, decoding)
    if not (model / SAVED_MODEL_FILE).is_file():
        raise ValueError(f"{model} holds no form that an installed engine runs.")
    from attention_ocr.engines.graph import open_saved_model

    return open_saved_model(model)


def _find_file(model: Path, engine: str) -> Path | None:
    """Return the file of the model that an engine reads; none leaves it to TensorFlow."""
    if model.is_file():
        runs = next(name for name, suffix in SUFFIX_OF.items() if suffix == model.suffix)
        if engine not in ("auto", runs):
            raise ValueError(f"{model} is run by engine={runs}. Received: engine={engine!r}")
        return model
    if engine == "tensorflow":
        return None
    for form in FASTEST:
        file = model / FILES[form]
        runs = next(name for name, suffix in SUFFIX_OF.items() if suffix == file.suffix)
        if not file.is_file() or engine not in ("auto", runs):
            continue
        if engine == runs or any(find_spec(name) for name in RUNTIMES[runs]):
            return file
    return None


def _without_settled(decoding: Mapping[str, Any], work_dir: Path) -> dict[str, Any]:
    """Return the settings of decoding that are not those of the model anyway."""
    if not decoding:
        return {}
    settled = dataclasses.asdict(Config.load(work_dir).decoding)
    return {
        name: value
        for name, value in decoding.items()
        if name not in settled or value != settled[name]
    }


def _open_file(file: Path, work_dir: Path | None) -> Engine:
    engine: PreparedEngine
    # Each engine is imported by those who use it.
    if file.suffix == SUFFIX_OF["litert"]:
        from attention_ocr.engines.litert import LiteRTEngine

        engine = LiteRTEngine(file)
    else:
        from attention_ocr.engines.onnx import ONNXEngine

        engine = ONNXEngine(file)
    if work_dir is not None:
        check_made_of(file, engine.notes, work_dir)
        # What is no part of the network may have been changed since the file was made.
        engine.config = dataclasses.replace(
            engine.config, second_looks=Config.load(work_dir).second_looks
        )
    return engine


def _open_work_directory(directory: Path, decoding: Mapping[str, Any]) -> Engine:
    from attention_ocr.engines.graph import GraphEngine
    from attention_ocr.export.serving import make_serving_function
    from attention_ocr.work_directory import load_trained_model

    model = load_trained_model(directory)
    model = model._replace(config=model.config.with_decoding(decoding))
    return GraphEngine(make_serving_function(model), model.config, model.charset)


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
            # Without a buffer, which would be made for one file after the other.
            with open(image, "rb", buffering=0) as file:  # noqa: PTH123
                return file.readall()
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
    # Only who reads arrays waits for OpenCV.
    import cv2

    if channels >= 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR if channels == 3 else cv2.COLOR_RGBA2BGRA)
    _, encoded = cv2.imencode(".png", image)
    return encoded.tobytes()
