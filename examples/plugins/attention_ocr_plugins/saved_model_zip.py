"""An export format: a SavedModel in one file, to upload or to hand on."""

import tempfile
import zipfile
from pathlib import Path

from attention_ocr.exporting.formats import ExportFormat
from attention_ocr.exporting.saved_model import save_recognizer
from attention_ocr.inference.engines.graph_engine import open_saved_model
from attention_ocr.inference.engines.interface import Engine
from attention_ocr.inference.work_directory import TrainedModel

FILE = "saved_model.zip"


class SavedModelZip(ExportFormat):
    """`saved_model.zip`, with the files of a SavedModel as members."""

    def write(self, model: TrainedModel, directory: Path, images: list[Path]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            save_recognizer(model, Path(folder))
            with zipfile.ZipFile(directory / FILE, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(Path(folder).rglob("*")):
                    archive.write(path, path.relative_to(folder))

    def open(self, directory: Path) -> Engine:
        with tempfile.TemporaryDirectory() as folder:
            try:
                with zipfile.ZipFile(directory / FILE) as archive:
                    archive.extractall(folder)
            except zipfile.BadZipFile as error:
                raise ValueError(f"{directory / FILE} is damaged: {error}") from error
            return open_saved_model(Path(folder))
