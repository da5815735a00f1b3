"""Load an export in a fresh process and compare its readings with those of the model in memory.

Run as `python -m attention_ocr.exporting.check FORMAT DIRECTORY CHECK_DIR`; exit status 1 on a
difference. TensorFlow is imported only for formats that it runs.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attention_ocr.images.image import LazyImage
from attention_ocr.inference.engines.interface import Engine, Reading
from attention_ocr.metrics.accuracy import ned
from attention_ocr.settings.formats import FORMATS, SAVED_MODEL
from attention_ocr.settings.registries import PLACE

Expected = Sequence[Mapping[str, Any]]

CHECK_FILE = "check.json"
CONFIDENCE_TOLERANCE = 1e-3
HALF_PRECISION_AGREEMENT = 0.99
"""Fraction of the texts that half precision must not change."""

QUANTIZED_LOSS = 0.005
"""Largest drop of the exact match in 8 bits, as a fraction."""

QUANTIZED_SIMILARITY = 0.4
"""Smallest mean similarity ("1-N.E.D.") of the texts in 8 bits to those of the model. It is 0.6 and
more of tiny untrained models, whose texts 8 bits change most, and 0.2 of texts of other images."""


class ExportDiffersError(ValueError):
    """An export whose readings differ from those of its model."""


def check_saved_model(saved_model: Path, check_dir: Path) -> int:
    """Check a SavedModel, see `check_format`."""
    return check_format(SAVED_MODEL, saved_model, check_dir)


def check_format(format_name: str, directory: Path, check_dir: Path) -> int:
    """Read the images of `check_dir` with one format of an export and compare.

    In float32 every text must be equal, and every confidence within `CONFIDENCE_TOLERANCE`. Half
    precision and 8 bits may lose what `HALF_PRECISION_AGREEMENT`, `QUANTIZED_LOSS` and
    `QUANTIZED_SIMILARITY` allow, and one image more, because a check may have few.

    Args:
        format_name: One of `settings.formats.FORMATS`.
        directory: Directory of the version.
        check_dir: Directory of the images `00000.png`, … and the expected readings `check.json`.

    Returns:
        The number of images compared.

    Raises:
        ExportDiffersError: If the readings differ; the message names an image and both texts.
    """
    document = json.loads((check_dir / CHECK_FILE).read_text(encoding="utf-8"))
    expected, batch_size = document["readings"], document["batch_size"]
    if not expected:
        raise ExportDiffersError("There is no image to check the export with.")
    engine = open_format(format_name, directory)
    readings: list[Reading] = []
    for start in range(0, len(expected), batch_size):
        paths = [
            check_dir / f"{start + index:05d}.png"
            for index in range(len(expected[start : start + batch_size]))
        ]
        readings += engine.read([LazyImage(path.read_bytes()) for path in paths])
    compare_readings(format_name, expected, readings)
    return len(readings)


def open_format(format_name: str, directory: Path) -> Engine:
    """Open one format of an export.

    Args:
        format_name: One of `settings.formats.FORMATS`.
        directory: Directory of the version.

    Raises:
        ValueError: If a file is damaged; the message names it.
    """
    engine: Engine = FORMATS.resolve(format_name)().open(directory)
    return engine


def compare_readings(format_name: str, expected: Expected, readings: Sequence[Reading]) -> None:
    """Refuse readings that differ by more than a format allows, see `check_format`.

    Args:
        format_name: One of `settings.formats.FORMATS`.
        expected: `text` and `confidence` of the model and `label`, for each image; glyphs of a
            class are replaced by its character in all texts.
        readings: Readings of the format.

    Raises:
        ExportDiffersError: If they differ; the message names an image and both texts.
    """
    compare = {"float32": _compare_exactly, "float16": _compare_half, "int8": _compare_quantized}
    # `parity` also compares the model itself, which has no format.
    is_format = format_name in FORMATS or PLACE.fullmatch(format_name)
    precision = FORMATS.resolve(format_name).precision if is_format else "float32"
    compare[precision](expected, readings)


def _compare_exactly(expected: Expected, readings: Sequence[Reading]) -> None:
    for index, (wanted, reading) in enumerate(zip(expected, readings, strict=True)):
        if reading.text != wanted["text"]:
            raise ExportDiffersError(_tell(index, wanted, reading))
        difference = abs(reading.confidence - float(wanted["confidence"]))
        if not difference <= CONFIDENCE_TOLERANCE:
            raise ExportDiffersError(
                f"Image {index} of the check: the confidence of the model is "
                f"{wanted['confidence']}, that of the export {reading.confidence}."
            )


def _compare_half(expected: Expected, readings: Sequence[Reading]) -> None:
    def same(wanted: Mapping[str, Any], reading: Reading) -> bool:
        return bool(reading.text == wanted["text"])

    allowed = 1 + (1 - HALF_PRECISION_AGREEMENT) * len(expected)
    _count(expected, readings, same, [True] * len(expected), allowed)


def _compare_quantized(expected: Expected, readings: Sequence[Reading]) -> None:
    def right(wanted: Mapping[str, Any], reading: Reading) -> bool:
        return bool(reading.text == wanted["label"])

    before = [wanted["text"] == wanted["label"] for wanted in expected]
    _count(expected, readings, right, before, 1 + QUANTIZED_LOSS * len(expected))
    # A model that reads few images of the check right has little to lose.
    _compare_similarity(expected, readings)


def _compare_similarity(expected: Expected, readings: Sequence[Reading]) -> None:
    similarities = [
        ned([wanted["text"]], [reading.text])
        for wanted, reading in zip(expected, readings, strict=True)
    ]
    if 1 + sum(similarities) < QUANTIZED_SIMILARITY * len(expected):
        index = similarities.index(min(similarities))
        raise ExportDiffersError(
            f"Expected texts with a similarity to those of the model of {QUANTIZED_SIMILARITY} or "
            f"more in the mean. Received: {sum(similarities) / len(expected):.2f}. "
            + _tell(index, expected[index], readings[index])
        )


def _count(
    expected: Expected,
    readings: Sequence[Reading],
    holds: Callable[[Mapping[str, Any], Reading], bool],
    before: Sequence[bool],
    allowed: float,
) -> None:
    """Refuse readings of which fewer hold than `before`, by more than `allowed`."""
    after = [holds(*pair) for pair in zip(expected, readings, strict=True)]
    lost = sum(before) - sum(after)
    if lost > allowed:
        index = next(
            i for i, (was, still) in enumerate(zip(before, after, strict=True)) if was > still
        )
        raise ExportDiffersError(
            f"Expected at most {allowed:.1f} of {len(after)} texts lost. Received: {lost}. "
            + _tell(index, expected[index], readings[index])
        )


def _tell(index: int, wanted: Mapping[str, Any], reading: Reading) -> str:
    return (
        f"Image {index} of the check: the model read {wanted['text']!r}, "
        f"the export {reading.text!r}."
    )


if __name__ == "__main__":
    try:
        check_format(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    except ExportDiffersError as failure:
        sys.exit(str(failure))
