"""A runtime for MLServer, which speaks the Open Inference Protocol (V2), on a version of an export.

`model-settings.json` beside this file names it; `README.md` has the commands.
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
    """Takes `images`, BYTES [B], files in base64, and returns `text`, `confidence` and `status`.

    A file that cannot be read, or that is over the limits of `attention_ocr.ImageLimits`, has an
    empty text and a status that says why; the other rows are read.
    """

    async def load(self) -> bool:
        """Load the version that `parameters.uri` names."""
        self._reader = await asyncio.to_thread(
            attention_ocr.load, await get_model_uri(self._settings)
        )
        # The first calls trace: nobody shall wait for them.
        await asyncio.to_thread(self._reader.read, [b"", b""])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Read the images of a request, or of several that MLServer joined."""
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
