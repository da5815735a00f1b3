"""The layers of a composed recogniser in a work directory.

`network.json` is written beside `config.json` for a recogniser that was composed of layers instead
of being built from settings. Its weights are in `weights.npz`, like those of any model.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attention_ocr.inference.locate import NETWORK_FILE
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.io.bounded_read import read_bounded
from attention_ocr.models.build import example_inputs
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.models.serialization import (
    deserialize_layer,
    import_layers,
    serialize_layer,
)
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset

FORMAT_VERSION = 1
_MULTIPLIERS = ("width", "depth")
"""Names of arguments that multiply sizes."""


def has_network(directory: Path) -> bool:
    """Return whether a directory holds a composed network."""
    return (directory / NETWORK_FILE).is_file()


def save_network(recognizer: Recognizer, directory: Path) -> None:
    """Write the layers of a recogniser, without their weights, atomically.

    Raises:
        NotImplementedError: If a layer has no `get_config`.
        OSError: If the file cannot be written.
    """
    document = {"format_version": FORMAT_VERSION, "recognizer": serialize_layer(recognizer)}
    with whole_file(directory / NETWORK_FILE) as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def load_network(
    directory: Path, config: Config, charset: Charset, precision: str = ""
) -> Recognizer:
    """Build the recogniser of a directory with its variables, without loading its weights.

    Args:
        directory: Directory with `network.json`.
        config: Settings of the model.
        charset: Its characters.
        precision: `float32`, or the precision that it was composed in, which is the default.

    Raises:
        ValueError: If the file is damaged, holds a layer that is not registered with Keras, or
            belongs to other settings or characters; the message names it.
    """
    path = directory / NETWORK_FILE
    document = read_network(directory)
    if precision == "float32":
        document = _in_float32(document)
    import_layers()
    try:
        recognizer = deserialize_layer(document)
        if not isinstance(recognizer, Recognizer):
            raise ValueError(f"Expected a Recognizer. Received: {type(recognizer).__name__}")
        outputs = recognizer(example_inputs(config), training=False)
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{path} cannot be read: {reason}") from error
    if precision not in ("", precision_of(recognizer)):
        raise ValueError(
            f"{path} computes in {precision_of(recognizer)}, or in float32. Received: {precision}"
        )
    for name in ("logits", "ctc_logits"):
        check_vocabulary(outputs[name].shape[-1] if name in outputs else None, charset)
    return recognizer


def read_network(directory: Path) -> dict[str, Any]:
    """Return the configuration of the recogniser that a directory holds.

    Raises:
        ValueError: If the file is damaged; the message names it.
    """
    path = directory / NETWORK_FILE
    try:
        document = json.loads(read_bounded(path))
        if document["format_version"] != FORMAT_VERSION:
            raise ValueError(
                f"Expected format_version {FORMAT_VERSION}. Received: {document['format_version']}"
            )
        network: dict[str, Any] = dict(document["recognizer"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} is damaged and cannot be read: {error!r:.200}") from error
    return network


def copy_network(source: Path, target: Path) -> None:
    """Copy the network of `source` to `target`; remove that of `target` if there is none."""
    if not has_network(source):
        (target / NETWORK_FILE).unlink(missing_ok=True)
        return
    with whole_file(target / NETWORK_FILE) as temporary:
        temporary.write_bytes((source / NETWORK_FILE).read_bytes())


def check_vocabulary(size: int | None, charset: Charset) -> None:
    """Refuse a head with a vocabulary of another size.

    Args:
        size: Size of the head's vocabulary; None without a head.
        charset: Characters of the model.

    Raises:
        ValueError: If they differ.
    """
    if size is not None and size != charset.vocabulary_size:
        raise ValueError(
            f"Expected a head with a vocabulary of {charset.vocabulary_size}: "
            f"{len(charset.characters)} characters and the special tokens. Received: {size}"
        )


def precision_of(recognizer: Recognizer) -> str:
    """Return the compute dtype of a recogniser, as `build_recognizer` names it."""
    return str(recognizer.dtype_policy.compute_dtype)


def check_network_sizes(directory: Path, largest: int, channels: int) -> None:
    """Refuse a network with larger layers than its weights allow.

    Args:
        directory: Directory with `network.json`.
        largest: Largest size of a layer.
        channels: Size that a multiplier is multiplied with.

    Raises:
        ValueError: If a layer is larger; the message names the file.
    """
    for name, value in _numbers(read_network(directory)):
        size = channels * value if name in _MULTIPLIERS else value
        if size > largest and name != "seed":
            raise ValueError(
                f"{directory / NETWORK_FILE} belongs to other weights: its {name} requires a size "
                f"of {size}. The largest there: {largest}"
            )


def _numbers(document: Any, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _numbers(value, key)
    elif isinstance(document, list):
        for value in document:
            yield from _numbers(value, name)
    elif isinstance(document, int | float):
        yield name, document


def _in_float32(document: Any) -> Any:
    """Replace mixed precision by float32 in a configuration."""
    if isinstance(document, list):
        return [_in_float32(value) for value in document]
    if not isinstance(document, dict):
        return document
    if document.get("class_name") == "DTypePolicy":
        name = str(document["config"]["name"])
        return document | {"config": {"name": "float32" if name.startswith("mixed_") else name}}
    return {name: _in_float32(value) for name, value in document.items()}
