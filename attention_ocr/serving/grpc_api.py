"""The gRPC side: `PredictionService` and `ModelService` of TF Serving."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.classification_pb2 import ClassificationResponse
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import (
    ModelServiceServicer,
    add_ModelServiceServicer_to_server,
)
from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceServicer,
    add_PredictionServiceServicer_to_server,
)

from attention_ocr.serving.batching import Arrays
from attention_ocr.serving.errors import Code, ServingError
from attention_ocr.serving.monitoring import Monitoring
from attention_ocr.serving.options import ServingOptions
from attention_ocr.serving.servable import array_of
from attention_ocr.serving.service import Answer, Service, Wanted

STATUS_CODES = {status.value[0]: status for status in grpc.StatusCode}


class GrpcApi(PredictionServiceServicer, ModelServiceServicer):
    """Translates between messages and the service.

    Args:
        service: answers.
        max_bytes: of a tensor that comes in.
        monitoring: counts.
    """

    def __init__(self, service: Service, max_bytes: int, monitoring: Monitoring) -> None:
        self._service = service
        self._max_bytes = max_bytes
        self._monitoring = monitoring

    # The names of the methods are those of TF Serving's protocol.
    async def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802
        async def answer() -> Any:
            wanted = _wanted(request.model_spec)

            def unpack() -> Arrays:
                return {
                    name: array_of(tensor, self._max_bytes)
                    for name, tensor in request.inputs.items()
                }

            inputs = await self._service.unpack(unpack, request.ByteSize())
            return _predict_response(
                request, await self._service.predict(wanted, inputs, request.output_filter)
            )

        return await self._answer("Predict", answer, context)

    async def Classify(self, request: Any, context: Any) -> Any:  # noqa: N802
        async def answer() -> Any:
            examples = _serialized_examples(request.input)
            result, version, signature = await self._service.classify(
                _wanted(request.model_spec), examples
            )
            response = ClassificationResponse(result=result)
            _fill_spec(response.model_spec, request.model_spec.name, version, signature)
            return response

        return await self._answer("Classify", answer, context)

    async def GetModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        async def answer() -> Any:
            if list(request.metadata_field) != ["signature_def"]:
                raise ServingError(
                    Code.INVALID_ARGUMENT,
                    "Expected the metadata_field signature_def. "
                    f"Received: {list(request.metadata_field)}",
                )
            signatures, version = self._service.metadata(_wanted(request.model_spec))
            response = GetModelMetadataResponse()
            _fill_spec(response.model_spec, request.model_spec.name, version)
            response.metadata["signature_def"].Pack(signatures)
            return response

        return await self._answer("GetModelMetadata", answer, context)

    async def GetModelStatus(self, request: Any, context: Any) -> Any:  # noqa: N802
        async def answer() -> Any:
            return self._service.status(_wanted(request.model_spec))

        return await self._answer("GetModelStatus", answer, context)

    async def _answer(self, method: str, answer: Callable[[], Awaitable[Any]], context: Any) -> Any:
        with self._monitoring.request("gRPC", method) as outcome:
            try:
                return await answer()
            except ServingError as error:
                outcome.code = error.code
                await context.abort(STATUS_CODES[error.code], error.message)


def make_grpc_server(
    service: Service, options: ServingOptions, monitoring: Monitoring
) -> tuple[Any, int]:
    """Return a server that is not started yet, and its port.

    Raises:
        OSError: the port is taken.
    """
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", options.max_request_bytes),
            ("grpc.max_send_message_length", -1),
            # Otherwise a second server would take half of the requests, in silence.
            ("grpc.so_reuseport", 0),
        ],
        maximum_concurrent_rpcs=options.max_concurrent_requests,
    )
    api = GrpcApi(service, options.max_request_bytes, monitoring)
    add_PredictionServiceServicer_to_server(api, server)
    add_ModelServiceServicer_to_server(api, server)
    try:
        port = server.add_insecure_port(f"{options.host}:{options.port}")
    except RuntimeError as error:
        raise OSError(f"Cannot listen at {options.host}:{options.port} (gRPC).") from error
    return server, port


def _wanted(spec: Any) -> Wanted:
    if spec.WhichOneof("version_choice") == "version_label":
        raise ServingError(
            Code.INVALID_ARGUMENT,
            f"Expected a version by its number. Received: label {spec.version_label!r}",
        )
    version = spec.version.value if spec.HasField("version") else None
    return Wanted(spec.name, version, spec.signature_name)


def _fill_spec(spec: Any, name: str, version: int, signature: str = "") -> None:
    spec.CopyFrom(ModelSpec(name=name, signature_name=signature))
    spec.version.value = version


def _predict_response(request: Any, answer: Answer) -> Any:
    response = PredictResponse()
    _fill_spec(response.model_spec, request.model_spec.name, answer.version, answer.signature_name)
    for name, array in answer.outputs.items():
        response.outputs[name].CopyFrom(tensor_proto(array))
    return response


def tensor_proto(array: np.ndarray) -> Any:
    """Return an array as TF Serving sends it: each value for itself, readable in any language."""
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
    """Return the examples of a request, each with the features of the context that all share."""
    kind = request_input.WhichOneof("kind")
    if kind == "example_list":
        return [example.SerializeToString() for example in request_input.example_list.examples]
    if kind == "example_list_with_context":
        both = request_input.example_list_with_context
        # Two messages one behind the other merge when they are read.
        context = both.context.SerializeToString()
        return [context + example.SerializeToString() for example in both.examples]
    return []
