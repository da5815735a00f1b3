"""The service behind both interfaces: predict, classify, metadata, status."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from attention_ocr.inference.engines.signature_names import CLASSIFY_METHOD
from attention_ocr.serving.batching import Arrays, Batcher, num_bytes_of, object_array
from attention_ocr.serving.errors import Code, ServingError, too_many_rows
from attention_ocr.serving.guard import (
    EXAMPLE_INPUT,
    blank_refused,
    name_refused,
)
from attention_ocr.serving.interface import ServedModel, ServedSignature
from attention_ocr.serving.options import ServingOptions
from attention_ocr.serving.versions import Status, Versions

if TYPE_CHECKING:
    # Messages that only gRPC and classification need, which need TensorFlow.
    from tensorflow_serving.apis.classification_pb2 import ClassificationResult

T = TypeVar("T")

_SMALL_BYTES = 2**18
"""Requests up to this size are unpacked inline: a few milliseconds, less than a thread costs."""


class ModelRequest(NamedTuple):
    """The requested model, version and signature.

    Attributes:
        model_name: Name of the model.
        version: Version number; `None` for the newest.
        signature_name: Empty for the default.
    """

    model_name: str
    version: int | None = None
    signature_name: str = ""


class ModelResponse(NamedTuple):
    """The outputs of a signature, with its version and name."""

    outputs: Mapping[str, np.ndarray]
    version: int
    signature_name: str


class Service:
    """Computes the responses to requests.

    Args:
        options: Settings of the server.
        versions: Loaded versions of the model.
        batcher: Runs the signatures.
    """

    def __init__(self, options: ServingOptions, versions: Versions, batcher: Batcher) -> None:
        self._options = options
        self._versions = versions
        self._batcher = batcher
        self._unpacker = ThreadPoolExecutor(1, "unpack")

    async def unpack(self, call: Callable[[], T], num_bytes: int) -> T:
        """Call a function whose time grows with the request; for large requests in a thread.

        Large requests thus delay each other, but never small ones.

        Args:
            call: Unpacks the request.
            num_bytes: Size of the request.
        """
        if num_bytes <= _SMALL_BYTES:
            return call()
        return await asyncio.get_running_loop().run_in_executor(self._unpacker, call)

    def close(self) -> None:
        """Wait for the request that is being unpacked, and cancel the others."""
        self._unpacker.shutdown(cancel_futures=True)

    def servable(self, wanted: ModelRequest) -> ServedModel:
        """Return the requested version.

        Raises:
            ServingError: If it is not served.
        """
        return self._versions.get(wanted.model_name, wanted.version)

    async def predict(
        self,
        wanted: ModelRequest,
        inputs: Arrays,
        output_filter: Collection[str] = (),
        servable: ServedModel | None = None,
    ) -> ModelResponse:
        """Compute the outputs of a signature.

        Args:
            wanted: The requested signature.
            inputs: Arrays by name.
            output_filter: Names of the outputs to return; empty for all.
            servable: Result of an earlier call of `servable`; the version may be unloaded since.

        Raises:
            ServingError: If the inputs do not match the signature or the queue is full.
        """
        servable = servable or self.servable(wanted)
        signature = servable.signature(wanted.signature_name)
        signature.check(inputs)
        unknown = set(output_filter) - set(signature.definition.outputs)
        if unknown:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Signature {signature.name!r} has the outputs "
                f"{sorted(signature.definition.outputs)}. Received: {sorted(unknown)}",
            )
        outputs = await self._compute(signature, inputs)
        kept = {name: outputs[name] for name in output_filter} if output_filter else outputs
        return ModelResponse(kept, servable.version, signature.name)

    async def classify(
        self, wanted: ModelRequest, examples: list[bytes]
    ) -> tuple["ClassificationResult", int, str]:
        """Classify examples by a signature of the method `tensorflow/serving/classify`.

        Args:
            wanted: The requested signature.
            examples: Serialised `tf.train.Example`s.

        Returns:
            Classes with scores for each example, the version and the name of the signature.

        Raises:
            ServingError: If the signature does not classify, there are no examples, or the queue
                is full.
        """
        servable = self.servable(wanted)
        signature = servable.signature(wanted.signature_name)
        method = signature.definition.method_name
        if method != CLASSIFY_METHOD:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Expected classification signature method_name to be {CLASSIFY_METHOD}. "
                f"Was: {method}",
            )
        if not examples:
            raise ServingError(Code.INVALID_ARGUMENT, "Input is empty.")
        inputs = {EXAMPLE_INPUT: object_array(examples)}
        signature.check(inputs)
        outputs = await self._compute(signature, inputs)
        return _classifications(outputs, len(examples)), servable.version, signature.name

    async def _compute(self, signature: ServedSignature, inputs: Arrays) -> Arrays:
        lengths = {len(array) if array.ndim else 1 for array in inputs.values()}
        if signature.takes_rows and len(lengths) != 1:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"All inputs must have the same number of rows. Received: {sorted(lengths)}",
            )
        num_rows = max(lengths) if signature.takes_rows else 1
        if num_rows > self._options.max_batch_size:
            raise too_many_rows(num_rows, self._options.max_batch_size)
        limits = self._options.limits
        guarded = await self.unpack(
            lambda: blank_refused(inputs, limits), sum(map(num_bytes_of, inputs.values()))
        )
        if guarded.num_pixels > self._options.max_request_pixels:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Expected at most {self._options.max_request_pixels} pixels in a request. "
                f"Received: {guarded.num_pixels}",
            )
        # Without rows it cannot share a batch: a distinct function gets its own queue.
        compute = signature if signature.takes_rows else partial(signature)
        outputs = await self._batcher.submit(compute, guarded.inputs, num_rows, guarded.num_pixels)
        return name_refused(outputs, guarded.refused)

    def status(self, wanted: ModelRequest) -> dict[int, Status]:
        """Return the states of the versions, by number.

        Raises:
            ServingError: If there are none.
        """
        return self._versions.status(wanted.model_name, wanted.version)


def _classifications(outputs: Arrays, num_rows: int) -> "ClassificationResult":
    """Return labels with scores; a model may have only one of the two."""
    from tensorflow_serving.apis.classification_pb2 import ClassificationResult

    num_classes = next(iter(outputs.values())).shape[1]
    labels = outputs.get("classes", np.full((num_rows, num_classes), b"", object))
    scores = outputs.get("scores", np.zeros((num_rows, num_classes), np.float32))
    result = ClassificationResult()
    for row in range(num_rows):
        entries = result.classifications.add().classes
        for label, score in zip(labels[row], scores[row], strict=True):
            entries.add(label=label.decode("utf-8", "replace"), score=score)
    return result
