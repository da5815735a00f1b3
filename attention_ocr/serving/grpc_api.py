"""gRPC interface: TF Serving's `PredictionService` and `ModelService`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.classification_pb2 import (
    ClassificationRequest,
    ClassificationResponse,
)
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from attention_ocr.serving.admission import Admission
from attention_ocr.serving.batching import Arrays
from attention_ocr.serving.errors import Code, ServingError
from attention_ocr.serving.monitoring import Monitoring
from attention_ocr.serving.options import ServingOptions
from attention_ocr.serving.servable import array_of
from attention_ocr.serving.service import ModelRequest, ModelResponse, Service

STATUS_CODES = {status.value[0]: status for status in grpc.StatusCode}

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"


class GrpcApi:
    """Translates between gRPC messages and the service.

    Args:
        service: Computes the responses.
        admission: Limits requests of this interface.
        monitoring: Counts and times requests.
    """

    def __init__(self, service: Service, admission: Admission, monitoring: Monitoring) -> None:
        self._service = service
        self._admission = admission
        self._monitoring = monitoring

    def handlers(self) -> list[Any]:
        """Return the method handlers of both services."""
        return [
            grpc.method_handlers_generic_handler(
                PREDICTION_SERVICE,
                {
                    "Predict": self._handler("Predict", PredictRequest, self._predict),
                    "Classify": self._handler("Classify", ClassificationRequest, self._classify),
                    "GetModelMetadata": self._handler(
                        "GetModelMetadata", GetModelMetadataRequest, self._metadata
                    ),
                },
            ),
            grpc.method_handlers_generic_handler(
                MODEL_SERVICE,
                {
                    "GetModelStatus": self._handler(
                        "GetModelStatus", GetModelStatusRequest, self._status
                    )
                },
            ),
        ]

    def _handler(
        self, method: str, request_class: Any, answer: Callable[[Any], Awaitable[Any]]
    ) -> Any:
        """Return the handler of a method.

        On the wire, a stream of one message equals a single message. It is received as a stream,
        so that one that never arrives times out, and as bytes, so that malformed messages get an
        error response.
        """

        async def handle(messages: AsyncIterator[bytes], context: Any) -> Any:
            with self._monitoring.request("gRPC", method) as outcome:
                try:
                    with ExitStack() as stack:
                        async with self._admission.bodies.receive(
                            _one_message(messages)
                        ) as message:
                            stack.enter_context(self._admission.slot())
                            request = _parse(request_class, message)
                        return await answer(request)
                except ServingError as error:
                    outcome.code = error.code
                    await context.abort(STATUS_CODES[error.code], error.message)

        return grpc.stream_unary_rpc_method_handler(
            handle, response_serializer=lambda response: response.SerializeToString()
        )

    async def _predict(self, request: Any) -> Any:
        wanted = _model_request(request.model_spec)

        def unpack() -> Arrays:
            return {
                name: array_of(tensor, self._admission.max_request_bytes)
                for name, tensor in request.inputs.items()
            }

        inputs = await self._service.unpack(unpack, request.ByteSize())
        return _predict_response(
            request, await self._service.predict(wanted, inputs, request.output_filter)
        )

    async def _classify(self, request: Any) -> Any:
        examples = _serialized_examples(request.input)
        result, version, signature = await self._service.classify(
            _model_request(request.model_spec), examples
        )
        response = ClassificationResponse(result=result)
        _fill_spec(response.model_spec, request.model_spec.name, version, signature)
        return response

    async def _metadata(self, request: Any) -> Any:
        if list(request.metadata_field) != ["signature_def"]:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                "Expected the metadata_field signature_def. "
                f"Received: {list(request.metadata_field)}",
            )
        servable = self._service.servable(_model_request(request.model_spec))
        signatures = SignatureDefMap()
        for name, definition in servable.signature_definitions.items():
            signatures.signature_def[name].CopyFrom(definition)
        response = GetModelMetadataResponse()
        _fill_spec(response.model_spec, request.model_spec.name, servable.version)
        response.metadata["signature_def"].Pack(signatures)
        return response

    async def _status(self, request: Any) -> Any:
        response = GetModelStatusResponse()
        found = self._service.status(_model_request(request.model_spec))
        for version, status in found.items():
            entry: Any = response.model_version_status.add(version=version, state=int(status.state))
            entry.status.error_code = int(status.code)
            entry.status.error_message = status.message
        return response


def _one_message(messages: AsyncIterator[bytes]) -> Callable[[], Awaitable[bytes]]:
    """Return a reader that returns the message of a call once, then nothing."""
    ended = False

    async def read() -> bytes:
        nonlocal ended
        if ended:
            return b""
        ended = True
        async for message in messages:
            return message
        raise ServingError(Code.INVALID_ARGUMENT, "Expected a message. Received: nothing")

    return read


def _parse(request_class: Any, message: bytes) -> Any:
    try:
        return request_class.FromString(message)
    except DecodeError as error:
        raise ServingError(
            Code.INVALID_ARGUMENT,
            f"Expected a {request_class.DESCRIPTOR.full_name}. "
            f"Received: {len(message)} bytes that cannot be parsed",
        ) from error


def make_grpc_server(
    service: Service, options: ServingOptions, monitoring: Monitoring
) -> tuple[Any, int]:
    """Return a server that is not started yet, and its port.

    Raises:
        OSError: If the port is taken.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", options.max_request_bytes),
            ("grpc.max_send_message_length", -1),
            # Otherwise a second server on this port would silently take half of the requests.
            ("grpc.so_reuseport", 0),
        ],
    )
    server.add_generic_rpc_handlers(GrpcApi(service, Admission(options), monitoring).handlers())
    try:
        port = server.add_insecure_port(f"{options.host}:{options.port}")
    except RuntimeError as error:
        raise OSError(f"Cannot listen at {options.host}:{options.port} (gRPC).") from error
    return server, port


