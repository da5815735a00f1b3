"""LiteRT (TensorFlow Lite): the fastest engine on CPUs, a package of a few megabytes."""

import bisect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attention_ocr.inference.engines.metadata import appended_metadata
from attention_ocr.inference.engines.numpy_engine import IMAGE_SIZES, IMAGES, NumPyEngine


def signature_of(width: int) -> str:
    """Return the name of the signature for images of a width."""
    return f"read_{width}"


class LiteRTEngine(NumPyEngine):
    """Reads with a `.tflite` file of an export.

    The file has signatures for several fixed widths: with static shapes, LiteRT plans its memory
    once and runs convolutions with XNNPACK.

    Args:
        path: The file.
        num_threads: Images that are read in parallel; None for the number of processors.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If neither ai-edge-litert nor TensorFlow is installed.
        ValueError: If the file is damaged, or not a model of this toolkit; the message names it.
    """

    def __init__(self, path: Path, num_threads: int | None = None) -> None:
        # Read once: the file may be replaced, truncated or deleted while in use. Interpreters point
        # into these bytes.
        self._content = path.read_bytes()
        metadata = appended_metadata(path, self._content)
        super().__init__(metadata, num_threads)
        self.path, self.widths = path, metadata.widths
        # Interpreters, each as the runners of its signatures by width. Each runs one image at a
        # time; the last used has the warmest caches. `list.pop` and `append` are atomic.
        self._idle: list[dict[int, Any]] = [self._open()]
        # The first call packs the weights and logs to standard error, which commands discard while
        # a model is loaded.
        image = self.config.image
        blank = np.zeros((image.input_height, self.widths[0], image.image_channels), np.float32)
        self.run(blank, np.array([image.image_height, self.widths[0]], np.int32))

    def _open(self) -> dict[int, Any]:
        interpreter_class = find_interpreter()
        try:
            interpreter = interpreter_class(model_content=self._content, num_threads=1)
            signatures = interpreter.get_signature_list()
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"{self.path} cannot be run: {_first_line(error)}") from error
        missing = [width for width in self.widths if signature_of(width) not in signatures]
        if missing or not self.widths:
            raise ValueError(f"{self.path} has no signatures for the widths {missing}.")
        return {
            width: interpreter.get_signature_runner(signature_of(width)) for width in self.widths
        }

    def input_width(self, width: int) -> int:
        """Return the smallest width of the model that holds the content."""
        return self.widths[bisect.bisect_left(self.widths, width)]

    def run(self, image: np.ndarray, image_size: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run the signature of the image's width."""
        try:
            runners = self._idle.pop()
        except IndexError:
            runners = self._open()
        try:
            inputs = {IMAGES: image[None], IMAGE_SIZES: image_size[None]}
            outputs: Mapping[str, np.ndarray] = runners[image.shape[1]](**inputs)
        finally:
            self._idle.append(runners)
        return outputs


def find_interpreter() -> Any:
    """Return the class of LiteRT's interpreter: that of ai-edge-litert, or TensorFlow's own.

    Raises:
        ImportError: If neither is installed.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            import tensorflow as tf
        except ImportError as error:
            raise ImportError(
                "A .tflite model needs ai-edge-litert: pip install ai-edge-litert"
            ) from error
        return tf.lite.Interpreter
    return Interpreter


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
