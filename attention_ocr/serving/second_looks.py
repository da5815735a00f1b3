"""Second looks in the server: rows that are read without confidence are read again."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.core.framework.types_pb2 import DT_FLOAT, DT_STRING, DT_UINT8

from attention_ocr.images.image import LazyImage, normalize_file, raw_pixels
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.engines.signature_names import (
    BEAM_SIGNATURE,
    CLASSIFY_METHOD,
    RAW_PIXELS_SIGNATURE,
    SERVING_SIGNATURE,
    STATUS_OK,
)
from attention_ocr.inference.locate import SAVED_MODEL_FILE
from attention_ocr.inference.second_looks.engine import read_again
from attention_ocr.serving.batching import Arrays, object_array
from attention_ocr.serving.guard import (
    EXAMPLE_INPUT,
    IMAGE_INPUT,
    STATUS_OUTPUT,
    images_of,
    name_refused,
)
from attention_ocr.serving.servable import Servable, Signature
from attention_ocr.serving.unexported import load_unexported
from attention_ocr.settings.config import CONFIG_FILE, Config

NEEDED = frozenset({"text", "confidence", "attention", "attention_extent", STATUS_OUTPUT})
"""Outputs of a signature that reads."""

PIXEL_INPUTS = ("pixels", "sizes")
"""Inputs of `RAW_PIXELS_SIGNATURE`."""

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
        directory: A SavedModel, which has no settings unless this toolkit exported it; or a work
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
    reads_pixels = signatures.get(RAW_PIXELS_SIGNATURE)
    for name, signature in signatures.items():
        if _reads(signature) and _input_type(signature) in (DT_STRING, DT_UINT8, DT_FLOAT):
            of_files = signature if _input_type(signature) == DT_STRING else reads_files
            looking[name] = LookingSignature(signature, reads_pixels or of_files, config)
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
        signature: Reads files, or pixels of one size.
        reads_views: Reads pixels of any sizes; of an export of an older release, files.
        config: Settings of the model.
    """

    def __init__(self, signature: Signature, reads_views: Signature, config: Config) -> None:
        super().__init__(signature.name, signature.definition, signature)
        self._signature = signature
        self._reads_views = reads_views
        self._takes_pixels = set(reads_views.definition.inputs) == set(PIXEL_INPUTS)
        self._config = config

    def __call__(self, inputs: Arrays) -> Arrays:
        """Compute the outputs, see `Signature`."""
        values = inputs[IMAGE_INPUT]
        if values.dtype == object and self._takes_pixels:
            images = [LazyImage(file) for file in values]
            outputs = self._read(images)
        else:
            images = []
            outputs = self._signature(inputs)
        before = readings_of(outputs)
        after = read_again(
            before,
            lambda row: images[row] if images else _to_image(values[row]),
            self._read_views,
            self._config.second_looks,
            self._config.image,
        )
        if all(one is other for one, other in zip(before, after, strict=True)):
            return outputs
        return outputs_of([_as_served(reading) for reading in after])

    def _read_views(self, views: Sequence[LazyImage]) -> list[Reading]:
        starts = range(0, len(views), MAX_VIEWS)
        parts = [self._read(views[start : start + MAX_VIEWS]) for start in starts]
        return [reading for part in parts for reading in readings_of(part)]

    def _read(self, images: Sequence[LazyImage]) -> Arrays:
        """Read images, files or pixels, of any sizes."""
        if self._takes_pixels:
            outputs = self._reads_views(dict(zip(PIXEL_INPUTS, raw_pixels(images), strict=True)))
        else:
            files = object_array([normalize_file(image) for image in images])
            outputs = self._reads_views({IMAGE_INPUT: files})
        # The n best texts are those of the signature that returns them.
        outputs = {name: outputs[name] for name in self.definition.outputs}
        errors = {row: image.error for row, image in enumerate(images)}
        return name_refused(outputs, {row: error for row, error in errors.items() if error})


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
        again = [row for row, found in enumerate(images) if found and scores[row, 0] < self._below]
        if again:
            files = object_array([file for row in again for file in images[row]])
            read = self._reader({IMAGE_INPUT: files})
            texts, confidences = read["text"][:, None], read["confidence"][:, None]
            if "texts" in read:
                texts, confidences = read["texts"], read["text_confidences"]
            for name, values in (("classes", texts), ("scores", confidences)):
                outputs[name] = outputs[name].copy()
                outputs[name][again] = values
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


def _to_image(value: bytes | np.ndarray) -> LazyImage:
    """Return a row of a request, a file or pixels, as an image."""
    if isinstance(value, bytes):
        return LazyImage(value)
    return LazyImage.from_array(np.clip(np.round(value), 0, 255).astype(np.uint8))
