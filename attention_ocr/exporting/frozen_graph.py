"""A frozen graph: one `GraphDef` with constant weights, for loaders that take nothing else."""

from pathlib import Path

import tensorflow as tf

from attention_ocr.inference.engines.graph_engine import FileGraphEngine
from attention_ocr.inference.serving_function import make_serving_function
from attention_ocr.inference.work_directory import TrainedModel
from attention_ocr.settings.config import Config
from attention_ocr.settings.formats import FILES, FROZEN_GRAPH
from attention_ocr.text.charset import Charset

INPUT = "images"
OUTPUTS = (
    "text",
    "confidence",
    "character_confidences",
    "attention",
    "attention_extent",
    "status",
)
"""Output nodes; with a beam search the n best texts have nodes too."""


def write_frozen_graph(model: TrainedModel, path: Path) -> None:
    """Write a `.pb` file that reads image files like `serving_default`.

    Its input is the node `images`, string [B]; each output is a node of the same name.

    Args:
        model: Model that computes in float32.
        path: Output file.

    Raises:
        OSError: If the file cannot be written.
    """
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    serve = make_serving_function(model)

    @tf.function(input_signature=(tf.TensorSpec((None,), tf.string, name=INPUT),))
    def named(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            name: tf.identity(value, name=name) for name, value in sorted(serve(images).items())
        }

    frozen = convert_variables_to_constants_v2(named.get_concrete_function())
    path.write_bytes(frozen.graph.as_graph_def().SerializeToString(deterministic=True))


def open_frozen_graph(directory: Path) -> FileGraphEngine:
    """Open the frozen graph of a version.

    Args:
        directory: Directory of the version; settings and characters are beside the graph.

    Raises:
        ValueError: If the file is damaged; the message names it.
    """
    from google.protobuf.message import DecodeError

    path = directory / FILES[FROZEN_GRAPH]
    definition = tf.compat.v1.GraphDef()
    try:
        definition.ParseFromString(path.read_bytes())
        imported = tf.compat.v1.wrap_function(
            lambda: tf.compat.v1.import_graph_def(definition, name=""), []
        )
        serve = imported.prune(f"{INPUT}:0", {name: f"{name}:0" for name in OUTPUTS})
    except (DecodeError, ValueError, KeyError) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{path} is damaged and cannot be read: {line}") from error
    return FileGraphEngine(serve, Config.load(directory), Charset.load(directory))
