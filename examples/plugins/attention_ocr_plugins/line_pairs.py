"""Pairs of files: `line.png` beside `line.gt.txt`, the ground truth of OCRopus and Calamari."""

import os
from collections.abc import Iterator
from pathlib import Path

from attention_ocr.data.readers.indexed import SPLIT_OPTIONS, FileListReader, indexed_source
from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import Source
from attention_ocr.data.tables import ImageTable
from attention_ocr.images.formats import IMAGE_SUFFIXES

SUFFIX = ".gt.txt"


def open_source(spec: SourceSpec) -> Source:
    """Open a folder, and those in it, whose images have texts of the same names beside them.

    What stands between an image's name and its suffix is dropped, as in `line.bin.png`.

    Options: `suffix`, of the texts (default `.gt.txt`); `every`, `part`, `group`.

    Raises:
        FileNotFoundError: If there is no such folder, or an image has no text.
        ValueError: If a text is not UTF-8, or there is no image.
    """
    refuse_unknown_options(spec, ("suffix", *SPLIT_OPTIONS))
    folder = Path(spec.name)
    if not folder.is_dir():
        raise FileNotFoundError(f"Expected a local folder. Received: {spec.name}")
    rows = _pairs(folder, spec.options.get("suffix", SUFFIX))
    return indexed_source(spec, FileListReader(ImageTable(spec.name, spec.name, rows)))


def _pairs(folder: Path, suffix: str) -> Iterator[tuple[int, str, str]]:
    """Yield number, path in the folder and text of each image, in the order of the paths."""
    names = sorted(
        Path(parent, file).relative_to(folder).as_posix()
        for parent, _, files in os.walk(folder)
        for file in files
        if file.lower().endswith(IMAGE_SUFFIXES)
    )
    for number, name in enumerate(names, start=1):
        image = folder / name
        path = image.with_name(image.name.partition(".")[0] + suffix)
        if not path.is_file():
            raise FileNotFoundError(f"Expected the text of {image}. Received: no file {path}")
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"Expected {path} in UTF-8. Received: {error}") from error
        yield number, name, text.rstrip("\r\n")
