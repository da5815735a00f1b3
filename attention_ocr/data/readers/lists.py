"""Files that list images and their texts: TSV, CSV, JSON lines, and lists of other systems."""

import csv
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from attention_ocr.data.annotation_lines import split_annotation
from attention_ocr.data.columns import IMAGE_COLUMN, TEXT_COLUMN, find_columns
from attention_ocr.data.labels import label_rows
from attention_ocr.data.readers.indexed import SPLIT_OPTIONS, FileListReader, indexed_source
from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import Source
from attention_ocr.data.storage import decoded_lines, folder_of, is_folder, open_binary, read_lines
from attention_ocr.data.tables import ImageTable, path_under
from attention_ocr.data.tfds.annotations import icdar_lines

COLUMN_OPTIONS = (IMAGE_COLUMN, TEXT_COLUMN)
FILE_OPTIONS = ("encoding", "root")
DELIMITERS = ",;\t"

# Lines of CSV may end with a lone carriage return, as old spreadsheets write them.
_CSV_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_BOXES = re.compile(r"\s*\[\s*\{")

Rows = Iterator[tuple[int, str, str]]


def open_tsv(spec: SourceSpec) -> Source:
    """Open a label file: on each line a path, a tab, a text.

    Options: `image` and `text`, names or numbers of the columns of a file with more columns;
    `encoding`, if not UTF-8; `root`, the base folder of relative paths; `every`, `part`, `group`.
    """
    return _listed(spec, COLUMN_OPTIONS, lambda path, encoding: _tsv_rows(spec, path, encoding))


def open_csv(spec: SourceSpec) -> Source:
    """Open a CSV file with a header, separated by commas, semicolons or tabs.

    Options: `image` and `text`, the names of the columns, or their numbers in a file without a
    header; `encoding`; `root`; `every`, `part`, `group`.
    """
    image, text = (spec.options.get(name, name) for name in COLUMN_OPTIONS)
    return _listed(
        spec, COLUMN_OPTIONS, lambda path, encoding: _csv_rows(path, image, text, encoding)
    )


def open_jsonl(spec: SourceSpec) -> Source:
    """Open a file with a JSON object on each line.

    Options: `image` and `text`, the names of the members; `encoding`; `root`; `every`, `part`,
    `group`.
    """
    image, text = (spec.options.get(name, name) for name in COLUMN_OPTIONS)
    return _listed(
        spec, COLUMN_OPTIONS, lambda path, encoding: _json_rows(path, image, text, encoding)
    )


def open_paddleocr(spec: SourceSpec) -> Source:
    """Open a recognition list of PaddleOCR: a path or a JSON list of paths, a tab, a text.

    Options: those of `open_tsv`. PaddleOCR's `data_dir` is `root`.
    """
    return _listed(
        spec, COLUMN_OPTIONS, lambda path, encoding: _paddleocr_rows(spec, path, encoding)
    )


def open_doctr(spec: SourceSpec) -> Source:
    """Open the `labels.json` of docTR's recognition: an object of file names and texts.

    The images are in the folder `images` beside it, or beside it.

    Options: `root`, another folder of the images; `every`, `part`, `group`.
    """
    images = path_under(folder_of(spec.name), "images")
    root = {"root": images} if "root" not in spec.options and is_folder(images) else {}
    return _listed(replace(spec, options=spec.options | root), (), _doctr_rows)


def open_aocr_list(spec: SourceSpec) -> Source:
    """Open an annotation list of aocr: on each line a path, white space, a text.

    Options: `encoding`; `root`; `every`, `part`, `group`.
    """
    return _listed(spec, (), _aocr_rows)


def open_icdar(spec: SourceSpec) -> Source:
    """Open a ground truth of ICDAR's competitions: on each line `word_1.png, "text"`.

    Options: `encoding`; `root`; `every`, `part`, `group`.
    """
    return _listed(spec, (), icdar_lines)


def _listed(
    spec: SourceSpec, own_options: tuple[str, ...], read: Callable[[str, str], Rows]
) -> Source:
    refuse_unknown_options(spec, (*own_options, *SPLIT_OPTIONS, *FILE_OPTIONS))
    folder = spec.options.get("root", folder_of(spec.name))
    rows = read(spec.name, spec.options.get("encoding", ""))
    return indexed_source(spec, FileListReader(ImageTable(spec.name, folder, rows)))


