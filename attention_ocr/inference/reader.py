"""Read the text of images (files, arrays, Pillow images, mixed) with any engine."""

import dataclasses
import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attention_ocr.distribution import explaining_missing
from attention_ocr.images.crop_check import looks_like_page, looks_like_several
from attention_ocr.images.formats import is_pdf
from attention_ocr.images.headers import ImageLimits
from attention_ocr.images.image import LazyImage
from attention_ocr.inference.engines.interface import Engine, Reading
from attention_ocr.inference.engines.metadata import check_source_digest
from attention_ocr.inference.engines.numpy_engine import NumPyEngine
from attention_ocr.inference.inputs import (
    ImageLike,
    NamedInput,
    name_of,
    named_inputs,
    one_image,
    open_image,
)
from attention_ocr.inference.locate import SAVED_MODEL_FILE, SUFFIX_OF, WEIGHTS_FILE, find_model
from attention_ocr.inference.origin import Origin, keeping_origin
from attention_ocr.inference.second_looks.engine import SecondLooksEngine
from attention_ocr.settings.checks import check_choice
from attention_ocr.settings.config import Config
from attention_ocr.settings.formats import ENGINES, FILES
from attention_ocr.settings.second_looks import RECOMMENDED, SecondLooksConfig
from attention_ocr.text.charset import Charset

__all__ = ["ImageLike", "Reader", "Reading", "load"]

FASTEST = ("litert_int8", "litert_float16", "litert", "onnx", "litert_full_int8")
"""Formats in the order of preference of `auto`, before TensorFlow."""

RUNTIMES = {"litert": ("ai_edge_litert", "tensorflow"), "onnx": ("onnxruntime",)}
"""Packages of which each engine needs one."""

PDF_ADVICE = "PDF is read with --detect (in Python with attention_ocr.read_page)"

Images = ImageLike | Iterable[ImageLike] | Mapping[str, ImageLike]
SecondLooks = bool | Mapping[str, Any] | SecondLooksConfig | None
Progress = Callable[[int, int | None], None]
"""Called after each batch with the number of images read, and the total, if known."""


