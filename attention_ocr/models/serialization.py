"""How layers that hold other layers are written down, so that Keras can make them again."""

import importlib
import pkgutil
from typing import Any

import keras

import attention_ocr.models


def serialize_layer(layer: Any) -> dict[str, Any] | None:
    """Return the configuration of a layer, or of another object with `get_config`, as JSON values.

    It is without the shapes that the layer and those inside it were built for: Keras would make
    their variables before the layer that holds them makes its own, under other paths.

    Args:
        layer: None stays None.
    """
    if layer is None:
        return None
    config: dict[str, Any] = _without_shapes(keras.saving.serialize_keras_object(layer))
    return config


def deserialize_layer(config: dict[str, Any] | None) -> Any:
    """Make a layer of what `serialize_layer` returned.

    Raises:
        TypeError: If its class is not registered with Keras.
    """
    return None if config is None else keras.saving.deserialize_keras_object(config)


def load_recognizer(path: Any) -> Any:
    """Load a recogniser from a `.keras` file.

    It does what `keras.models.load_model` does, and knows every layer of this package without its
    being imported before. Layers of your own must be registered with Keras
    (`keras.saving.register_keras_serializable`), and their module imported.

    Args:
        path: Of the file that `Recognizer.save` wrote.

    Returns:
        The recogniser, with its weights, and compiled if it was.

    Raises:
        TypeError: If a layer is not registered.
        ValueError: If the file is damaged, or there is none.
    """
    import_layers()
    return keras.models.load_model(path)


def import_layers() -> None:
    """Import every module with layers, which registers them with Keras."""
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
