"""Serving without TensorFlow: LiteRT and ONNX models with the signature of an export."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from attention_ocr.images.image import LazyImage
from attention_ocr.inference.engines.interface import Engine, Reading
from attention_ocr.inference.engines.signature_names import SERVING_SIGNATURE, STATUS_OK
from attention_ocr.inference.reader import load
from attention_ocr.serving.batching import Arrays, object_array
from attention_ocr.serving.data_types import DT_FLOAT, DT_STRING
from attention_ocr.serving.errors import Code, ServingError
from attention_ocr.serving.guard import IMAGE_INPUT, STATUS_OUTPUT
from attention_ocr.serving.interface import WARMUP_SIZES

_TYPE_NAMES = {DT_FLOAT: "DT_FLOAT", DT_STRING: "DT_STRING"}


@dataclass(frozen=True)
class TensorDescription:
    """An input or output.

    Attributes:
        dtype: Number of its type in TensorFlow.
        shape: Its shape, -1 for an axis of any length.
    """

    dtype: int
    shape: tuple[int, ...]

    def to_json(self, name: str) -> dict[str, Any]:
        """Return the JSON form of a `TensorInfo`."""
        sizes = [{"size": str(size), "name": ""} for size in self.shape]
        shape = {"dim": sizes, "unknown_rank": False}
        return {"name": name, "dtype": _TYPE_NAMES[self.dtype], "tensor_shape": shape}


@dataclass(frozen=True)
class Definition:
    """The inputs, outputs and method of a signature."""

    inputs: Mapping[str, TensorDescription]
    outputs: Mapping[str, TensorDescription]
    method_name: str = "tensorflow/serving/predict"


DEFINITION = Definition(
    inputs={IMAGE_INPUT: TensorDescription(DT_STRING, (-1,))},
    outputs={
        "text": TensorDescription(DT_STRING, (-1,)),
        "confidence": TensorDescription(DT_FLOAT, (-1,)),
        "character_confidences": TensorDescription(DT_FLOAT, (-1, -1)),
        "attention": TensorDescription(DT_FLOAT, (-1, -1, -1, -1)),
        "attention_extent": TensorDescription(DT_FLOAT, (-1, 2)),
        STATUS_OUTPUT: TensorDescription(DT_STRING, (-1,)),
    },
)


class PortableSignature:
    """`serving_default` of an export, computed by an engine; see `interface.ServedSignature`.

    Args:
        engine: Reads the images.
    """

    name = SERVING_SIGNATURE
    definition = DEFINITION
    takes_rows = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, inputs: Arrays) -> Arrays:
        """Read image files; an image that cannot be decoded fails alone."""
        return outputs_of(self._engine.read([LazyImage(file) for file in inputs[IMAGE_INPUT]]))

    def check(self, inputs: Arrays) -> None:
        """Refuse anything but a list of files.

        Raises:
            ServingError: If a name, type or shape differs.
        """
        received = {name: f"{array.dtype} {list(array.shape)}" for name, array in inputs.items()}
        files = inputs.get(IMAGE_INPUT)
        if len(inputs) != 1 or files is None or files.dtype != object or files.ndim != 1:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Signature {self.name!r} expects {IMAGE_INPUT!r}, string [-1]. "
                f"Received: {received}",
            )


class PortableModel:
    """A version of a model that an engine without TensorFlow runs; see `interface.ServedModel`.

    Args:
        version: Version number.
        directory: Directory of the version.
        engine: Runs the model.
    """

    # Messages of gRPC.
    signature_definitions: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, version: int, directory: Path, engine: Engine) -> None:
        self.version = version
        self.directory = directory
        self._signature = PortableSignature(engine)
        for height, width in WARMUP_SIZES:
            engine.read([LazyImage.from_array(np.full((height, width, 3), 255, np.uint8))])

    def signature(self, name: str = "") -> PortableSignature:
        """Return the only signature.

        Raises:
            ServingError: If another one is named.
        """
        if name not in ("", SERVING_SIGNATURE):
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Serving signature key {name!r} not found. Available: [{SERVING_SIGNATURE!r}]; "
                "the others of an export need TensorFlow.",
            )
        return self._signature

    def describe(self) -> dict[str, Any]:
        """Return the signature as the JSON form of TF Serving's `SignatureDefMap`."""
        sides = {"inputs": DEFINITION.inputs, "outputs": DEFINITION.outputs}
        described = {
            side: {name: tensor.to_json(name) for name, tensor in tensors.items()}
            for side, tensors in sides.items()
        }
        return {SERVING_SIGNATURE: {**described, "method_name": DEFINITION.method_name}}


def load_portable(
    version: int, directory: Path, engine: str = "auto", second_looks: bool = True
) -> PortableModel:
    """Load a version of a model without TensorFlow.

    Args:
        version: Its number.
        directory: An export or a packed model with a LiteRT or ONNX file.
        engine: `litert`, `onnx`, or `auto` for the fastest of them that is installed.
        second_looks: Whether images read with low confidence are re-read, as the settings of the
            model say.

    Raises:
        ImportError: If the engine is not installed.
        ValueError: If the model is damaged; the message names the file.
    """
    reader = load(directory, engine=engine, second_looks=None if second_looks else False)
    return PortableModel(version, directory, reader.engine)


def outputs_of(readings: Sequence[Reading]) -> dict[str, np.ndarray]:
    """Return readings as the outputs of an export; shorter texts and narrower images are padded."""
    length = max((len(reading.text) for reading in readings), default=0)
    sizes = [(1, 1), *(reading.attention.shape[1:] for reading in readings)]
    rows, columns = np.max(sizes, axis=0)
    confidences = np.zeros((len(readings), length), np.float32)
    attention = np.zeros((len(readings), length, rows, columns), np.float32)
    extents = np.zeros((len(readings), 2), np.float32)
    for row, reading in enumerate(readings):
        num_read, own_rows, own_columns = reading.attention.shape
        confidences[row, : len(reading.character_confidences)] = reading.character_confidences
        attention[row, :num_read, :own_rows, :own_columns] = reading.attention
        height, width = reading.attention_extent
        extents[row] = (height * own_rows / rows, width * own_columns / columns)
    return {
        "text": object_array([reading.text.encode("utf-8") for reading in readings]),
        "confidence": np.array([reading.confidence for reading in readings], np.float32),
        "character_confidences": confidences,
        "attention": attention,
        "attention_extent": extents,
        STATUS_OUTPUT: object_array(
            [(reading.error or STATUS_OK).encode("utf-8") for reading in readings]
        ),
    }
