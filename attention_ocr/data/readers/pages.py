"""Transcribed pages: the lines of PAGE XML, ALTO and hOCR files, cut from their images."""

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from absl import logging

from attention_ocr.data.readers.crops import CropReader, LabelledCrop, find_page_image
from attention_ocr.data.readers.indexed import SPLIT_OPTIONS, indexed_source
from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import Source
from attention_ocr.layout.files import LAYOUT_SUFFIXES, read_layout
from attention_ocr.layout.outline import outline_of

PREFIX = "page:"
LEVELS = ("line", "word")


def open_source(spec: SourceSpec) -> Source:
    """Open the transcribed lines of pages: `page:folder/*.xml`, a file, or a folder.

    Options: `level=word` for the words instead of the lines; `images`, the folder of the images, if
    they are not beside their files; `every`, `part`, `group`.

    Raises:
        FileNotFoundError: If there is no file, or none for its image.
        ImportError: If the extra `pages` is not installed.
        ValueError: If a file is damaged, or no line has a text.
    """
    refuse_unknown_options(spec, (*SPLIT_OPTIONS, "level", "images"))
    level = spec.options.get("level", "line")
    if level not in LEVELS:
        raise ValueError(f"`level` of {spec.name} must be line or word. Received: {level}")
    files = _files(spec.name.removeprefix(PREFIX))
    crops: list[LabelledCrop] = []
    num_blank = 0
    # Keys are the same wherever the files are.
    root = os.path.commonpath([file.parent for file in files])
    for file in files:
        name = file.relative_to(root).as_posix()
        for crop in _crops(file, name, level, spec.options.get("images", "")):
            if crop.text.strip():
                crops.append(crop)
            else:
                num_blank += 1
    if num_blank:
        logging.warning("%s: %d %ss without text are left out.", spec.name, num_blank, level)
    if not crops:
        raise ValueError(f"Expected transcribed {level}s in {spec.name}. Received: none with text")
    return indexed_source(spec, CropReader(crops))


def _files(name: str) -> list[Path]:
    if Path(name).is_dir():
        found = [path for path in Path(name).iterdir() if path.suffix.lower() in LAYOUT_SUFFIXES]
    elif Path(name).is_file():
        found = [Path(name)]
    else:
        # `Path.glob` does not support absolute patterns.
        found = [Path(path) for path in glob.glob(name, recursive=True)]  # noqa: PTH207
    if not found:
        raise FileNotFoundError(f"No PAGE XML, ALTO or hOCR file found: {name}")
    return sorted(found)


def _crops(file: Path, name: str, level: str, images: str) -> Iterator[LabelledCrop]:
    pages = read_layout(file.read_bytes(), str(file))
    for page in pages:
        beside = Path(images) / file.name if images else file
        found = find_page_image(beside, page.path)
        if found is None:
            raise FileNotFoundError(
                f"{file}: no image found: expected {page.path or file.stem} beside it, or its "
                "folder as images=DIR"
            )
        image, number = found
        if len(pages) > 1:
            number = page.number
        for place, line in enumerate(page.lines):
            key = f"{name}#{page.number}.{place}"
            whole = LabelledCrop(
                key,
                line.text,
                str(image),
                number,
                outline_of(line, page),
                line.baseline,
                (page.width, page.height),
            )
            if level == "line":
                yield whole
                continue
            for index, word in enumerate(line.words):
                if len(word.polygon) > 2:
                    yield LabelledCrop(
                        f"{key}.{index}",
                        word.text,
                        str(image),
                        number,
                        word.polygon,
                        line.baseline,
                        whole.size,
                    )