def _model_request(spec: Any) -> ModelRequest:
    if spec.WhichOneof("version_choice") == "version_label":
        raise ServingError(
            Code.INVALID_ARGUMENT,
            f"Expected a version by its number. Received: label {spec.version_label!r}",
        )
    version = spec.version.value if spec.HasField("version") else None
    return ModelRequest(spec.name, version, spec.signature_name)


def _fill_spec(spec: Any, name: str, version: int, signature: str = "") -> None:
    spec.CopyFrom(ModelSpec(name=name, signature_name=signature))
    spec.version.value = version


def _predict_response(request: Any, answer: ModelResponse) -> Any:
    response = PredictResponse()
    _fill_spec(response.model_spec, request.model_spec.name, answer.version, answer.signature_name)
    for name, array in answer.outputs.items():
        response.outputs[name].CopyFrom(tensor_proto(array))
    return response


def tensor_proto(array: np.ndarray) -> Any:
    """Return an array as TF Serving sends it: typed value lists, readable in any language."""
    dtype = tf.string if array.dtype == object else tf.dtypes.as_dtype(array.dtype)
    proto = TensorProto(dtype=dtype.as_datatype_enum)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    values = array.ravel().tolist()
    if dtype == tf.string:
        proto.string_val.extend(values)
    elif dtype == tf.float32:
        proto.float_val.extend(values)
    else:
        proto.CopyFrom(tf.make_tensor_proto(array))
    return proto


def _serialized_examples(request_input: Any) -> list[bytes]:
    """Return the examples of a request, each with the features of their shared context."""
    kind = request_input.WhichOneof("kind")
    if kind == "example_list":
        return [example.SerializeToString() for example in request_input.example_list.examples]
    if kind == "example_list_with_context":
        both = request_input.example_list_with_context
        # Concatenated messages merge when they are parsed.
        context = both.context.SerializeToString()
        return [context + example.SerializeToString() for example in both.examples]
    return []
