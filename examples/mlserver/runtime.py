"""MLServer runtime (Open Inference Protocol, V2) for a version of an export.

It is configured in `model-settings.json`; `README.md` has the commands.
"""

import asyncio

import numpy as np
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec, StringCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri

import attention_ocr

IMAGES = "images"


class Recognizer(MLModel):
    """Maps `images`, BYTES [B], base64-encoded files, to `text`, `confidence` and `status`.

    A file that is unreadable or over the limits of `attention_ocr.ImageLimits` has an empty text
    and a status with the reason; the other rows are unaffected.
    """

    async def load(self) -> bool:
        """Load the version at `parameters.uri`."""
        self._reader = await asyncio.to_thread(
            attention_ocr.load, await get_model_uri(self._settings)
        )
        # Warm-up: the first calls trace the graph.
        await asyncio.to_thread(self._reader.read, [b"", b""])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Read the images of a request, or of several that MLServer batched."""
        inputs = {entry.name: entry for entry in payload.inputs}
        if set(inputs) != {IMAGES} or inputs[IMAGES].datatype != "BYTES":
            received = {name: entry.datatype for name, entry in inputs.items()}
            raise InferenceError(f"Expected the input {IMAGES}, BYTES. Received: {received}")
        try:
            files = Base64Codec.decode_input(inputs[IMAGES])
        except ValueError as error:
            raise InferenceError(f"Expected files in base64. Received: {error}") from error
        readings = await asyncio.to_thread(self._reader.read, files)
        confidences = np.array([reading.confidence for reading in readings], np.float32)
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            outputs=[
                StringCodec.encode_output("text", [reading.text for reading in readings]),
                NumpyCodec.encode_output("confidence", confidences[:, None]),
                StringCodec.encode_output("status", [r.error or "ok" for r in readings]),
            ],
        )