def _tsv_rows(spec: SourceSpec, path: str, encoding: str) -> Rows:
    image, text = (spec.options.get(name, "") for name in COLUMN_OPTIONS)
    return label_rows(path, image, text, encoding)


def _paddleocr_rows(spec: SourceSpec, path: str, encoding: str) -> Rows:
    for line_number, key, text in _tsv_rows(spec, path, encoding):
        place = f"{path}, line {line_number}"
        if _BOXES.match(text):
            raise ValueError(
                f"{place}: expected the text of a word or line. Received: boxes of a detection "
                f"list, {text[:80]!r}; open it with format=paddleocr_detection"
            )
        for one in _images_of(key, place):
            yield line_number, one, text


def _doctr_rows(path: str, encoding: str) -> Rows:
    with open_binary(path) as file:
        content = file.read()
    try:
        labels = json.loads(content.decode(encoding or "utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: expected JSON. Received: {error}") from error
    if not isinstance(labels, dict):
        raise ValueError(
            f"{path}: expected an object of file names and texts. Received: {type(labels).__name__}"
        )
    for number, (name, text) in enumerate(labels.items(), 1):
        if not isinstance(text, str):
            raise ValueError(
                f"{path}: expected the text of {name}. Received: {str(text)[:80]}, as docTR's "
                "detection has, without texts"
            )
        yield number, name, text


def _images_of(key: str, place: str) -> list[str]:
    """Return the paths of a line: one, or a JSON list of paths that share a text."""
    if not key.startswith("["):
        return [key]
    try:
        keys = json.loads(key)
    except (json.JSONDecodeError, RecursionError):
        return [key]
    if not all(isinstance(one, str) for one in keys):
        raise ValueError(f"{place}: expected a JSON list of paths. Received: {key[:80]!r}")
    return [str(one) for one in keys]


def _aocr_rows(path: str, encoding: str) -> Rows:
    for line_number, line in read_lines(path, encoding):
        annotation = split_annotation(line)
        if annotation is None:
            raise ValueError(
                f"{path}, line {line_number}: expected path, white space, text. Received: {line!r}"
            )
        yield line_number, *annotation


def _csv_rows(path: str, image: str, text: str, encoding: str) -> Rows:
    lines = _csv_lines(path, encoding)
    first = next(lines, "")
    separator = _SEPARATOR_LINE.fullmatch(first)
    if separator:
        first = next(lines, "")
    delimiter = separator[1] if separator else max(DELIMITERS, key=first.count)
    reader = csv.reader(itertools.chain([first], lines), delimiter=delimiter, strict=True)
    skipped = 1 if separator else 0
    columns = None
    try:
        for row in filter(None, reader):
            place = f"{path}, line {reader.line_num + skipped}"
            if columns is None:
                columns = find_columns(row, path, image, text)
                if columns.has_header:
                    continue
            yield reader.line_num + skipped, *columns.pick(row, place)
    except csv.Error as error:
        place = f"{path}, line {reader.line_num + skipped}"
        raise ValueError(f"{place}: expected CSV. Received: {error}") from error
    if columns is None:
        find_columns([], path, image, text)


def _csv_lines(path: str, encoding: str) -> Iterator[str]:
    for _, line in decoded_lines(path, encoding):
        yield from _CSV_LINE.findall(line)


def _json_rows(path: str, image: str, text: str, encoding: str) -> Rows:
    for line_number, line in read_lines(path, encoding):
        place = f"{path}, line {line_number}"
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"{place}: expected a JSON object. Received: {line[:80]!r}") from error
        if not isinstance(row, dict):
            raise ValueError(f"{place}: expected a JSON object. Received: {line[:80]!r}")
        for name in (image, text):
            if not isinstance(row.get(name), str):
                raise ValueError(
                    f"{place}: expected a string under {name!r}; name the keys with `image=` and "
                    f"`text=`. Received: {line[:80]!r}"
                )
        yield line_number, row[image], row[text]
