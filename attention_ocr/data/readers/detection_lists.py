"""PaddleOCR's detection lists: a path, a tab, and a JSON list of texts with their outlines."""

import json
from collections.abc import Iterator
from typing import Any

from absl import logging

from attention_ocr.data.readers.crops import CropReader, LabelledCrop
from attention_ocr.data.readers.indexed import SPLIT_OPTIONS, indexed_source
from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import Source
from attention_ocr.data.storage import folder_of, read_lines
from attention_ocr.data.tables import found_spelling, path_under
from attention_ocr.layout.page import Polygon

ILLEGIBLE = ("###", "*")
"""Texts of outlines that nobody could read."""


def open_source(spec: SourceSpec) -> Source:
    """Open a detection list of PaddleOCR, of which each outline is cut out.

    Options: `root`, the base folder of relative paths, PaddleOCR's `data_dir`; `encoding`; `every`,
    `part`, `group`.

    Raises:
        FileNotFoundError: If there is no list.
        ValueError: If a line is malformed, or no outline has a text. The message names the line.
    """
    refuse_unknown_options(spec, (*SPLIT_OPTIONS, "root", "encoding"))
    folder = spec.options.get("root", folder_of(spec.name))
    crops: list[LabelledCrop] = []
    num_illegible = 0
    for crop in _crops(spec, folder):
        if crop.text in ILLEGIBLE:
            num_illegible += 1
        else:
            crops.append(crop)
    if num_illegible:
        logging.warning("%s: %d illegible texts are left out.", spec.name, num_illegible)
    if not crops:
        raise ValueError(f"Expected outlined texts in {spec.name}. Received: none")
    return indexed_source(spec, CropReader(crops))


def _crops(spec: SourceSpec, folder: str) -> Iterator[LabelledCrop]:
    for line_number, line in read_lines(spec.name, spec.options.get("encoding", "")):
        place = f"{spec.name}, line {line_number}"
        path, tab, written = line.partition("\t")
        try:
            boxes = json.loads(written)
        except json.JSONDecodeError as error:
            raise ValueError(f"{place}: expected JSON after a tab. Received: {error}") from error
        if not tab or not isinstance(boxes, list):
            raise ValueError(f"{place}: expected a JSON list of texts. Received: {line[:80]!r}")
        path = found_spelling(folder, path)
        image = path_under(folder, path)
        for index, box in enumerate(boxes):
            text, polygon = _parse(box, place)
            yield LabelledCrop(f"{path}#{index}", text, image, 1, polygon)


def _parse(box: Any, place: str) -> tuple[str, Polygon]:
    try:
        text = box["transcription"]
        polygon = tuple((float(x), float(y)) for x, y in box["points"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{place}: expected `transcription` and `points`. Received: {str(box)[:80]}"
        ) from error
    if not isinstance(text, str) or len(polygon) < 3:
        raise ValueError(f"{place}: expected a text and three points. Received: {str(box)[:80]}")
    return text, polygon
