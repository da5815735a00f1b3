"""ONNX: a model in one file for any ONNX runtime, with dynamic batch size and width."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from attention_ocr.decoding.context import prepare_decoding
from attention_ocr.inference.engines.metadata import (
    BLANK_DIGEST,
    ModelMetadata,
    make_metadata,
    metadata_from_entries,
)
from attention_ocr.inference.engines.numpy_engine import IMAGE_SIZES, IMAGES, OUTPUTS
from attention_ocr.inference.engines.onnx_engine import digest_of
from attention_ocr.inference.recognize import recognize_ids
from attention_ocr.inference.work_directory import TrainedModel
from attention_ocr.io.atomic_write import whole_file
from attention_ocr.io.extras import extra
from attention_ocr.models.recognizer import portable_copy

OPSET = 18


def write_onnx(model: TrainedModel, path: Path) -> None:
    """Write an `.onnx` file that holds the decoding loops as well.

    Args:
        model: Model that computes in float32.
        path: Output file.

    Raises:
        ImportError: If tf2onnx is not installed.
        ValueError: If a part of the model cannot be converted; the message names it.
        OSError: If the file cannot be written.
    """
    with extra("onnx", "`format=onnx`"):
        import tf2onnx
    config, charset, recognizer = model
    recognizer = portable_copy(recognizer, fused=True)
    decoding = prepare_decoding(config, charset)
    shape = (None, config.image.input_height, None, config.image.image_channels)

    @tf.function(
        input_signature=(
            tf.TensorSpec(shape, tf.float32, name=IMAGES),
            tf.TensorSpec((None, 2), tf.int32, name=IMAGE_SIZES),
        ),
        autograph=False,
    )
    def read(images: tf.Tensor, image_sizes: tf.Tensor) -> dict[str, tf.Tensor]:
        return recognize_ids(recognizer, decoding, images, image_sizes)

    try:
        proto, _ = tf2onnx.convert.from_function(
            read,
            input_signature=read.input_signature,
            opset=OPSET,
            custom_op_handlers={"BlockLSTMV2": (_write_lstm, []), "SelectV2": (_write_where, [])},
        )
    except (ValueError, RuntimeError, NotImplementedError) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"`format=onnx` cannot hold this model: {line}") from error
    _name_axes(proto)
    _share_constants(proto.graph, {}, {})
    path.write_bytes(_with_metadata(proto, make_metadata("onnx", config, charset)))


def rewrite_second_looks(path: Path, values: Mapping[str, Any]) -> ModelMetadata:
    """Change the second looks in the metadata of an `.onnx` file; its model is unchanged.

    Args:
        path: The file; replaced atomically.
        values: New values of some settings, by name.

    Returns:
        The new metadata.

    Raises:
        ImportError: If the package `onnx` is not installed.
        ValueError: If it is not a model of this toolkit, or a value is refused.
    """
    with extra("onnx", "Changing an .onnx file"):
        import onnx
    content = path.read_bytes()
    try:
        proto = onnx.load_from_string(content)
    except DecodeError as error:
        raise ValueError(f"{path} is damaged and cannot be read: {error}") from error
    entries = {entry.key: entry.value for entry in proto.metadata_props}
    metadata = metadata_from_entries(path, entries, digest_of(content))
    metadata = dataclasses.replace(metadata, config=metadata.config.with_second_looks(values))
    del proto.metadata_props[:]
    with whole_file(path) as temporary:
        temporary.write_bytes(_with_metadata(proto, metadata))
    return metadata


def _with_metadata(proto: Any, metadata: ModelMetadata) -> bytes:
    """Return the bytes of a model with metadata that hold their digest."""
    for name, text in metadata.to_entries().items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = name, text
    content: bytes = proto.SerializeToString(deterministic=True)
    # The digest is as long as the placeholder that it replaces.
    blank, digest = BLANK_DIGEST.encode("ascii"), digest_of(content).encode("ascii")
    place = content.rfind(blank)
    return content[:place] + digest + content[place + len(blank) :]


def _write_where(_graph: Any, node: Any, _name: str, _arguments: Any) -> None:
    """Write `SelectV2` as one node; the conversion would multiply and add, six nodes per step."""
    node.type = "Where"


def _write_lstm(graph: Any, node: Any, _name: str, _arguments: Any) -> None:
    """Write TensorFlow's LSTM over a whole sequence as an ONNX LSTM.

    Gate orders: TensorFlow (input, forget, candidate, output), ONNX (input, output, forget,
    candidate).

    Raises:
        ValueError: If the weights are not constant, or another output than the states is used.
    """
    used = [bool(graph.find_output_consumers(output)) for output in node.output]
    if any(used[:-1]) or not (node.inputs[4].is_const() and node.inputs[8].is_const()):
        raise ValueError(
            "Expected an LSTM with constant weights of which only the states are used."
        )
    values = node.inputs[4].get_tensor_value(as_list=False)
    bias = node.inputs[8].get_tensor_value(as_list=False)
    units = values.shape[1] // 4

    def in_order(gates: np.ndarray) -> np.ndarray:
        entry, forget, candidate, output = np.split(gates, 4, axis=-1)
        return np.concatenate([entry, output, forget, candidate], axis=-1)

    values, bias = in_order(values).T, in_order(bias)
    parts = {
        "W": values[:, :-units],
        "R": values[:, -units:],
        "B": np.concatenate([bias, np.zeros_like(bias)]),
    }
    inputs = [node.input[1]]
    for part, value in parts.items():
        constant = np.ascontiguousarray(value[None], np.float32)
        inputs.append(graph.make_const(f"{node.name}_{part}", constant).output[0])
    states, consumers = node.output[-1], node.name
    graph.remove_node(node.name)
    lstm = graph.make_node("LSTM", inputs, attr={"hidden_size": units}, name=consumers)
    # [W, 1, B, U]: the second axis counts the directions.
    axis = graph.make_const(f"{consumers}_axis", np.array([1], np.int64)).output[0]
    squeezed = [lstm.output[0], axis]
    graph.make_node("Squeeze", squeezed, outputs=[states], name=f"{consumers}_states")


def _name_axes(proto: object) -> None:
    """Name the dynamic axes, which the conversion only numbers."""
    names = {
        IMAGES: ("batch", None, "width", None),
        IMAGE_SIZES: ("batch", None),
        "token_ids": ("batch", None),
        "confidence": ("batch",),
        "character_confidences": ("batch", None),
        "attention": ("batch", None, "rows", "columns"),
    }
    graph = proto.graph  # type: ignore[attr-defined]
    known = {value.name for value in (*graph.input, *graph.output)}
    if known != set(names):
        raise ValueError(f"Expected {sorted((IMAGES, IMAGE_SIZES, *OUTPUTS))}. Received: {known}")
    for value in (*graph.input, *graph.output):
        for dimension, name in zip(
            value.type.tensor_type.shape.dim, names[value.name], strict=True
        ):
            if name is not None and not dimension.dim_value:
                dimension.dim_param = name


def _share_constants(graph: Any, around: Mapping[bytes, str], renamed: Mapping[str, str]) -> None:
    """Remove the constants of loops that a graph around them holds as well.

    The conversion stores the weights of a language model for its first step and for the loop.

    Args:
        graph: `GraphProto`, changed in place.
        around: Names of the constants of the graphs around it, by content.
        renamed: New names of constants removed there.
    """
    held, renamed = dict(around), dict(renamed)
    outputs = {value.name for value in graph.output}
    for constant in list(graph.initializer):
        content = type(constant)()
        content.CopyFrom(constant)
        content.ClearField("name")
        key = content.SerializeToString(deterministic=True)
        if key in around and constant.name not in outputs:
            renamed[constant.name] = around[key]
            graph.initializer.remove(constant)
        else:
            held.setdefault(key, constant.name)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _share_constants(attribute.g, held, renamed)
