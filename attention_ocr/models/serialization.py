"""Serialisation of nested layers with Keras."""

import importlib
import pkgutil
from typing import Any

import keras

import attention_ocr.models


def serialize_layer(layer: Any) -> dict[str, Any] | None:
    """Return the configuration of a layer, or of another object with `get_config`, as JSON values.

    Build shapes are omitted: with them, Keras would create the variables of inner layers before
    the outer layer does, under other paths.

    Args:
        layer: The layer; None returns None.
    """
    if layer is None:
        return None
    config: dict[str, Any] = _without_shapes(keras.saving.serialize_keras_object(layer))
    return config


def deserialize_layer(config: dict[str, Any] | None) -> Any:
    """Build a layer from the result of `serialize_layer`.

    Raises:
        TypeError: If its class is not registered with Keras.
    """
    return None if config is None else keras.saving.deserialize_keras_object(config)


def load_recognizer(path: Any) -> Any:
    """Load a recogniser from a `.keras` file.

    Unlike `keras.models.load_model`, it first imports all layers of this package. Custom layers
    must be registered with Keras (`keras.saving.register_keras_serializable`), and their module
    imported.

    Args:
        path: Path of the file that `Recognizer.save` wrote.

    Returns:
        The recogniser with its weights, compiled if it was compiled when saved.

    Raises:
        TypeError: If a layer is not registered.
        ValueError: If the file is damaged or missing.
    """
    import_layers()
    return keras.models.load_model(path)


def import_layers() -> None:
    """Import all modules with layers, which registers them with Keras."""
    package = attention_ocr.models
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name != f"{package.__name__}.build":
            importlib.import_module(module.name)


def _without_shapes(config: Any) -> Any:
    if isinstance(config, dict):
        return {
            name: _without_shapes(value) for name, value in config.items() if name != "build_config"
        }
    if isinstance(config, list):
        return [_without_shapes(value) for value in config]
    return config
