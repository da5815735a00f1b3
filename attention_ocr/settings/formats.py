"""The export formats: names, files, and which settings each can hold."""

from typing import Any

from attention_ocr.settings.checks import check
from attention_ocr.settings.registries import PLACE, Registry

SAVED_MODEL = "saved_model"
FROZEN_GRAPH = "frozen_graph"
FILES = {
    FROZEN_GRAPH: "frozen_graph.pb",
    "litert": "model.tflite",
    "litert_float16": "model_float16.tflite",
    "litert_int8": "model_int8.tflite",
    "litert_full_int8": "model_full_int8.tflite",
    "onnx": "model.onnx",
}
"""The file of each format in the directory of a version; `saved_model` is the directory itself."""

EXPORT_FORMATS = (SAVED_MODEL, *FILES)
"""The built-in formats in the order in which they are written."""

_CLASSES = {
    SAVED_MODEL: "SavedModelFormat",
    FROZEN_GRAPH: "FrozenGraphFormat",
    "litert": "LiteRTFormat",
    "litert_float16": "LiteRTFloat16Format",
    "litert_int8": "LiteRTInt8Format",
    "litert_full_int8": "LiteRTFullInt8Format",
    "onnx": "ONNXFormat",
}
FORMATS = Registry(
    "export_formats",
    "format",
    {name: f"attention_ocr.exporting.formats:{_CLASSES[name]}" for name in EXPORT_FORMATS},
    base="attention_ocr.exporting.formats:ExportFormat",
)

ENGINES = ("auto", "tensorflow", "litert", "onnx")
"""Inference engines; `auto` takes the fastest one that is installed and has a file."""


def parse_formats(formats: str) -> tuple[str, ...]:
    """Parse a list such as `saved_model,litert_int8` into the order of `EXPORT_FORMATS`.

    Formats of other distributions come last, in the order of the list, by their places.

    Raises:
        ValueError: If a format is unknown, or there is none.
    """
    wanted = [name for name in formats.split(",") if name]
    plugins = dict.fromkeys(FORMATS.place(name) for name in wanted if name not in FORMATS)
    unknown = sorted(name for name in plugins if not PLACE.fullmatch(name))
    check(
        bool(wanted) and not unknown,
        f"`format` must be a comma-separated list of {', '.join(FORMATS.names())} or "
        "`package.module:Class`.",
        ",".join(unknown) or formats,
    )
    return (*(name for name in EXPORT_FORMATS if name in wanted), *plugins)


def check_format(format_name: str, config: Any) -> None:
    """Refuse settings that a format cannot hold.

    Args:
        format_name: One of `EXPORT_FORMATS`.
        config: A `Config`.

    Raises:
        ValueError: If the format cannot hold the settings; the message says why.
    """
    # A format of another distribution checks the settings itself, when it is written.
    if format_name in (SAVED_MODEL, FROZEN_GRAPH) or format_name not in FORMATS:
        return
    decoding = config.decoding
    held = {
        "num_best": decoding.num_best == 1,
        "lexicon": not decoding.lexicon,
        "pattern": not decoding.pattern,
        "allowed_characters": not decoding.allowed_characters,
    }
    for name, is_held in held.items():
        check(
            is_held,
            f"`format={format_name}` returns the best text only: alternatives and rules need "
            f"TensorFlow. Export `saved_model`, or reset `{name}`.",
            f"{name}={getattr(decoding, name)}",
        )
