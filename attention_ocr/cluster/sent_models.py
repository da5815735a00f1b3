"""The models that processes of a cluster read with: files that the folder of the job holds."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attention_ocr.cluster.parts import Job
from attention_ocr.data.storage import read_file
from attention_ocr.images.headers import ImageLimits
from attention_ocr.inference.engines.numpy_engine import NumPyEngine
from attention_ocr.inference.locate import find_model
from attention_ocr.inference.reader import Reader, SecondLooks, find_file, load
from attention_ocr.inference.second_looks.engine import SecondLooksEngine
from attention_ocr.io.bounded_read import read_bounded
from attention_ocr.settings.second_looks import SecondLooksConfig

_MAX_MODEL_BYTES = 2**31


@dataclass(frozen=True)
class SentModel:
    """A model in the folder of a job.

    Attributes:
        name: Name of its file.
        digest: SHA-256 of its content.
        second_looks: Which images are re-read.
    """

    name: str
    digest: str
    second_looks: SecondLooksConfig


def file_of(model: Path | None) -> Path:
    """Return the file of a model that processes open.

    Args:
        model: As in `load`.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If it has neither a LiteRT nor an ONNX file.
    """
    found = find_model(model)
    file = find_file(found, "auto")
    if file is None:
        raise ValueError(
            "Expected a model with a LiteRT or ONNX file, which every process of the cluster "
            "opens: export one with `attention-ocr export --format=litert_int8`. "
            f"Received: {found}"
        )
    return file


def describe(stem: str, model: Path | None, second_looks: SecondLooks) -> SentModel:
    """Return how a model is sent; it is opened here once, so that a damaged one is refused.

    Args:
        stem: Name of the file without its suffix.
        model: As in `load`.
        second_looks: As in `load`.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If it has no file for the nodes, or is damaged.
    """
    file = file_of(model)
    # A work directory may have other second looks than its file.
    reader = load(model, second_looks=second_looks)
    is_enabled = isinstance(reader.engine, SecondLooksEngine)
    looks = reader.config.second_looks if is_enabled else SecondLooksConfig()
    digest = hashlib.sha256(read_bounded(file, _MAX_MODEL_BYTES)).hexdigest()
    return SentModel(f"{stem}{file.suffix}", digest, looks)


def send(job: Job, sent: SentModel, model: Path | None) -> None:
    """Write the file of a model to the folder of a job."""
    with job.folder.writing(sent.name) as temporary:
        temporary.write_bytes(read_bounded(file_of(model), _MAX_MODEL_BYTES))


def open_sent(job: Job, sent: SentModel, limits: ImageLimits | None = None) -> Reader:
    """Open a model, in a process of a node."""
    with tempfile.TemporaryDirectory(prefix="attention-ocr-") as folder:
        # The file is read into memory when it is opened.
        file = Path(folder, sent.name)
        file.write_bytes(read_file(job.folder.address(sent.name)))
        reader = load(file, limits=limits, second_looks=sent.second_looks)
    # Below second looks, if there are any.
    engine: Any = getattr(reader.engine, "engine", reader.engine)
    if isinstance(engine, NumPyEngine):
        # A cluster runs a process for each processor.
        engine.num_threads = 1
    return reader
