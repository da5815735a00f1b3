"""A folder of images: with a `labels.tsv`, or with the texts in the file names."""

import re
from collections.abc import Iterator

from attention_ocr.data.readers.indexed import SPLIT_OPTIONS, FileListReader, indexed_source
from attention_ocr.data.readers.lists import open_tsv
from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import Source
from attention_ocr.data.storage import exists, is_folder, is_remote, list_files
from attention_ocr.data.tables import ImageTable
from attention_ocr.images.formats import IMAGE_SUFFIXES
from attention_ocr.io.folder_walk import files_below


def open_source(spec: SourceSpec) -> Source:
    r"""Open a folder.

    Options: `pattern`, a regular expression that matches the whole file name of each image (its
    path in the folder if the expression contains a `/`) and whose group `text`, or only group, is
    the label; `every`, `part`, `group`. With `words,pattern=(.*)_\d+\.png` the label of
    `words/any/OPEN_12.png` is OPEN.

    Raises:
        FileNotFoundError: If there is no such folder, or neither `pattern` nor `labels.tsv`.
        ValueError: If the expression is invalid, or an image does not match it.
    """
    labels = f"{spec.name.rstrip('/')}/labels.tsv"
    if "pattern" not in spec.options:
        if not exists(labels):
            raise FileNotFoundError(
                f"No data found at {spec.name}: expected {labels}, or `,pattern=` and a regular "
                "expression whose group is the label in a file's name"
            )
        return open_tsv(SourceSpec(labels, spec.options))
    refuse_unknown_options(spec, ("pattern", *SPLIT_OPTIONS))
    _refuse_missing(spec.name)
    pattern = _compiled(spec.options["pattern"])
    table = ImageTable(spec.name, spec.name, _named_images(spec.name, pattern))
    return indexed_source(spec, FileListReader(table))


def open_images(spec: SourceSpec) -> Source:
    """Open the images of a folder and its subfolders without labels: every label is empty.

    Options: `every`, `part`, `group`.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no images.
    """
    refuse_unknown_options(spec, SPLIT_OPTIONS)
    _refuse_missing(spec.name)
    rows = ((number, key, "") for number, key in enumerate(_image_names(spec.name), start=1))
    return indexed_source(spec, FileListReader(ImageTable(spec.name, spec.name, rows)))


def _refuse_missing(folder: str) -> None:
    if not is_folder(folder):
        raise FileNotFoundError(f"Expected a folder. Received: {folder}")


def _compiled(expression: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise ValueError(
            f"`pattern` must be a regular expression: {error}. Received: {expression!r}"
        ) from error
    if pattern.groups != 1 and "text" not in pattern.groupindex:
        raise ValueError(
            f"`pattern` must have one group, or one called `text`. Received: {expression!r}"
        )
    return pattern


def _named_images(folder: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, str, str]]:
    group = "text" if "text" in pattern.groupindex else 1
    for number, key in enumerate(_image_names(folder), start=1):
        name = key if "/" in pattern.pattern else key.rpartition("/")[2]
        match = pattern.fullmatch(name)
        if match is None or match[group] is None:
            raise ValueError(
                f"Expected every image of {folder} to match {pattern.pattern!r}. Received: {key!r}"
            )
        yield number, key, match[group]


def _image_names(folder: str) -> Iterator[str]:
    """Yield the paths of all images below a folder, also through links, sorted by name."""
    if is_remote(folder):
        start = len(f"{folder.rstrip('/')}/")
        names = (address[start:] for address in list_files(folder))
        yield from sorted(filter(_is_image, names), key=_place_in_walk)
        return
    yield from filter(_is_image, files_below(folder))


def _is_image(name: str) -> bool:
    return name.lower().endswith(IMAGE_SUFFIXES)


def _place_in_walk(name: str) -> list[tuple[bool, str]]:
    """Return a key that sorts the files of a folder before those of its subfolders."""
    *folders, file = name.split("/")
    return [*((True, folder) for folder in folders), (False, file)]
