"""LiteRT (TensorFlow Lite): the fastest engine on a processor, and one of a few megabytes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attention_ocr.inference.engines.metadata import appended_metadata
from attention_ocr.inference.engines.numpy_engine import IMAGE_SIZES, IMAGES, NumPyEngine


def signature_of(width: int) -> str:
    """Return the name of the signature that takes images of a width."""
    return f"read_{width}"


class LiteRTEngine(NumPyEngine):
    """Reads with a `.tflite` file of an export.

    The file has a signature for each of some widths: with shapes that are known beforehand, LiteRT
    plans its memory once and hands convolutions to XNNPACK.

    Args:
        path: The file.
        num_threads: Images that are read at once; None for as many as there are processors.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If neither ai-edge-litert nor TensorFlow is installed.
        ValueError: If the file is damaged, or no model of this toolkit; the message names it.
    """

    def __init__(self, path: Path, num_threads: int | None = None) -> None:
        # Read once: the file may be replaced, cut or deleted while it is in use. Interpreters point
        # into these bytes.
        self._content = path.read_bytes()
        metadata = appended_metadata(path, self._content)
        super().__init__(metadata, num_threads)
        self.path, self.widths = path, metadata.widths
        # Interpreters, each as the runners of its signatures by width. One runs one image at a
        # time; the last used is the warmest. Taking from a list, or adding to it, is atomic.
        self._idle: list[dict[int, Any]] = [self._open()]
        # The first call packs the weights and reports it on standard error, which commands keep off
        # the terminal while a model is loaded.
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
            raise ValueError(f"{self.path} lacks the signatures of the widths {missing}.")
        return {
            width: interpreter.get_signature_runner(signature_of(width)) for width in self.widths
        }

    def input_width(self, width: int) -> int:
        """Return the smallest width of the model that holds the content."""
        return next(known for known in self.widths if known >= width)

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
