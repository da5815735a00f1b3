"""Parquet files with encoded images, as Hugging Face's `datasets` writes them."""

import functools
import glob
import os
import threading
from typing import Any

import numpy as np

from attention_ocr.data.columns import IMAGE_COLUMN, TEXT_COLUMN
from attention_ocr.data.readers.indexed import SPLIT_OPTIONS, EncodedReader, indexed_source
from attention_ocr.data.source_spec import SourceSpec, refuse_unknown_options
from attention_ocr.data.sources import Source, digest_of
from attention_ocr.io.extras import extra

CACHED_GROUPS = 16
"""Row groups that are kept; the examples of one are stored together."""

_READING = threading.Lock()
"""Held while a row group is read: pyarrow's files crash when several threads read them."""


def open_source(spec: SourceSpec) -> Source:
    """Open Parquet files: `words-*.parquet`.

    The image column holds bytes of image files, or structures with `bytes`, the text column
    strings, or bytes in UTF-8.

    Options: `image` and `text`, the names of the columns; `every`, `part`, `group`.

    Raises:
        FileNotFoundError: If there is no file.
        ImportError: If the extra `parquet` is not installed.
        ValueError: If a file is damaged, has no such columns, or a text is not a string.
    """
    refuse_unknown_options(spec, (*SPLIT_OPTIONS, IMAGE_COLUMN, TEXT_COLUMN))
    exists = os.path.exists(spec.name)  # noqa: PTH110
    files = [spec.name] if exists else sorted(glob.glob(spec.name))  # noqa: PTH207
    if not files:
        raise FileNotFoundError(f"No Parquet file found: {spec.name}")
    columns = [spec.options.get(name, name) for name in (IMAGE_COLUMN, TEXT_COLUMN)]
    return indexed_source(spec, _ParquetReader(files, *columns))


class _ParquetReader(EncodedReader):
    """The examples of Parquet files."""

    def __init__(self, files: list[str], image: str, text: str) -> None:
        self._columns = image, text
        self._texts: list[str] = []
        # File, row group and row of each example.
        self._groups: list[tuple[str, int]] = []
        starts = [0]
        for path in files:
            file = _file(path)
            names = file.schema_arrow.names
            missing = [name for name in self._columns if name not in names]
            if missing:
                raise ValueError(
                    f"{path}: expected a column {missing[0]}; name it by image= or text=. "
                    f"Received: {', '.join(names)}"
                )
            for group in range(file.num_row_groups):
                with _READING:
                    texts = _read_column(path, group, text)
                place = f"{path}, row group {group}"
                self._texts += [_text(value, f"{place}, row {i}") for i, value in enumerate(texts)]
                self._groups.append((path, group))
                starts.append(len(self._texts))
        self._starts = np.array(starts)
        if not self._texts:
            raise ValueError(f"Expected rows in {files[0]}. Received: none")

    def __len__(self) -> int:
        return len(self._texts)

    def key(self, index: int) -> str:
        place = int(np.searchsorted(self._starts, index, side="right")) - 1
        path, group = self._groups[place]
        return f"{os.path.basename(path)}#{group}.{index - self._starts[place]}"  # noqa: PTH119

    def text(self, index: int) -> str:
        return self._texts[index]

    def digest(self) -> str:
        return digest_of(*self._texts)

    def read(self, index: int) -> tuple[bytes, ...]:
        place = int(np.searchsorted(self._starts, index, side="right")) - 1
        path, group = self._groups[place]
        value = _images(path, group, self._columns[0])[int(index - self._starts[place])].as_py()
        encoded = value.get("bytes") if isinstance(value, dict) else value
        # A row without an image is an unreadable example.
        encoded = encoded if isinstance(encoded, bytes) else b""
        return self.key(int(index)).encode(), self._texts[int(index)].encode(), encoded


def _text(value: Any, place: str) -> str:
    try:
        text = value.as_py()
        text = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise ValueError(f"{place}: expected a text in UTF-8. Received: {error}") from error
    if not isinstance(text, str):
        raise ValueError(f"{place}: expected a text, as a string. Received: {text!r:.80}")
    return text


@functools.cache
def _file(path: str) -> Any:
    with extra("parquet", f"Reading {path}"):
        import pyarrow as pa
        from pyarrow import parquet
    try:
        return parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path}: expected a Parquet file. Received: {error}") from error


def _images(path: str, group: int, column: str) -> Any:
    with _READING:
        return _read_images(path, group, column)


@functools.lru_cache(maxsize=CACHED_GROUPS)
def _read_images(path: str, group: int, column: str) -> Any:
    return _read_column(path, group, column)


def _read_column(path: str, group: int, column: str) -> Any:
    import pyarrow as pa

    try:
        return _file(path).read_row_group(group, columns=[column]).column(0)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f"{path}: expected a row group {group} that can be read. Received: {error}"
        ) from error