class Reader:
    """Reads images with one model. Created by `load`.

    A reader can be copied and pickled, which reopens its model, and works in a forked process
    unless TensorFlow runs it.

    Args:
        engine: Engine that runs the model.
        limits: Limits of decoding; by default those of `ImageLimits`.

    Attributes:
        origin: Arguments of `load`; None for a reader that was created from an engine.
    """

    def __init__(self, engine: Engine, limits: ImageLimits | None = None) -> None:
        self.engine = engine
        self.limits = limits or ImageLimits()
        self.origin: Origin | None = None

    def __repr__(self) -> str:
        engine: Any = self.engine
        while hasattr(engine, "engine"):
            engine = engine.engine
        name = type(engine).__name__.removesuffix("Engine")
        origin = "" if self.origin is None else f" of {self.origin}"
        return (
            f"<Reader{origin}, run by {name}: {len(self.charset)} characters, "
            f"texts up to {self.config.model.max_length} long>"
        )

    def __reduce__(self) -> tuple[Callable[[Origin], "Reader"], tuple[Origin]]:
        if self.origin is None:
            raise TypeError(
                "A reader is copied and pickled by reopening its model, so it must come from "
                "`load`. Received: a Reader that was created from an engine"
            )
        return _load_again, (self.origin,)

    @property
    def config(self) -> Config:
        """The settings of the model."""
        return self.engine.config

    @property
    def charset(self) -> Charset:
        """The characters of the model."""
        return self.engine.charset

    def read(
        self, images: Images, batch_size: int = 32, progress: Progress | None = None
    ) -> list[Reading]:
        """Read images.

        Args:
            images: One image or several. An image is a path; the bytes of a file of one of
                `images.formats.FORMATS`; a file open in binary mode; a Pillow image; or an array
                [h, w], [h, w, 1], [h, w, 3] (RGB) or [h, w, 4] (RGBA) of uint8, uint16 (0 to
                65535), bool, or float (0 to 1, or 0 to 255 if a value is above 1.1). Several are
                any iterable of these, or a mapping, whose keys become `Reading.path`.
            batch_size: Images per batch.
            progress: Called after each batch with the number of images read and the total (None
                for an iterable without a length).

        Returns:
            A reading for each image, in order. An unreadable or invalid one of several has an empty
            text, confidence 0 and its `error`; the others are read.

        Raises:
            ValueError: If the batch size is below 1, or a single input is not an image.
            RuntimeError: If TensorFlow runs the model and the process was forked.
        """
        return list(self.read_stream(images, batch_size, progress))

    def read_stream(
        self, images: Images, batch_size: int = 32, progress: Progress | None = None
    ) -> Iterator[Reading]:
        """Read images batch by batch, for more than fit into memory; see `read`."""
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}")
        if one_image(images):
            # An invalid single input is an error of the call.
            image = open_image(images, self.limits)
            batches: Iterable[list[NamedInput]] = [[NamedInput(name_of(images), image)]]
            total: int | None = 1
        else:
            batches = _batches(named_inputs(images), batch_size)
            total = len(images) if isinstance(images, Sized) else None
        num_read = 0
        for batch in batches:
            yield from self._read_batch(batch)
            num_read += len(batch)
            if progress is not None:
                progress(num_read, total)

    def _read_batch(self, inputs: Sequence[NamedInput]) -> Iterator[Reading]:
        images = [self._open(image) for _, image in inputs]
        contents: Iterable[str | None] = map(self._check_content, images)
        if len(images) == 1:
            # Before the network fills the cache. Several are decoded in parallel, by the engine.
            contents = list(contents)
        readings = self.engine.read(images)
        for (name, _), image, reading, content in zip(
            inputs, images, readings, contents, strict=True
        ):
            error = image.error or reading.error
            if error is not None and image.encoded is not None and is_pdf(image.encoded):
                error = f"{error}: {PDF_ADVICE}"
            warning = None
            if error is None:
                warning = content or self._check_size(image, reading.confidence)
            is_whole = (error, name, warning) == (reading.error, reading.path, reading.warning)
            yield (
                reading
                if is_whole
                else dataclasses.replace(reading, error=error, path=name, warning=warning)
            )

    def _open(self, image: Any) -> LazyImage:
        try:
            return open_image(image, self.limits)
        except ValueError as error:
            return LazyImage(None, str(error))

    def _check_content(self, image: LazyImage) -> str | None:
        """Return a warning if an image shows more than the model reads."""
        # Several views of one text are side by side.
        if self.config.image.num_views > 1 or image.pixels is None:
            return None
        return looks_like_several(image.pixels, " " in self.charset)

    def _check_size(self, image: LazyImage, confidence: float) -> str | None:
        """Return a warning if an image that was hardly read is as large as a page."""
        if self.config.image.num_views > 1 or image.pixels is None:
            return None
        height, width, _ = image.pixels.shape
        header = image.header
        if header is not None:
            height, width = header.height, header.width
        return looks_like_page(height, width, confidence, " " in self.charset)


def _batches(inputs: Iterable[NamedInput], size: int) -> Iterator[list[NamedInput]]:
    iterator = iter(inputs)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def _load_again(origin: Origin) -> Reader:
    return load(origin.path, **origin.options)


@keeping_origin
def load(
    path: str | os.PathLike[str] | None = None,
    *,
    engine: str = "auto",
    limits: ImageLimits | None = None,
    second_looks: SecondLooks = None,
    rotate_tall: bool | None = None,
    deskew: bool | None = None,
    **decoding: Any,
) -> Reader:
    """Load a reader.

    Args:
        path: A work directory; an export, or a version of one; a `.tflite` or `.onnx` file of one;
            `default` or `lines`, a bundled model; None for `default`.
        engine: One of `settings.formats.ENGINES`: `tensorflow`, `litert` or `onnx`; `auto` takes
            the fastest one that is installed and for which the model has a format.
        limits: Limits of decoding; by default those of `ImageLimits`.
        second_looks: Which images are re-read: None for the settings of the model, `False` for
            none, `True` for `settings.second_looks.RECOMMENDED`, a mapping that overrides some
            settings of the model, or all settings.
        rotate_tall: Whether tall images are also read rotated: overrides `rotate_tall_below` by 0
            or the recommended value; None keeps it.
        deskew: Likewise for `deskew_below`.
        decoding: Decoding settings that override those of a work directory, see
            `settings.decoding.DecodingConfig`; they need TensorFlow. Exports keep their own.

    Raises:
        FileNotFoundError: If there is no model.
        ImportError: If the engine is not installed.
        ValueError: If the model is damaged (the message names the file), or a decoding setting or
            the engine does not suit the model.

    Example:
        reader = attention_ocr.load("runs/mine")
        for reading in reader.read(["a.png", "b.jpg"]):
            print(reading.text, reading.confidence)
    """
    check_choice("engine", engine, ENGINES)
    rotate_tall = _renamed(decoding, "turn_tall", "rotate_tall", rotate_tall)
    deskew = _renamed(decoding, "turn_slanted", "deskew", deskew)
    with explaining_missing():
        opened = _open(find_model(path), engine, decoding)
    looks = _chosen_looks(
        opened.config,
        second_looks,
        {"rotate_tall_below": rotate_tall, "deskew_below": deskew},
    )
    return Reader(SecondLooksEngine(opened, looks) if looks.enabled else opened, limits)


