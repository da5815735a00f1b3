"""The export formats: each writes a model, and opens it again for the check."""

import abc
from pathlib import Path
from typing import TYPE_CHECKING

from attention_ocr.io.extras import extra
from attention_ocr.settings.formats import FILES, FORMATS, FROZEN_GRAPH

if TYPE_CHECKING:
    from attention_ocr.inference.engines.interface import Engine
    from attention_ocr.inference.work_directory import TrainedModel


class ExportFormat(abc.ABC):
    """An export format. Other distributions add subclasses to the registry `FORMATS`.

    Attributes:
        precision: How far its texts must agree with those of the model: `float32` in all;
            `float16` and `int8` may lose a few, see `exporting.check`.
    """

    precision = "float32"

    def check_packages(self) -> None:  # noqa: B027 - most formats need none
        """Import what `write` and `open` need beside TensorFlow, before any work begins.

        Raises:
            ImportError: If a package is not installed.
        """

    @abc.abstractmethod
    def write(self, model: "TrainedModel", directory: Path, images: list[Path]) -> None:
        """Write the model, unchecked.

        Args:
            model: Model that computes in float32.
            directory: Directory of the version; settings and characters are there already.
            images: Representative PNG files for calibration.

        Raises:
            ValueError: If the format cannot hold a part of the model.
            ImportError: If a package is not installed.
            OSError: If the disk is full or cannot be written.
        """

    @abc.abstractmethod
    def open(self, directory: Path) -> "Engine":
        """Open what `write` wrote, in a fresh process.

        Args:
            directory: Directory of the version.

        Raises:
            ValueError: If a file is damaged; the message names it.
        """


# Each format imports its packages on use: LiteRT and ONNX models open without TensorFlow.


class SavedModelFormat(ExportFormat):
    """A SavedModel; the directory of the version is itself the model."""

    def write(self, model: "TrainedModel", directory: Path, images: list[Path]) -> None:
        from attention_ocr.exporting.saved_model import save_recognizer

        save_recognizer(model, directory)

    def open(self, directory: Path) -> "Engine":
        from attention_ocr.inference.engines.graph_engine import open_saved_model

        # As a server reads it.
        return open_saved_model(directory, by_files=True)


class FrozenGraphFormat(ExportFormat):
    """A frozen graph, see `exporting.frozen_graph`."""

    def write(self, model: "TrainedModel", directory: Path, images: list[Path]) -> None:
        from attention_ocr.exporting.frozen_graph import write_frozen_graph

        write_frozen_graph(model, directory / FILES[FROZEN_GRAPH])

    def open(self, directory: Path) -> "Engine":
        from attention_ocr.exporting.frozen_graph import open_frozen_graph

        return open_frozen_graph(directory)


class ONNXFormat(ExportFormat):
    """ONNX, see `exporting.onnx_file`."""

    def check_packages(self) -> None:
        with extra("onnx", "`format=onnx`"):
            import onnxruntime  # noqa: F401
            import tf2onnx  # noqa: F401

    def write(self, model: "TrainedModel", directory: Path, images: list[Path]) -> None:
        from attention_ocr.exporting.onnx_file import write_onnx

        write_onnx(model, directory / FILES["onnx"])

    def open(self, directory: Path) -> "Engine":
        from attention_ocr.inference.engines.onnx_engine import ONNXEngine

        return ONNXEngine(directory / FILES["onnx"])


class LiteRTFormat(ExportFormat):
    """LiteRT in float32, see `exporting.litert`."""

    name = "litert"

    def write(self, model: "TrainedModel", directory: Path, images: list[Path]) -> None:
        from attention_ocr.exporting.litert import write_litert

        contents = [image.read_bytes() for image in images]
        write_litert(model, directory / FILES[self.name], self.name, contents)

    def open(self, directory: Path) -> "Engine":
        from attention_ocr.inference.engines.litert_engine import LiteRTEngine

        return LiteRTEngine(directory / FILES[self.name])


class LiteRTFloat16Format(LiteRTFormat):
    """LiteRT with weights in float16."""

    name, precision = "litert_float16", "float16"


class LiteRTInt8Format(LiteRTFormat):
    """LiteRT with weights in 8 bits."""

    name, precision = "litert_int8", "int8"


class LiteRTFullInt8Format(LiteRTFormat):
    """LiteRT with the encoder's activations in 8 bits as well."""

    name, precision = "litert_full_int8", "int8"

    def check_packages(self) -> None:
        with extra("quantize", "`format=litert_full_int8`"):
            import ai_edge_quantizer  # noqa: F401


def export_format(name: str) -> ExportFormat:
    """Return a format by its name in `settings.formats.FORMATS`.

    Raises:
        ImportError: If the package of the format is not installed.
        ValueError: If no format has the name.
    """
    found: ExportFormat = FORMATS.resolve(name)()
    return found
