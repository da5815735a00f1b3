"""The work directory: the output of training, from which a model is evaluated, exported and read.

`config.json`, `charset.txt` and `weights.npz` are the model, with `network.json` if it was composed
of layers; a stopped run resumes from `checkpoints/`, and TensorBoard events are in `events/`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from attention_ocr.decoding.context import prepare_decoding
from attention_ocr.inference.locate import (
    BUNDLED_WEIGHTS,
    LANGUAGE_MODEL_FILE,
    SAVED_MODEL_FILE,
    WEIGHTS_FILE,
    find_model,
    is_bundled,
    why_no_model,
)
from attention_ocr.inference.network_file import (
    check_network_sizes,
    copy_network,
    has_network,
    load_network,
    save_network,
)
from attention_ocr.io.array_files import write_arrays
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.io.bounded_read import read_array_headers, read_arrays
from attention_ocr.io.urls import url_of
from attention_ocr.io.weight_quantization import PRECISIONS, SCALE, restore
from attention_ocr.models.build import build_recognizer
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.text.charset import CHARSET_FILE, Charset

__all__ = [
    "BUNDLED_WEIGHTS",
    "SAVED_MODEL_FILE",
    "WEIGHTS_FILE",
    "Model",
    "TrainedModel",
    "find_model",
    "load_trained_model",
    "load_weights",
    "pack_model",
    "read_weights",
    "save_trained_model",
    "save_weights",
    "to_trained_model",
    "weight_name",
    "weight_values",
    "write_for_reading",
]


WEIGHT_KINDS = "fi"
"""Kinds of types of saved weights, see `numpy.dtype.kind`: floats, and 8-bit integers."""

# Channels of an encoder at a width of 1, and sizes that always fit into memory.
_CHANNELS, _ANY_SIZE, _ANY_LAYERS = 64, 1024, 16


class TrainedModel(NamedTuple):
    """A recogniser with its settings and characters."""

    config: Config
    charset: Charset
    recognizer: Recognizer


Model = TrainedModel | str | os.PathLike[str]
"""A model in memory, a work directory, or `default` or `lines`, a bundled model."""


def to_trained_model(model: Model) -> TrainedModel:
    """Return a model; load it with `load_trained_model` if it is a path."""
    return model if isinstance(model, TrainedModel) else load_trained_model(Path(model))


def load_trained_model(directory: Path, precision: str = "float32") -> TrainedModel:
    """Load the model of a work directory.

    Args:
        directory: A work directory with saved weights, or `default` or `lines`, a bundled model.
        precision: Compute dtype, see `build_recognizer`.

    Raises:
        FileNotFoundError: If a file of the model is missing; the message names it.
        ValueError: If a file is damaged, or belongs to other settings; the message names it.
    """
    directory = find_model(directory) if is_bundled(directory) else Path(directory)
    if url_of(directory) is not None and not directory.exists():
        raise FileNotFoundError(why_no_model(directory))
    for name in (CONFIG_FILE, CHARSET_FILE, WEIGHTS_FILE):
        if not (directory / name).is_file():
            raise FileNotFoundError(f"No trained model found: {directory} has no {name}.")
    config, charset = _with_own_files(Config.load(directory), directory), Charset.load(directory)
    _check_sizes(config, charset, directory)
    recognizer = make_network(directory, config, charset, precision)
    load_weights(recognizer, directory / WEIGHTS_FILE)
    return TrainedModel(config, charset, recognizer)


def save_trained_model(model: TrainedModel, directory: str | os.PathLike[str]) -> None:
    """Write a recogniser that was composed of layers as a work directory.

    From there it is loaded (`attention_ocr.load`), evaluated and exported like any other.

    Args:
        model: The recogniser, its characters, and the settings of image, decoding and data.
        directory: Created if missing; a model that it holds is replaced.

    Raises:
        NotImplementedError: If a layer has no `get_config`.
        ValueError: If two weights share a path.
        OSError: If a file cannot be written.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    values = weight_values(model.recognizer)
    save_network(model.recognizer, directory)
    model.charset.save(directory)
    model.config.save(directory)
    save_weights(values, directory / WEIGHTS_FILE)


def make_network(
    directory: Path, config: Config, charset: Charset, precision: str = "float32"
) -> Recognizer:
    """Build the recogniser of a directory, from `network.json` or the settings, without weights.

    Args:
        directory: Directory of the model.
        config: Its settings.
        charset: Its characters.
        precision: Compute dtype, see `build_recognizer`.

    Raises:
        ValueError: If `network.json` cannot be read.
    """
    if has_network(directory):
        return load_network(directory, config, charset, precision)
    return build_recognizer(config, charset, precision)


def _with_own_files(config: Config, directory: Path) -> Config:
    """Return the settings with the path of a language model in the work directory."""
    named = config.decoding.language_model
    # A bare name: the model was packed, and may be in any folder.
    if named == LANGUAGE_MODEL_FILE and (directory / named).is_file():
        return config.with_decoding({"language_model": str(directory / named)})
    return config


def weight_values(recognizer: Recognizer) -> dict[str, np.ndarray]:
    """Return the values of all weights by their path in the network, `encoder/stem/...`."""
    values = {weight_name(weight): np.asarray(weight) for weight in recognizer.weights}
    if len(values) != len(recognizer.weights):
        raise ValueError(f"Two weights share a path. Received: {sorted(values)}")
    return values