def _renamed(options: dict[str, Any], old_name: str, name: str, value: bool | None) -> bool | None:
    """Pop an argument by its deprecated name; otherwise return its value."""
    if old_name not in options:
        return value
    message = f"`{old_name}` is deprecated: use `{name}`."
    warnings.warn(message, DeprecationWarning, stacklevel=4)
    old_value: bool | None = options.pop(old_name)
    return old_value


def _chosen_looks(
    config: Config, choice: SecondLooks, switches: Mapping[str, bool | None]
) -> SecondLooksConfig:
    """Return the settings of second looks, see `load`."""
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
    """Open the engine for a model, see `load`."""
    is_work_directory = (model / WEIGHTS_FILE).is_file()
    if decoding and not is_work_directory:
        given = ", ".join(f"{name}={value!r}" for name, value in decoding.items())
        raise ValueError(
            f"{model} keeps its exported decoding: name the work directory, or export again. "
            f"Received: {given}"
        )
    if is_work_directory:
        decoding = _without_settled(decoding, model)
    file = None if decoding and engine == "auto" else find_file(model, engine)
    if file is not None:
        if decoding:
            raise ValueError(
                f"{file} keeps its exported decoding. Received: {', '.join(sorted(decoding))}"
            )
        return _open_file(file, model if is_work_directory else None)
    if engine not in ("auto", "tensorflow"):
        raise ValueError(
            f"{model} has no format that engine={engine} runs: export one with "
            f"`attention-ocr export --format={engine}`. Received: engine={engine!r}"
        )
    if is_work_directory:
        return _open_work_directory(model, decoding)
    if not (model / SAVED_MODEL_FILE).is_file():
        raise ValueError(f"{model} has no format that an installed engine runs.")
    from attention_ocr.inference.engines.graph_engine import open_saved_model

    return open_saved_model(model)


def find_file(model: Path, engine: str) -> Path | None:
    """Return the file of a model that `load` opens for an engine; None for TensorFlow.

    Args:
        model: What `find_model` returned.
        engine: One of `settings.formats.ENGINES`.
    """
    if model.is_file():
        runs = next(name for name, suffix in SUFFIX_OF.items() if suffix == model.suffix)
        if engine not in ("auto", runs):
            raise ValueError(f"{model} is run by engine={runs}. Received: engine={engine!r}")
        return model
    if engine == "tensorflow":
        return None
    for format_name in FASTEST:
        file = model / FILES[format_name]
        runs = next(name for name, suffix in SUFFIX_OF.items() if suffix == file.suffix)
        if not file.is_file() or engine not in ("auto", runs):
            continue
        if engine == runs or any(find_spec(name) for name in RUNTIMES[runs]):
            return file
    return None


def _without_settled(decoding: Mapping[str, Any], work_dir: Path) -> dict[str, Any]:
    """Return the decoding settings that differ from those of the model."""
    if not decoding:
        return {}
    settled = dataclasses.asdict(Config.load(work_dir).decoding)
    return {
        name: value
        for name, value in decoding.items()
        if name not in settled or value != settled[name]
    }


def _open_file(file: Path, work_dir: Path | None) -> Engine:
    engine: NumPyEngine
    # Each engine is imported on use.
    if file.suffix == SUFFIX_OF["litert"]:
        from attention_ocr.inference.engines.litert_engine import LiteRTEngine

        engine = LiteRTEngine(file)
    else:
        from attention_ocr.inference.engines.onnx_engine import ONNXEngine

        engine = ONNXEngine(file)
    if work_dir is not None:
        check_source_digest(file, engine.metadata, work_dir)
        # Second looks may have changed since the file was written.
        engine.config = dataclasses.replace(
            engine.config, second_looks=Config.load(work_dir).second_looks
        )
    return engine


def _open_work_directory(directory: Path, decoding: Mapping[str, Any]) -> Engine:
    from attention_ocr.inference.engines.graph_engine import GraphEngine, check_process
    from attention_ocr.inference.serving_function import make_pixel_function
    from attention_ocr.inference.work_directory import load_trained_model

    check_process()
    model = load_trained_model(directory)
    model = model._replace(config=model.config.with_decoding(decoding))
    return GraphEngine(make_pixel_function(model), model.config, model.charset)
