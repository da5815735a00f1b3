"""Files that list images and their texts: tab-separated, CSV and JSON lines."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator

from attention_ocr.data.files import open_binary, read_lines
from attention_ocr.data.labels import label_rows
from attention_ocr.data.readers.indexed import SPLIT_OPTIONS, FileListReader, indexed_source
from attention_ocr.data.sources import Source, SourceSpec, refuse_unknown_options
from attention_ocr.data.tables import ImageTable

COLUMN_OPTIONS = ("image", "text")
DELIMITERS = ",;\t"


def open_tsv(spec: SourceSpec) -> Source:
    """Open a label file: on each line a path, a tab, a text.

    Options: `every`, `part`, `group`.
    """
    refuse_unknown_options(spec, SPLIT_OPTIONS)
    return _listed(spec, label_rows(spec.name))


def open_csv(spec: SourceSpec) -> Source:
    """Open a CSV file with a header; commas, semicolons or tabs stand between the columns.

    Options: `image` and `text`, the names of the columns; `every`, `part`, `group`.
    """
    return _columns(spec, _csv_rows)


def open_jsonl(spec: SourceSpec) -> Source:
    """Open a file with a JSON object on each line.

    Options: `image` and `text`, the names of the members; `every`, `part`, `group`.
    """
    return _columns(spec, _json_rows)


def _columns(
    spec: SourceSpec, read: Callable[[str, str, str], Iterator[tuple[int, str, str]]]
) -> Source:
    refuse_unknown_options(spec, (*COLUMN_OPTIONS, *SPLIT_OPTIONS))
    image, text = (spec.options.get(name, name) for name in COLUMN_OPTIONS)
    return _listed(spec, read(spec.name, image, text))


def _listed(spec: SourceSpec, rows: Iterator[tuple[int, str, str]]) -> Source:
    folder = spec.name.rpartition("/")[0] or ("/" if spec.name.startswith("/") else "")
    return indexed_source(spec, FileListReader(ImageTable(spec.name, folder, rows)))


def _csv_rows(path: str, image: str, text: str) -> Iterator[tuple[int, str, str]]:
    with io.TextIOWrapper(open_binary(path), encoding="utf-8-sig", newline="") as file:
        try:
            header = file.readline()
            counts = Counter({delimiter: header.count(delimiter) for delimiter in DELIMITERS})
            delimiter = counts.most_common(1)[0][0]
            names = next(csv.reader([header], delimiter=delimiter), [])
            for column in (image, text):
                if column not in names:
                    raise ValueError(
                        f"{path}: expected a column {column!r}; name columns with `image=` and "
                        f"`text=`. Received: {', '.join(names)}"
                    )
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in filter(None, reader):
                line = reader.line_num + 1
                if len(row) != len(names):
                    raise ValueError(
                        f"{path}, line {line}: expected {len(names)} values. Received: {row}"
                    )
                yield line, row[names.index(image)], row[names.index(text)]
        except csv.Error as error:
            raise ValueError(f"{path}, line {reader.line_num + 1}: no CSV: {error}") from error
        except UnicodeDecodeError as error:
            received = f"byte 0x{error.object[error.start]:02x}"
            raise ValueError(f"{path}: expected UTF-8. Received: {received}") from error


def _json_rows(path: str, image: str, text: str) -> Iterator[tuple[int, str, str]]:
    for line_number, line in read_lines(path):
        place = f"{path}, line {line_number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{place}: expected a JSON object. Received: {line[:80]!r}") from error
        if not isinstance(row, dict):
            raise ValueError(f"{place}: expected a JSON object. Received: {line[:80]!r}")
        for name in (image, text):
            if not isinstance(row.get(name), str):
                raise ValueError(
                    f"{place}: expected a text under {name!r}; name members with `image=` and "
                    f"`text=`. Received: {line[:80]!r}"
                )
        yield line_number, row[image], row[text]
