"""JSON format of TF Serving's REST interface: tensors by row or column, examples, errors."""

import base64
import binascii
import gc
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson

from attention_ocr.serving.data_types import NUMPY_TYPES
from attention_ocr.serving.errors import Code, ServingError, too_many_rows

if TYPE_CHECKING:
    from tensorflow.core.example.example_pb2 import Example

BINARY_KEY = "b64"
BINARY_SUFFIX = "_bytes"
MAX_VALUES = 2**22
"""Maximum values of a body, counted by its commas: a JSON image of a megapixel has 3/4 of it."""

MAX_DEPTH = 16
"""Maximum nesting of lists: more than the axes of any tensor, and less than NumPy's limit."""

_IMAGE_SIGNATURES = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\x00", b"MM\x00*"),
    *(b"\x00\x00\x00\x1cftyp", b"\x00\x00\x00 ftyp"),
)
"""First bytes of image files."""

_WHAT_TO_SEND = 'Send {"instances": [{"b64": "…"}]}, or an image file as it is.'


class PredictBody(NamedTuple):
    """A predict request.

    Attributes:
        signature_name: Empty for the default.
        values: The value of `instances` or `inputs`.
        by_row: Whether it was `instances`.
    """

    signature_name: str
    values: Any
    by_row: bool


def parse_body(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body.

    Raises:
        ServingError: If it is not a JSON object.
    """
    num_values = body.count(b",") + 1
    if num_values > MAX_VALUES:
        raise _invalid(
            f"Expected at most {MAX_VALUES} values in a JSON body; send images as files, or by "
            f"gRPC. Received: {num_values}"
        )
    # Parsing holds the GIL. Millions of new lists would trigger the garbage collector repeatedly,
    # which finds nothing and takes most of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _invalid(f"JSON Parse error: {error}. {_WHAT_TO_SEND}") from error
    finally:
        if collects:
            gc.enable()
    if not isinstance(document, dict):
        raise _invalid(f"Expected a JSON object. Received: {_kind(document)}")
    return document


def is_image_file(body: bytes, content_type: str) -> bool:
    """Return whether a body is an image file, as `curl --data-binary @word.png` sends it.

    Args:
        body: Decompressed body of a request.
        content_type: Content type of the request; `curl` sends the same for every body.

    Example:
        >>> is_image_file(b"GIF89a...", "application/x-www-form-urlencoded")
        True
        >>> is_image_file(b'{"instances": []}', "application/json")
        False
    """
    return content_type.startswith("image/") or body.startswith(_IMAGE_SIGNATURES)


def parse_predict(body: bytes) -> PredictBody:
    """Parse the body of a predict request.

    Raises:
        ServingError: If it is malformed.
    """
    document = parse_body(body)
    name = _signature_name(document)
    if ("instances" in document) == ("inputs" in document):
        raise _invalid("Expected either `instances` or `inputs`. Received: both or neither")
    by_row = "instances" in document
    values = document["instances" if by_row else "inputs"]
    if by_row and not (isinstance(values, list) and values):
        raise _invalid(f"`instances` must be a non-empty list. Received: {_kind(values)}")
    return PredictBody(name, values, by_row)


def check_num_rows(request: PredictBody, takes_rows: bool, most: int) -> None:
    """Refuse too many rows before they are converted.

    Args:
        request: Result of `parse_predict`.
        takes_rows: Whether the signature takes batches of rows.
        most: Maximum rows of a request.

    Raises:
        ServingError: If there are more.
    """
    values = request.values
    columns = values.values() if not request.by_row and _is_named(values) else [values]
    num_rows = max((len(column) for column in columns if isinstance(column, list)), default=0)
    if takes_rows and num_rows > most:
        raise too_many_rows(num_rows, most)


def arrays_of(request: PredictBody, declared: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the arrays of a request.

    Args:
        request: Result of `parse_predict`.
        declared: The `TensorInfo` of each input of the signature.

    Raises:
        ServingError: If a name is missing or unknown, or a type or shape does not match.
    """
    columns = _columns(request.values, declared) if request.by_row else request.values
    if not _is_named(columns):
        if len(declared) != 1:
            raise _invalid(f"Expected the inputs by name: {sorted(declared)}")
        columns = {next(iter(declared)): columns}
    if set(columns) != set(declared):
        raise _invalid(f"Expected the inputs {sorted(declared)}. Received: {sorted(columns)}")
    return {name: _array(name, columns[name], info.dtype) for name, info in declared.items()}


def _columns(instances: list[Any], declared: Mapping[str, Any]) -> Any:
    named = [_is_named(instance) for instance in instances]
    if not any(named):
        return instances
    for index, instance in enumerate(instances):
        if not named[index] or set(instance) != set(declared):
            received = sorted(instance) if named[index] else _kind(instance)
            raise _invalid(
                f"Instance {index}: expected an object with {sorted(declared)}. "
                f"Received: {received}"
            )
    return {name: [instance[name] for instance in instances] for name in declared}


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and set(value) != {BINARY_KEY}


def _array(name: str, value: Any, data_type: int) -> np.ndarray:
    """Return a value as an array; checked by NumPy, as a body may hold millions of numbers."""
    if data_type not in NUMPY_TYPES:
        raise _invalid(f"Input {name!r} has a type that JSON cannot hold: {data_type}. Use gRPC.")
    dtype = NUMPY_TYPES[data_type]
    if _depth(value) > MAX_DEPTH:
        raise _invalid(f"Input {name!r} may have at most {MAX_DEPTH} nested lists.")
    leaves = np.array(value, object)
    kinds = set(map(type, leaves.flat))
    if list in kinds:
        raise _invalid(f"Input {name!r} must have lists of equal length.")
    if dtype.kind == "O":
        array = np.empty(leaves.size, object)
        array[:] = [_text(name, leaf) for leaf in leaves.flat]
        return array.reshape(leaves.shape)
    expected = {bool} if dtype.kind == "b" else {int, float}
    if not kinds <= expected:
        wrong = next(leaf for leaf in leaves.flat if type(leaf) not in expected)
        raise _invalid(f"Input {name!r} is {dtype.name}. Received: {_kind(wrong)}")
    if dtype.kind in "iu" and leaves.size:
        limits = np.iinfo(dtype)
        for leaf in (min(leaves.flat), max(leaves.flat)):
            if not limits.min <= leaf <= limits.max:
                raise _invalid(f"Input {name!r} is {dtype.name}. Received: {leaf}")
        if float in kinds:
            broken = next((leaf for leaf in leaves.flat if not float(leaf).is_integer()), None)
            if broken is not None:
                raise _invalid(f"Input {name!r} is {dtype.name}. Received: {broken}")
    with np.errstate(over="ignore"):
        return leaves.astype(dtype)


def _depth(value: Any) -> int:
    """Return the nesting depth along first elements, which is the depth that NumPy assumes."""
    depth = 0
    while isinstance(value, list):
        depth += 1
        value = value[0] if value else None
    return depth


def _text(name: str, leaf: Any) -> bytes:
    if isinstance(leaf, str):
        return leaf.encode("utf-8", "surrogatepass")
    if isinstance(leaf, dict) and set(leaf) == {BINARY_KEY}:
        return _binary(name, leaf[BINARY_KEY])
    raise _invalid(f'Input {name!r} is string: text, or {{"b64": text}}. Received: {_kind(leaf)}')


def _binary(name: str, encoded: Any) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise _invalid(f"Input {name!r}: the value of b64 is not base64: {error}") from error


def parse_classify(body: bytes) -> tuple[str, list[bytes]]:
    """Return the signature name and the serialised examples of a classify request.

    Raises:
        ServingError: If it is malformed.
    """
    # Imported late: servers without TensorFlow do not classify.
    from tensorflow.core.example.example_pb2 import Example

    document = parse_body(body)
    context = document.get("context", {})
    examples = document.get("examples")
    if not isinstance(examples, list) or not examples:
        raise _invalid(f"`examples` must be a non-empty list. Received: {_kind(examples)}")
    if not isinstance(context, dict):
        raise _invalid(f"`context` must be an object. Received: {_kind(context)}")
    serialized = []
    for index, example in enumerate(examples):
        if not isinstance(example, dict):
            raise _invalid(f"Example {index} must be an object. Received: {_kind(example)}")
        message = Example()
        for name, value in {**context, **example}.items():
            _add_feature(message, name, value)
        serialized.append(message.SerializeToString())
    return _signature_name(document), serialized


def _add_feature(example: "Example", name: str, value: Any) -> None:
    values = value if isinstance(value, list) else [value]
    feature = example.features.feature[name]
    if all(isinstance(item, int) and not isinstance(item, bool) for item in values):
        if any(not -(2**63) <= item < 2**63 for item in values):
            raise _invalid(f"Feature {name!r} is int64. Received: {values}")
        feature.int64_list.value.extend(values)
    elif all(isinstance(item, int | float) and not isinstance(item, bool) for item in values):
        feature.float_list.value.extend(map(float, values))
    else:
        feature.bytes_list.value.extend(_text(name, item) for item in values)


def _signature_name(document: dict[str, Any]) -> str:
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise _invalid(f"`signature_name` must be a string. Received: {_kind(name)}")
    return name


def dump_predictions(outputs: Mapping[str, np.ndarray], by_row: bool) -> bytes:
    """Return the response to a predict request, by row or column as the request was."""
    columns = {name: _listed(name, array) for name, array in outputs.items()}
    if not by_row:
        return dump({"outputs": columns if len(columns) > 1 else next(iter(columns.values()))})
    if len(columns) == 1:
        return dump({"predictions": next(iter(columns.values()))})
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return dump({"predictions": rows})


def _listed(name: str, array: np.ndarray) -> Any:
    if array.dtype != object:
        # JSON has no infinity, but TF Serving writes it anyway; `dump` does so for lists.
        finite = array.dtype.kind != "f" or bool(np.isfinite(array).all())
        return np.ascontiguousarray(array) if finite else array.tolist()
    binary = name.endswith(BINARY_SUFFIX)

    def written(value: bytes) -> Any:
        if binary:
            return {BINARY_KEY: base64.b64encode(value).decode("ascii")}
        return value.decode("utf-8", "replace")

    flat = np.empty(array.size, object)
    flat[:] = [written(value) for value in array.flat]
    return flat.reshape(array.shape).tolist()


def dump_error(message: str) -> bytes:
    """Return the response to a request that failed."""
    return orjson.dumps({"error": message})


def dump(document: Any) -> bytes:
    """Return a document as JSON; NaN and infinities are written as in JavaScript."""
    if _holds_infinity(document):
        return json.dumps(document, ensure_ascii=False, default=_as_list).encode("utf-8")
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def _holds_infinity(value: Any) -> bool:
    """Return whether a list holds a float: only arrays with non-finite values become lists."""
    while isinstance(value, list | dict) and value:
        if isinstance(value, dict):
            return any(map(_holds_infinity, value.values()))
        if isinstance(value[0], dict):
            return any(map(_holds_infinity, value))
        value = value[0]
    return isinstance(value, float) and not isinstance(value, np.generic)


def _as_list(value: Any) -> Any:
    return value.tolist()


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return "nothing" if value is None else names.get(type(value), "an object")


def _invalid(message: str) -> ServingError:
    return ServingError(Code.INVALID_ARGUMENT, message)
