"""The formats of an export: what writes each, and what opens it again to check it."""

import abc
from pathlib import Path
from typing import TYPE_CHECKING

from attention_ocr.settings.formats import FILES, FORMATS, FROZEN_GRAPH

if TYPE_CHECKING:
    from attention_ocr.inference.engines.interface import Engine
    from attention_ocr.inference.work_directory import TrainedModel


class ExportFormat(abc.ABC):
    """A format of an export; one of another distribution is a subclass with a name in `FORMATS`.

    Attributes:
        precision: What its texts have to agree in with those of the model: `float32` in all;
            `float16` and `int8` leave out a few, see `export.check`.
    """

    precision = "float32"

    @abc.abstractmethod
    def write(self, model: "TrainedModel", directory: Path, images: list[Path]) -> None:
        """Write the model, unchecked.

        Args:
            model: Computing in float32.
            directory: Of the version; settings and characters are there already.
            images: Representative PNG files, to calibrate with.

        Raises:
            ValueError: If the format cannot hold a part of the model.
            ImportError: If a package is not installed.
            OSError: If the disk is full or cannot be written.
        """

    @abc.abstractmethod
    def open(self, directory: Path) -> "Engine":
        """Open what `write` wrote, in a process of its own.

        Args:
            directory: Of the version.

        Raises:
            ValueError: If a file is damaged; the message names it.
        """


# What each needs is imported when it is used: LiteRT and ONNX models are opened without TensorFlow.


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
    """A frozen graph, see `export.frozen_graph`."""

    def write(self, model: "TrainedModel", directory: Path, images: list[Path]) -> None:
        from attention_ocr.exporting.frozen_graph import write_frozen_graph

        write_frozen_graph(model, directory / FILES[FROZEN_GRAPH])

    def open(self, directory: Path) -> "Engine":
        from attention_ocr.exporting.frozen_graph import open_frozen_graph

        return open_frozen_graph(directory)


class ONNXFormat(ExportFormat):
    """ONNX, see `export.onnx_file`."""

    def write(self, model: "TrainedModel", directory: Path, images: list[Path]) -> None:
        from attention_ocr.exporting.onnx_file import write_onnx

        write_onnx(model, directory / FILES["onnx"])

    def open(self, directory: Path) -> "Engine":
        from attention_ocr.inference.engines.onnx_engine import ONNXEngine

        return ONNXEngine(directory / FILES["onnx"])


class LiteRTFormat(ExportFormat):
    """LiteRT in float32, see `export.litert`."""

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


def export_format(name: str) -> ExportFormat:
    """Return a format by its name in `settings.formats.FORMATS`.

    Raises:
        ImportError: If the package of the format is not installed.
        ValueError: If no format has the name.
    """
    found: ExportFormat = FORMATS.resolve(name)()
    return found
