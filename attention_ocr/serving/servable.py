"""A loaded version of a model: its signatures, and warm-up before the first request."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow.core.framework.types_pb2 import DataType
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from attention_ocr.exporting.warmup import read_warmup
from attention_ocr.inference.engines.saved_model_safety import read_meta_graph
from attention_ocr.inference.engines.signature_names import SERVING_SIGNATURE
from attention_ocr.serving.batching import Arrays
from attention_ocr.serving.errors import Code, ServingError
from attention_ocr.serving.guard import name_refused, normalize_images

_LONGEST_REASON = 1000
"""Characters of a TensorFlow message that are passed on."""


class Signature:
    """A function of a model, from arrays to arrays.

    Args:
        name: Name of the signature.
        definition: Its inputs, outputs and method as the model declares them.
        function: Computes it on tensors passed by name.
        owner: Kept alive with the signature: a function alone does not keep its variables alive,
            and a batch may outlive the version.
    """

    def __init__(
        self, name: str, definition: SignatureDef, function: Any, owner: Any = None
    ) -> None:
        self.name = name
        self.definition = definition
        self._function = function
        self._owner = owner
        infos = [*definition.inputs.values(), *definition.outputs.values()]
        self.takes_rows = bool(definition.inputs) and all(map(_is_batch, infos))
        """Whether the first axis of every input and output is the batch axis."""

    def __call__(self, inputs: Arrays) -> Arrays:
        """Compute the outputs; images are decoded as everywhere in this toolkit.

        Raises:
            ServingError: If TensorFlow refuses the values or runs out of memory.
        """
        dtypes = {name: info.dtype for name, info in self.definition.inputs.items()}
        guarded = normalize_images(inputs)
        try:
            tensors = {name: tf.constant(guarded.inputs[name], dtypes[name]) for name in dtypes}
            outputs = {name: value.numpy() for name, value in self._function(**tensors).items()}
        except tf.errors.OpError as error:
            code = Code(error.error_code) if error.error_code in set(Code) else Code.UNKNOWN
            raise ServingError(code, _reason(str(error.message))) from error
        except UnicodeDecodeError as error:
            # What TensorFlow raises if its message quotes bytes of the request, such as an example.
            message = error.object.decode("utf-8", "backslashreplace")
            raise ServingError(Code.INVALID_ARGUMENT, _reason(message)) from error
        return name_refused(outputs, guarded.refused) if self.takes_rows else outputs

    def check(self, inputs: Arrays) -> None:
        """Refuse inputs that do not match the signature.

        Raises:
            ServingError: If a name, type or shape differs.
        """
        expected = self.definition.inputs
        if set(inputs) != set(expected):
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Signature {self.name!r} expects the inputs {sorted(expected)}. "
                f"Received: {sorted(inputs)}",
            )
        for name, array in inputs.items():
            info = expected[name]
            dtype = tf.dtypes.as_dtype(info.dtype)
            sizes = [dim.size for dim in info.tensor_shape.dim]
            fits = info.tensor_shape.unknown_rank or (
                len(sizes) == array.ndim
                and all(size in (-1, given) for size, given in zip(sizes, array.shape, strict=True))
            )
            if array.dtype != dtype.as_numpy_dtype or not fits:
                raise ServingError(
                    Code.INVALID_ARGUMENT,
                    f"Input {name!r} of signature {self.name!r} is {dtype.name} {sizes}. "
                    f"Received: {tf.dtypes.as_dtype(array.dtype).name} {list(array.shape)}",
                )


class Servable:
    """A version of a model that has been loaded and warmed up.

    Args:
        version: Version number.
        directory: Directory of a SavedModel.

    Raises:
        ValueError: If the model is damaged or refers to files outside its directory.
    """

    def __init__(self, version: int, directory: Path) -> None:
        self.version = version
        self.directory = directory
        meta_graph = read_meta_graph(directory)
        try:
            self._loaded = tf.saved_model.load(str(directory))
        except (OSError, tf.errors.OpError, ValueError, IndexError, KeyError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(f"{directory} is damaged and cannot be loaded: {reason}") from error
        self.signature_definitions: Mapping[str, SignatureDef] = dict(meta_graph.signature_def)
        self.signatures = {
            name: Signature(name, meta_graph.signature_def[name], function, self._loaded)
            for name, function in self._loaded.signatures.items()
            if name in meta_graph.signature_def
        }
        self.num_warmup_requests = self._warm_up()

    def signature(self, name: str = "") -> Signature:
        """Return a signature by name, the default one for an empty name.

        Raises:
            ServingError: If no signature has that name.
        """
        name = name or SERVING_SIGNATURE
        if name not in self.signatures:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Serving signature key {name!r} not found. Available: {sorted(self.signatures)}",
            )
        return self.signatures[name]

    def describe(self) -> dict[str, Any]:
        """Return the signatures as the JSON form of TF Serving's `SignatureDefMap`."""
        return {
            name: MessageToDict(
                definition,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for name, definition in self.signature_definitions.items()
        }

    def _warm_up(self) -> int:
        num_requests = 0
        for log in read_warmup(self.directory):
            request = log.predict_log.request
            try:
                signature = self.signature(request.model_spec.signature_name)
                inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
                signature.check(inputs)
                signature(inputs)
            except (ServingError, ValueError, TypeError) as error:
                raise ValueError(
                    f"{self.directory}: warm-up request {num_requests} fails: {error}"
                ) from error
            num_requests += 1
        return num_requests


def _reason(message: str) -> str:
    """Return the line of a TensorFlow message that says what is wrong, not where.

    It is cut short, because it may quote a whole request.
    """
    lines = [line.strip() for line in message.splitlines()]
    telling = [line for line in lines if line and not line.startswith("[[")]
    return telling[-1][:_LONGEST_REASON] if telling else "TensorFlow failed."


def _is_batch(info: Any) -> bool:
    shape = info.tensor_shape
    return bool(not shape.unknown_rank and shape.dim and shape.dim[0].size == -1)


def array_of(proto: Any, max_bytes: int) -> np.ndarray:
    """Return the array of an untrusted `TensorProto`.

    A few bytes may announce a tensor of gigabytes, by its shape alone.

    Raises:
        ServingError: If the values do not fill the shape, or the array exceeds `max_bytes`.
    """
    sizes = [dim.size for dim in proto.tensor_shape.dim]
    received = f"{DataType.Name(proto.dtype)} {sizes}" if proto.dtype in DataType.values() else "?"
    try:
        dtype = tf.dtypes.as_dtype(proto.dtype)
        num_values = int(np.prod(np.array(sizes, object))) if sizes else 1
        if proto.tensor_shape.unknown_rank or min(sizes, default=0) < 0:
            raise ValueError("the shape is unknown")
        if dtype == tf.string and num_values != len(proto.string_val):
            raise ValueError(f"{len(proto.string_val)} strings")
        # An empty array may announce any size for its other axes, which a model may allocate.
        announced = int(np.prod(np.array([max(size, 1) for size in sizes], object)))
        if dtype != tf.string and announced * dtype.size > max_bytes:
            raise ValueError(f"over {max_bytes} bytes")
        return np.asarray(tf.make_ndarray(proto))
    except (TypeError, ValueError, KeyError) as error:
        raise ServingError(
            Code.INVALID_ARGUMENT,
            f"Expected a tensor whose values fill its shape. Received: {received}",
        ) from error
