"""gRPC and REST clients of a model server; they use only TF Serving's own interface."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from attention_ocr.io.extras import extra

BINARY_KEY = "b64"


class RequestFailedError(OSError):
    """A request that the server refused or did not answer.

    Args:
        status: `RESOURCE_EXHAUSTED`, `NOT_FOUND`, …, or an HTTP status code.
        message: The server's error message.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Client(Protocol):
    """The interface that both clients implement."""

    def predict(self, files: Sequence[bytes], signature_name: str = "") -> dict[str, np.ndarray]:
        """Read images.

        Args:
            files: Contents of image files.
            signature_name: Empty for the default; its only input is `images`, string [B].

        Returns:
            The outputs of the signature by name, arrays [B, ...]; texts as `bytes`, UTF-8.

        Raises:
            RequestFailedError: If the server refused or did not answer in time.
        """
        ...

    def classify(
        self, files: Sequence[bytes], signature_name: str = "classify"
    ) -> list[list[tuple[str, float]]]:
        """Return for each image its classes with their scores.

        Raises:
            RequestFailedError: See `predict`.
        """
        ...

    def status(self) -> dict[int, str]:
        """Return the state of each version, such as `AVAILABLE`, `LOADING` or `END`.

        Raises:
            RequestFailedError: See `predict`.
        """
        ...

    def signatures(self) -> dict[str, dict[str, dict[str, str]]]:
        """Return `{signature: {"inputs" | "outputs": {name: type}}}`, a type like `DT_STRING`.

        Raises:
            RequestFailedError: See `predict`.
        """
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class RestClient:
    """REST client.

    Args:
        address: `host:port` or `http://host:port`.
        model_name: Name under which the model is served.
        version: Version of the model; `None` for the newest.
        timeout_s: Time limit of a request.
    """

    def __init__(
        self, address: str, model_name: str, version: int | None = None, timeout_s: float = 30.0
    ) -> None:
        with extra("serving", "A client of the REST interface"):
            import requests

        base = address if "://" in address else f"http://{address}"
        chosen = "" if version is None else f"/versions/{version}"
        self._url = f"{base.rstrip('/')}/v1/models/{model_name}{chosen}"
        self._timeout_s = timeout_s
        self._session = requests.Session()

    def predict(self, files: Sequence[bytes], signature_name: str = "") -> dict[str, np.ndarray]:
        """See `Client`."""
        body: dict[str, Any] = {"inputs": {"images": [_binary(file) for file in files]}}
        if signature_name:
            body["signature_name"] = signature_name
        outputs = self._ask("POST", ":predict", body)["outputs"]
        return {name: _array(values) for name, values in outputs.items()}

    def classify(
        self, files: Sequence[bytes], signature_name: str = "classify"
    ) -> list[list[tuple[str, float]]]:
        """See `Client`."""
        examples = [{"image/encoded": _binary(file)} for file in files]
        body = {"signature_name": signature_name, "examples": examples}
        results = self._ask("POST", ":classify", body)["results"]
        return [[(label, score) for label, score in row] for row in results]

    def status(self) -> dict[int, str]:
        """See `Client`."""
        versions = self._ask("GET", "")["model_version_status"]
        return {int(entry["version"]): entry["state"] for entry in versions}

    def signatures(self) -> dict[str, dict[str, dict[str, str]]]:
        """See `Client`."""
        found = self._ask("GET", "/metadata")["metadata"]["signature_def"]["signature_def"]
        return {
            name: {
                side: {tensor: info["dtype"] for tensor, info in definition[side].items()}
                for side in ("inputs", "outputs")
            }
            for name, definition in found.items()
        }

    def close(self) -> None:
        """See `Client`."""
        self._session.close()

    def _ask(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        import requests

        try:
            response = self._session.request(
                verb, self._url + path, json=body, timeout=self._timeout_s
            )
            answer = response.json()
        except requests.exceptions.JSONDecodeError as error:
            raise RequestFailedError(
                str(response.status_code), f"{self._url}: the response is not JSON"
            ) from error
        except requests.exceptions.RequestException as error:
            raise RequestFailedError("UNAVAILABLE", f"{self._url}: {_cause(error)}") from error
        if response.status_code != 200:
            raise RequestFailedError(str(response.status_code), str(answer.get("error", answer)))
        return answer


class GrpcClient:
    """gRPC client.

    Args:
        address: `host:port`.
        model_name: See `RestClient`.
        version: See `RestClient`.
        timeout_s: See `RestClient`.
    """

    def __init__(
        self, address: str, model_name: str, version: int | None = None, timeout_s: float = 30.0
    ) -> None:
        with extra("serving", "A client of the gRPC interface"):
            import grpc
        from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
        from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

        self._model_name = model_name
        self._version = version
        self._timeout_s = timeout_s
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self._channel = grpc.insecure_channel(address, options=unlimited)
        self._predictions = PredictionServiceStub(self._channel)
        self._models = ModelServiceStub(self._channel)

    def predict(
        self, files: Sequence[bytes], signature_name: str = "", outputs: Sequence[str] = ()
    ) -> dict[str, np.ndarray]:
        """See `Client`; `outputs` names the outputs to send, by default all."""
        import tensorflow as tf
        from tensorflow_serving.apis.predict_pb2 import PredictRequest

        request = self._for_model(PredictRequest(), signature_name)
        tensor = tf.make_tensor_proto(list(files), tf.string, (len(files),))
        request.inputs["images"].CopyFrom(tensor)
        request.output_filter.extend(outputs)
        answered = self._ask(self._predictions.Predict, request).outputs
        return {name: tf.make_ndarray(tensor) for name, tensor in answered.items()}

    def classify(
        self, files: Sequence[bytes], signature_name: str = "classify"
    ) -> list[list[tuple[str, float]]]:
        """See `Client`."""
        from tensorflow_serving.apis.classification_pb2 import ClassificationRequest

        request = self._for_model(ClassificationRequest(), signature_name)
        for file in files:
            example = request.input.example_list.examples.add()
            example.features.feature["image/encoded"].bytes_list.value.append(file)
        response = self._ask(self._predictions.Classify, request)
        return [
            [(entry.label, entry.score) for entry in row.classes]
            for row in response.result.classifications
        ]

    def status(self) -> dict[int, str]:
        """See `Client`."""
        from tensorflow_serving.apis import get_model_status_pb2 as protocol

        request = self._for_model(protocol.GetModelStatusRequest())
        response = self._ask(self._models.GetModelStatus, request)
        name_of = protocol.ModelVersionStatus.State.Name
        return {entry.version: name_of(entry.state) for entry in response.model_version_status}

    def signatures(self) -> dict[str, dict[str, dict[str, str]]]:
        """See `Client`."""
        from tensorflow.core.framework.types_pb2 import DataType
        from tensorflow_serving.apis import get_model_metadata_pb2 as protocol

        request = self._for_model(protocol.GetModelMetadataRequest())
        request.metadata_field.append("signature_def")
        response = self._ask(self._predictions.GetModelMetadata, request)
        found = protocol.SignatureDefMap()
        response.metadata["signature_def"].Unpack(found)
        return {
            name: {
                side: {
                    tensor: DataType.Name(info.dtype)
                    for tensor, info in getattr(definition, side).items()
                }
                for side in ("inputs", "outputs")
            }
            for name, definition in found.signature_def.items()
        }

    def close(self) -> None:
        """See `Client`."""
        self._channel.close()

    def _for_model(self, request: Any, signature_name: str = "") -> Any:
        request.model_spec.name = self._model_name
        request.model_spec.signature_name = signature_name
        if self._version is not None:
            request.model_spec.version.value = self._version
        return request

    def _ask(self, method: Any, request: Any) -> Any:
        import grpc

        try:
            return method(request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise RequestFailedError(error.code().name, error.details()) from error


def _binary(file: bytes) -> dict[str, str]:
    return {BINARY_KEY: base64.b64encode(file).decode("ascii")}


def _array(values: list[Any]) -> np.ndarray:
    array = np.array(values)
    if array.dtype.kind == "U":
        return np.array([text.encode() for text in array.flat], object).reshape(array.shape)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _cause(error: BaseException) -> str:
    """Return the first line of the root cause, without the wrapping library errors."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error).splitlines()[0] if str(error) else type(error).__name__
