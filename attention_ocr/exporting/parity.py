"""Compare all formats of an export on any number of labelled images."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tensorflow as tf

from attention_ocr.data.image_items import EncodedImage
from attention_ocr.data.shards import SourceImages
from attention_ocr.data.sources import Source, Walk
from attention_ocr.exporting.check import ExportDiffersError, compare_readings, open_format
from attention_ocr.images.image import LazyImage
from attention_ocr.inference.engines.interface import Engine, Reading
from attention_ocr.inference.locate import SAVED_MODEL_FILE
from attention_ocr.inference.second_looks.engine import SecondLooksEngine
from attention_ocr.io.progress import progress_bar
from attention_ocr.settings.formats import EXPORT_FORMATS, FILES, FROZEN_GRAPH, SAVED_MODEL

BATCH_SIZE = 32

ONCE = "reads once"
SECOND_LOOKS = {
    SAVED_MODEL: "package, attention-ocr serve",
    FROZEN_GRAPH: ONCE,
    **dict.fromkeys(("litert", "litert_float16", "litert_int8", "litert_full_int8"), "package"),
    "onnx": "package",
}
"""Which readers apply the second looks of a model, by format; all others read once."""


@dataclass(frozen=True)
class Parity:
    """How the readings of one format compare with the reference.

    Attributes:
        format_name: One of `settings.formats.EXPORT_FORMATS`, or `reference`.
        num_images: Number of images that were read.
        num_same: Number of texts equal to those of the reference.
        num_right: Number of texts equal to the labels, in which glyphs of a class are replaced by
            its character.
        largest_difference: Largest difference of confidences over images with the same text.
        failure: Which promise the format breaks; None if it keeps all.
        second_looks: Readers that apply the second looks of the model; empty if it has none.
    """

    format_name: str
    num_images: int
    num_same: int
    num_right: int
    largest_difference: float
    failure: str | None = None
    second_looks: str = ""


def formats_of(version: Path) -> tuple[str, ...]:
    """Return the formats that a version of an export holds.

    Raises:
        FileNotFoundError: If it holds none.
    """
    names = {SAVED_MODEL: SAVED_MODEL_FILE, **FILES}
    formats = tuple(
        format_name for format_name in EXPORT_FORMATS if (version / names[format_name]).is_file()
    )
    if not formats:
        raise FileNotFoundError(f"No export format found in {version}.")
    return formats


def pick_images(source: Source, count: int) -> list[EncodedImage]:
    """Return images evenly spread over a source.

    Args:
        source: Any source; of endless rendered text the first images are taken.
        count: Largest number of images.

    Returns:
        The images with their labels, in the order of the source.

    Raises:
        ValueError: If the source is damaged.
    """
    step = 1 if source.is_endless else max(1, len(SourceImages(source)) // count)
    num_examples = count if source.is_endless else source.num_examples

    # Rows are chosen before their files are read.
    def rows(walk: Walk) -> tf.data.Dataset:
        return source.rows(walk).shard(step, 0).take(count)

    chosen = dataclasses.replace(source, rows=rows, num_examples=num_examples, is_endless=False)
    return list(SourceImages(chosen))


def compare_formats(
    version: Path, images: Sequence[EncodedImage], reference: Engine | None = None
) -> list[Parity]:
    """Read the same images once with every format of an export.

    Args:
        version: Directory of the version.
        images: Images with their labels.
        reference: The exported model; None for the first format of the version.

    Returns:
        A row for the reference, one for each format and, if the model has second looks, one for
        the reference with them, which shows what reading once loses.

    Raises:
        ValueError: If a file is damaged (the message names it), or there is no image.
        FileNotFoundError: If an image has no file.
    """
    if not images:
        raise ValueError("Expected images to compare formats on. Received: none")
    for image in images:
        if not image.encoded:
            raise FileNotFoundError(f"{image.key}: no such image, or it cannot be read")
    files = [LazyImage(image.encoded) for image in images]
    formats = formats_of(version)
    reference = reference or open_format(formats[0], version)
    labels = [reference.charset.fold(image.text) for image in images]
    looks = reference.config.second_looks
    expected = _read_all(reference, files, "reading by the reference")
    rows = [_compare("reference", expected, expected, labels)]
    for format_name in formats:
        engine = open_format(format_name, version)
        readings = _read_all(engine, files, f"reading by {format_name}")
        row = _compare(format_name, expected, readings, labels)
        rows.append(replace(row, second_looks=SECOND_LOOKS[format_name] if looks.enabled else ""))
    if looks.enabled:
        again = _read_all(SecondLooksEngine(reference, looks), files, "reading with second looks")
        # Different texts are intended here.
        row = replace(_compare("second looks", expected, again, labels), failure=None)
        rows.append(row)
    return rows


def _read_all(engine: Engine, files: Sequence[LazyImage], description: str) -> list[Reading]:
    readings: list[Reading] = []
    with progress_bar(description, len(files)) as bar:
        for start in range(0, len(files), BATCH_SIZE):
            batch = engine.read(files[start:][:BATCH_SIZE])
            readings += batch
            bar.update(len(batch))
    return readings


def _compare(
    format_name: str,
    expected: Sequence[Reading],
    readings: Sequence[Reading],
    labels: Sequence[str],
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
        compare_readings(format_name, documents, readings)
    except ExportDiffersError as difference:
        failure = str(difference)
    return Parity(
        format_name=format_name,
        num_images=len(readings),
        num_same=len(same),
        num_right=sum(
            reading.text == label for reading, label in zip(readings, labels, strict=True)
        ),
        largest_difference=max((abs(one - other) for one, other in same), default=0.0),
        failure=failure,
    )
