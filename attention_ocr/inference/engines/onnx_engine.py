"""ONNX Runtime."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attention_ocr.inference.engines.metadata import (
    BLANK_DIGEST,
    METADATA_FILE,
    metadata_from_entries,
)
from attention_ocr.inference.engines.numpy_engine import (
    IMAGE_SIZES,
    IMAGES,
    OUTPUTS,
    NumPyEngine,
)
from attention_ocr.io.extras import extra


class ONNXEngine(NumPyEngine):
    """Reads with an `.onnx` file of an export.

    Args:
        path: The file.
        num_threads: Images that are read in parallel; None for the number of processors.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If onnxruntime is not installed.
        ValueError: If the file is damaged, or not a model of this toolkit; the message names it.
    """

    def __init__(self, path: Path, num_threads: int | None = None) -> None:
        content = path.read_bytes()
        self._session = _open(path, content)
        entries = self._session.get_modelmeta().custom_metadata_map
        super().__init__(metadata_from_entries(path, entries, digest_of(content)), num_threads)

    def run(self, image: np.ndarray, image_size: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run the model."""
        inputs = {IMAGES: image[None], IMAGE_SIZES: image_size[None]}
        return dict(zip(OUTPUTS, self._session.run(list(OUTPUTS), inputs), strict=True))


def digest_of(content: bytes) -> str:
    """Return SHA-256 of an ONNX file with zeros in place of the digest that it holds.

    Args:
        content: The bytes of the file, with or without a digest.
    """
    place = content.rfind(b'"sha256": "', content.rfind(METADATA_FILE.encode("ascii"))) + 11
    blank = content[:place] + BLANK_DIGEST.encode("ascii") + content[place + len(BLANK_DIGEST) :]
    return hashlib.sha256(blank).hexdigest()


def _open(path: Path, content: bytes) -> Any:
    with extra("onnx", "Reading an .onnx model"):
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as errors

    options = onnxruntime.SessionOptions()
    # One thread per image uses the processors better than several threads for one image.
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except (
        errors.Fail,
        errors.InvalidArgument,
        errors.InvalidGraph,
        errors.InvalidProtobuf,
        errors.NotImplemented,
        errors.RuntimeException,
    ) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{path} is damaged and cannot be run: {line}") from error
