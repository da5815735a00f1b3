"""What the server does, whichever way a request comes: predict, classify, metadata, status."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from tensorflow_serving.apis.classification_pb2 import ClassificationResult
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse

from attention_ocr.serving.batching import Arrays, Batcher, num_bytes_of, object_array
from attention_ocr.serving.errors import Code, ServingError, too_many_rows
from attention_ocr.serving.guard import (
    CLASSIFY_METHOD,
    EXAMPLE_INPUT,
    blank_refused,
    name_refused,
)
from attention_ocr.serving.options import ServingOptions
from attention_ocr.serving.servable import Servable, Signature
from attention_ocr.serving.versions import Versions

T = TypeVar("T")

_SMALL_BYTES = 2**18
"""Of a request that is unpacked at once: some milliseconds, less than the other way would take."""


class ModelRequest(NamedTuple):
    """Which function of which model is asked for.

    Attributes:
        model_name: of the model.
        version: none for the newest.
        signature_name: empty for the default one.
    """

    model_name: str
    version: int | None = None
    signature_name: str = ""


class ModelResponse(NamedTuple):
    """What a signature computed, and which one it was."""

    outputs: Mapping[str, np.ndarray]
    version: int
    signature_name: str


class Service:
    """Answers requests.

    Args:
        options: of the server.
        versions: of its model.
        batcher: computes.
    """

    def __init__(self, options: ServingOptions, versions: Versions, batcher: Batcher) -> None:
        self._options = options
        self._versions = versions
        self._batcher = batcher
        self._unpacker = ThreadPoolExecutor(1, "unpack")

    async def unpack(self, call: Callable[[], T], num_bytes: int) -> T:
        """Call a function whose time grows with the request; of a large one in a thread of its own.

        So a large request holds up other large ones, and no small one.

        Args:
            call: unpacks what came in.
            num_bytes: of that.
        """
        if num_bytes <= _SMALL_BYTES:
            return call()
        return await asyncio.get_running_loop().run_in_executor(self._unpacker, call)

    def close(self) -> None:
        """Wait for what is being unpacked, and unpack no more."""
        self._unpacker.shutdown(cancel_futures=True)

    def servable(self, wanted: ModelRequest) -> Servable:
        """Return the version that is asked for.

        Raises:
            ServingError: it is not served.
        """
        return self._versions.get(wanted.model_name, wanted.version)

    async def predict(
        self,
        wanted: ModelRequest,
        inputs: Arrays,
        output_filter: Collection[str] = (),
        servable: Servable | None = None,
    ) -> ModelResponse:
        """Compute the outputs of a signature.

        Args:
            wanted: which signature.
            inputs: by name.
            output_filter: outputs that are wanted; all of them without a name.
            servable: of an earlier call for what is wanted, which may have gone since.

        Raises:
            ServingError: the inputs do not go with the signature, or too much waits already.
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
    ) -> tuple[ClassificationResult, int, str]:
        """Name the classes of examples by a signature of the method `tensorflow/serving/classify`.

        Args:
            wanted: which signature.
            examples: serialized `tf.train.Example`s.

        Returns:
            Classes with scores for each example, the version and the name of the signature.

        Raises:
            ServingError: the signature does not classify, there is no example, or too much waits.
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

    async def _compute(self, signature: Signature, inputs: Arrays) -> Arrays:
        lengths = {len(array) if array.ndim else 1 for array in inputs.values()}
        if signature.takes_rows and len(lengths) != 1:
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"All inputs must have as many rows. Received: {sorted(lengths)}",
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
        # What has no rows cannot be joined with others: a function of its own has its own queue.
        compute = signature if signature.takes_rows else partial(signature)
        outputs = await self._batcher.submit(compute, guarded.inputs, num_rows, guarded.num_pixels)
        return name_refused(outputs, guarded.refused)

    def metadata(self, wanted: ModelRequest) -> tuple[SignatureDefMap, int]:
        """Return the signatures of a version, and its number.

        Raises:
            ServingError: it is not served.
        """
        servable = self.servable(wanted)
        signatures = SignatureDefMap()
        for name, definition in servable.signature_definitions.items():
            signatures.signature_def[name].CopyFrom(definition)
        return signatures, servable.version

    def status(self, wanted: ModelRequest) -> GetModelStatusResponse:
        """Return where the versions stand.

        Raises:
            ServingError: there is none.
        """
        response = GetModelStatusResponse()
        for version, status in self._versions.status(wanted.model_name, wanted.version).items():
            entry: Any = response.model_version_status.add(version=version, state=int(status.state))
            entry.status.error_code = int(status.code)
            entry.status.error_message = status.message
        return response


def _classifications(outputs: Arrays, num_rows: int) -> ClassificationResult:
    """Return labels with scores; a model may have one of them only."""
    num_classes = next(iter(outputs.values())).shape[1]
    labels = outputs.get("classes", np.full((num_rows, num_classes), b"", object))
    scores = outputs.get("scores", np.zeros((num_rows, num_classes), np.float32))
    result = ClassificationResult()
    for row in range(num_rows):
        entries = result.classifications.add().classes
        for label, score in zip(labels[row], scores[row], strict=True):
            entries.add(label=label.decode("utf-8", "replace"), score=score)
    return result
