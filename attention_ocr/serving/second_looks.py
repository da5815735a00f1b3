"""Second looks in the server: rows that are read without confidence are read again."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.core.framework.types_pb2 import DT_FLOAT, DT_STRING, DT_UINT8

from attention_ocr.images.decode import over_contrast
from attention_ocr.images.fitting import decode_array, encode_array
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.engines.signature_names import (
    BEAM_SIGNATURE,
    SERVING_SIGNATURE,
    STATUS_OK,
)
from attention_ocr.inference.locate import SAVED_MODEL_FILE
from attention_ocr.inference.second_looks.engine import read_again
from attention_ocr.inference.second_looks.vote import View
from attention_ocr.serving.batching import Arrays, object_array
from attention_ocr.serving.guard import (
    CLASSIFY_METHOD,
    EXAMPLE_INPUT,
    IMAGE_INPUT,
    STATUS_OUTPUT,
    images_of,
)
from attention_ocr.serving.servable import Servable, Signature
from attention_ocr.serving.unexported import load_unexported
from attention_ocr.settings.config import CONFIG_FILE, Config

NEEDED = frozenset({"text", "confidence", "attention", "attention_extent", STATUS_OUTPUT})
"""Outputs of a signature that reads."""

MAX_VIEWS = 64
"""Images that are read again in one call."""

_NOWHERE = np.zeros((0, 1, 1), np.float32)


@dataclasses.dataclass(frozen=True)
class ServedReading(Reading):
    """What one row of a call says.

    Attributes:
        row: The outputs of that row by name.
    """

    row: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def load_servable(version: int, directory: Path, second_looks: bool = True) -> Servable:
    """Load a version whose signatures look again where the settings of its model say so.

    Args:
        version: Its number.
        directory: A SavedModel; one that is no export of this toolkit has no settings. Or a work
            directory.
        second_looks: Whether they are taken at all.

    Raises:
        ValueError: If the model or its settings are damaged; the message names the file.
    """
    is_exported = (directory / SAVED_MODEL_FILE).is_file()
    servable = (Servable if is_exported else load_unexported)(version, directory)
    if second_looks and (directory / CONFIG_FILE).is_file():
        config = Config.load(directory)
        if config.second_looks.enabled:
            servable.signatures = with_second_looks(servable.signatures, config)
    return servable


def with_second_looks(signatures: Mapping[str, Signature], config: Config) -> dict[str, Signature]:
    """Return the signatures of an export, those that read looking again.

    Args:
        signatures: By name.
        config: Settings of the model.
    """
    looking = dict(signatures)
    reads_files = signatures.get(SERVING_SIGNATURE)
    if reads_files is None or not _reads(reads_files) or _input_type(reads_files) != DT_STRING:
        return looking
    for name, signature in signatures.items():
        if _reads(signature) and _input_type(signature) in (DT_STRING, DT_UINT8, DT_FLOAT):
            views = signature if _input_type(signature) == DT_STRING else reads_files
            looking[name] = LookingSignature(signature, views, config)
    for name, signature in signatures.items():
        if signature.definition.method_name == CLASSIFY_METHOD:
            reader = looking.get(BEAM_SIGNATURE, looking[SERVING_SIGNATURE])
            looking[name] = LookingClassifier(signature, reader, config)
    return looking


def _reads(signature: Signature) -> bool:
    definition = signature.definition
    return set(definition.inputs) == {IMAGE_INPUT} and set(definition.outputs) >= NEEDED


def _input_type(signature: Signature) -> int:
    return int(signature.definition.inputs[IMAGE_INPUT].dtype)


class LookingSignature(Signature):
    """Reads by another signature, and again what that reads without confidence.

    Args:
        signature: Reads files, or pixels.
        reads_files: Reads the views, with the same outputs.
        config: Settings of the model.
    """

    def __init__(self, signature: Signature, reads_files: Signature, config: Config) -> None:
        super().__init__(signature.name, signature.definition, signature)
        self._signature = signature
        self._reads_files = reads_files
        self._config = config

    def __call__(self, inputs: Arrays) -> Arrays:
        """Compute the outputs, see `Signature`."""
        outputs = self._signature(inputs)
        images = inputs[IMAGE_INPUT]
        before = readings_of(outputs)
        after = read_again(
            before,
            lambda index: _to_image(images[index]),
            self._read_views,
            self._config.second_looks,
            self._config.image,
        )
        if all(one is other for one, other in zip(before, after, strict=True)):
            return outputs
        return outputs_of([_as_served(reading) for reading in after])

    def _read_views(self, views: Sequence[View]) -> list[Reading]:
        readings: list[Reading] = []
        for start in range(0, len(views), MAX_VIEWS):
            files = [encode_array(view.image) for view in views[start : start + MAX_VIEWS]]
            outputs = self._reads_files({IMAGE_INPUT: object_array(files)})
            readings += readings_of(outputs)
        return readings


class LookingClassifier(Signature):
    """Classifies by another signature, and reads again what that reads without confidence.

    Args:
        signature: Classifies serialised examples.
        reader: Looks again at files.
        config: Settings of the model.
    """

    def __init__(self, signature: Signature, reader: Signature, config: Config) -> None:
        super().__init__(signature.name, signature.definition, signature)
        self._signature = signature
        self._reader = reader
        self._below = config.second_looks.below

    def __call__(self, inputs: Arrays) -> Arrays:
        """Compute the outputs, see `Signature`."""
        outputs = dict(self._signature(inputs))
        images = [images_of(example)[:1] for example in inputs[EXAMPLE_INPUT]]
        scores = outputs["scores"]
        unsure = [row for row, found in enumerate(images) if found and scores[row, 0] < self._below]
        if unsure:
            files = object_array([file for row in unsure for file in images[row]])
            read = self._reader({IMAGE_INPUT: files})
            texts, confidences = read["text"][:, None], read["confidence"][:, None]
            if "texts" in read:
                texts, confidences = read["texts"], read["text_confidences"]
            for name, values in (("classes", texts), ("scores", confidences)):
                outputs[name] = outputs[name].copy()
                outputs[name][unsure] = values
        return outputs


def readings_of(outputs: Arrays) -> list[ServedReading]:
    """Return the rows of a call."""
    readings = []
    for index, text in enumerate(outputs["text"]):
        row = {name: values[index] for name, values in outputs.items()}
        status = row[STATUS_OUTPUT].decode("utf-8")
        rows, columns = map(float, row["attention_extent"])
        readings.append(
            ServedReading(
                text=text.decode("utf-8"),
                confidence=float(row["confidence"]),
                character_confidences=(),
                attention=_NOWHERE,
                attention_extent=(rows, columns),
                error=None if status == STATUS_OK else status,
                row=row,
            )
        )
    return readings


def outputs_of(readings: Sequence[ServedReading]) -> Arrays:
    """Return rows of several calls as outputs of one.

    The attention of images that were padded less wide is padded with zeros.
    """
    rows = [_with_confidence(reading) for reading in readings]
    width = max(row["attention"].shape[-1] for row in rows)
    rows = [_padded(row, width) for row in rows]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return {
        name: object_array(values) if isinstance(values[0], bytes) else np.stack(values)
        for name, values in columns.items()
    }


def _as_served(reading: Reading) -> ServedReading:
    if not isinstance(reading, ServedReading):
        raise TypeError(f"Expected a row of the server. Received: {type(reading).__name__}")
    return reading


def _with_confidence(reading: ServedReading) -> dict[str, Any]:
    """Return a row with the confidence of the vote; those of other texts keep their proportion."""
    row = dict(reading.row)
    own = float(row["confidence"])
    row["confidence"] = np.float32(reading.confidence)
    if "text_confidences" in row:
        row["text_confidences"] = row["text_confidences"] * np.float32(
            reading.confidence / own if own else 0.0
        )
    return row


def _padded(row: dict[str, Any], width: int) -> dict[str, Any]:
    attention = row["attention"]
    own = attention.shape[-1]
    if own == width:
        return row
    rows, columns = row["attention_extent"]
    return {
        **row,
        "attention": np.pad(attention, ((0, 0), (0, 0), (0, width - own))),
        "attention_extent": np.array([rows, columns * own / width], np.float32),
    }


def _to_image(value: bytes | np.ndarray) -> np.ndarray | None:
    """Return a row of a request as an image, uint8 [h, w, 3]."""
    if isinstance(value, bytes):
        return decode_array(value)
    image = np.clip(np.round(value.astype(np.float32)), 0, 255).astype(np.uint8)
    if image.shape[-1] == 4:
        return over_contrast(image)
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image
