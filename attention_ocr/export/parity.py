"""Whether all forms of an export read alike, on any number of labelled images."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from attention_ocr.data.shards import EncodedImage, SourceImages
from attention_ocr.data.sources import Source, Walk
from attention_ocr.engines.interface import Engine, Reading
from attention_ocr.export.check import ExportDiffersError, compare_readings, open_form
from attention_ocr.model_places import SAVED_MODEL_FILE
from attention_ocr.settings.forms import FILES, FORMS, SAVED_MODEL

BATCH_SIZE = 32


@dataclass(frozen=True)
class Parity:
    """How one form reads beside the reference.

    Attributes:
        form: one of `settings.forms.FORMS`, or `reference`.
        num_images: that were read.
        num_same: texts that are those of the reference.
        num_right: texts that are the labels.
        largest_difference: of the confidences, over the images with the same text.
        failure: what the form promises and does not keep; none if it does.
    """

    form: str
    num_images: int
    num_same: int
    num_right: int
    largest_difference: float
    failure: str | None = None


def forms_of(version: Path) -> tuple[str, ...]:
    """Return the forms that a version of an export holds.

    Raises:
        FileNotFoundError: it holds none.
    """
    names = {SAVED_MODEL: SAVED_MODEL_FILE, **FILES}
    forms = tuple(form for form in FORMS if (version / names[form]).is_file())
    if not forms:
        raise FileNotFoundError(f"{version} holds no form of an export.")
    return forms


def pick_images(source: Source, count: int) -> list[EncodedImage]:
    """Return images of a source, evenly spread over it.

    Args:
        source: Any; of rendered text without an end, the first ones are taken.
        count: How many, at most.

    Returns:
        The images with their labels, in the order of the source.

    Raises:
        ValueError: If the source is damaged.
    """
    endless = any(
        part.num_examples is None and part.spec.name == "synthetic"
        for part in source.parts or (source,)
    )
    step = 1 if endless else max(1, len(SourceImages(source)) // count)
    num_examples = count if endless else source.num_examples

    # Rows are chosen before their files are read.
    def rows(walk: Walk) -> tf.data.Dataset:
        return source.rows(walk).shard(step, 0).take(count)

    chosen = dataclasses.replace(source, rows=rows, num_examples=num_examples)
    return list(SourceImages(chosen))


def compare_forms(
    version: Path, images: Sequence[EncodedImage], reference: Engine | None = None
) -> list[Parity]:
    """Read the same images with every form of an export.

    Args:
        version: directory of the export.
        images: with their labels.
        reference: the model that was exported; none takes the first form of the version.

    Returns:
        A row for the reference, and one for each form.

    Raises:
        ValueError: a file is damaged; the message names it. Or there is no image.
        FileNotFoundError: an image has no file.
    """
    if not images:
        raise ValueError("Expected images to compare forms on. Received: none")
    for image in images:
        if not image.encoded:
            raise FileNotFoundError(f"{image.key}: no such image, or it cannot be read")
    files = [image.encoded for image in images]
    labels = [image.text for image in images]
    forms = forms_of(version)
    expected = _read_all(reference or open_form(forms[0], version), files)
    rows = [_compare("reference", expected, expected, labels)]
    for form in forms:
        readings = _read_all(open_form(form, version), files)
        rows.append(_compare(form, expected, readings, labels))
    return rows


def _read_all(engine: Engine, files: Sequence[bytes]) -> list[Reading]:
    starts = range(0, len(files), BATCH_SIZE)
    return [reading for start in starts for reading in engine.read(files[start:][:BATCH_SIZE])]


def _compare(
    form: str, expected: Sequence[Reading], readings: Sequence[Reading], labels: Sequence[str]
) -> Parity:
    same = [
        (wanted.confidence, reading.confidence)
        for wanted, reading in zip(expected, readings, strict=True)
        if wanted.text == reading.text
    ]
    documents = [
        {"text": wanted.text, "confidence": wanted.confidence, "label": label}
        for wanted, label in zip(expected, labels, strict=True)
    ]
    failure = None
    try:
        compare_readings(form, documents, readings)
    except ExportDiffersError as difference:
        failure = str(difference)
    return Parity(
        form=form,
        num_images=len(readings),
        num_same=len(same),
        num_right=sum(
            reading.text == label for reading, label in zip(readings, labels, strict=True)
        ),
        largest_difference=max((abs(one - other) for one, other in same), default=0.0),
        failure=failure,
    )