def save_weights(values: Mapping[str, np.ndarray], path: Path) -> None:
    """Write weights by path, atomically.

    Raises:
        OSError: If the file cannot be written, for example because the disk is full; an older file
            is kept.
    """
    write_arrays(values, path)


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Read weights by path in the network, as `save_weights` or `pack_model` wrote them.

    Raises:
        ValueError: If the file is truncated or damaged.
    """
    try:
        return restore(read_arrays(path, WEIGHT_KINDS))
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} is damaged and cannot be read: {error}") from error


def load_weights(recognizer: Recognizer, path: Path) -> None:
    """Load the weights of a recogniser.

    Raises:
        ValueError: If the file is truncated or damaged, or belongs to another network.
    """
    shapes = _weight_shapes(path)
    weights = {weight_name(weight): weight for weight in recognizer.weights}
    for name in sorted(set(weights) | set(shapes)):
        expected = tuple(weights[name].shape) if name in weights else "nothing"
        received = shapes.get(name, "nothing")
        if expected != received:
            raise ValueError(
                f"{path} belongs to another network: `{name}` should be {expected}. "
                f"Received: {received}"
            )
    values = read_weights(path)
    for name, weight in weights.items():
        weight.assign(values[name])


def _weight_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a file by their path in the network."""
    try:
        headers = read_array_headers(path, WEIGHT_KINDS)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} is damaged and cannot be read: {error}") from error
    return {name: header.shape for name, header in headers.items() if not name.endswith(SCALE)}


def _check_sizes(config: Config, charset: Charset, directory: Path) -> None:
    """Refuse settings with much larger layers than the weights.

    Building them would allocate the memory before the mismatch is found.
    """
    shapes = _weight_shapes(directory / WEIGHTS_FILE)
    largest = max((size for shape in shapes.values() for size in shape), default=0)
    if has_network(directory):
        check_network_sizes(directory, max(largest, _ANY_SIZE), _CHANNELS)
        return
    model = config.model
    for file, name, size in (
        (CONFIG_FILE, "sequence_units", model.sequence_units),
        (CONFIG_FILE, "attention_units", model.attention_units),
        (CONFIG_FILE, "decoder_units", model.decoder_units),
        (CONFIG_FILE, "embedding_units", model.embedding_units),
        (CONFIG_FILE, "encoder_width", int(_CHANNELS * model.encoder_width)),
        (CHARSET_FILE, "vocabulary size", charset.vocabulary_size),
    ):
        # The sizes of layers that are not built are the defaults.
        if size > max(largest, _ANY_SIZE):
            raise ValueError(
                f"{directory / file} belongs to another network than {WEIGHTS_FILE}: its {name} "
                f"requires a size of {size}. The largest there: {largest}"
            )
    layers = model.sequence_layers + config.decoder.decoder_layers
    if layers > max(len(shapes), _ANY_LAYERS):
        raise ValueError(
            f"{directory / CONFIG_FILE} belongs to another network than {WEIGHTS_FILE}: it needs "
            f"{layers} layers. Weights there: {len(shapes)}"
        )


def pack_model(
    source: Path,
    target: Path,
    precision: str = "half",
    decoding: Mapping[str, Any] = MappingProxyType({}),
    second_looks: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """Write a small copy of a model for distribution: what inference needs, in fewer bits.

    Kernels and embeddings are quantised; vectors, such as biases and statistics, stay float32. Data
    and training settings, which inference does not need, get their defaults.

    Args:
        source: A work directory, or `default` or `lines`, a bundled model.
        target: Created here; a model that it holds is replaced.
        precision: One of `io.weight_quantization.PRECISIONS`.
        decoding: Decoding settings that override those of the model.
        second_looks: Second-look settings that override those of the model.

    Returns:
        The weights file.

    Raises:
        FileNotFoundError: If there is no model.
        ValueError: If the model is damaged, or a weight has no value in that precision.
    """
    config, charset, recognizer = load_trained_model(source)
    config = config.with_decoding(decoding).with_second_looks(second_looks)
    # Checks the files that the settings name.
    prepare_decoding(config, charset)
    try:
        values = PRECISIONS[precision](weight_values(recognizer))
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    return write_for_reading(TrainedModel(config, charset, recognizer), values, source, target)


def write_for_reading(
    model: TrainedModel, values: Mapping[str, np.ndarray], source: Path, target: Path
) -> Path:
    """Write what inference needs of a model.

    Args:
        model: Its settings and characters.
        values: Its weights, by their path in the network.
        source: The directory whose network it has.
        target: Created here; a model that it holds is replaced.

    Returns:
        The weights file.

    Raises:
        OSError: If a file cannot be read or written.
    """
    language_model = _read_language_model(model.config)
    target.mkdir(parents=True, exist_ok=True)
    config = model.config.with_decoding(_write_language_model(language_model, target))
    copy_network(find_model(source) if is_bundled(source) else Path(source), target)
    config.for_reading().save(target)
    model.charset.save(target)
    save_weights(values, target / WEIGHTS_FILE)
    return target / WEIGHTS_FILE


def _read_language_model(config: Config) -> bytes | None:
    """Return the contents of the settings' language model file; None without one."""
    if not config.decoding.language_model_weight:
        return None
    return Path(config.decoding.language_model).read_bytes()


def _write_language_model(content: bytes | None, target: Path) -> dict[str, str]:
    """Write or remove the language model file; return the setting that names it."""
    path = target / LANGUAGE_MODEL_FILE
    if content is None:
        path.unlink(missing_ok=True)
        return {"language_model": ""}
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    return {"language_model": LANGUAGE_MODEL_FILE}


def weight_name(weight: object) -> str:
    """Return the path of a weight in its network, `encoder/stem/...`."""
    return weight.path.split("/", 1)[1]  # type: ignore[attr-defined]
