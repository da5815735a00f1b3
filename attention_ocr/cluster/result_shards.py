"""Files of readings: Parquet and JSON lines, with the same columns."""

import itertools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from attention_ocr.io.extras import extra

_ROWS_AT_ONCE = 2_000

Rows = Iterable[dict[str, Any]]


def write_parquet(path: Path, rows: Rows, content: str = "crops") -> int:
    """Write rows to a Parquet file in bounded memory, and return their number.

    Args:
        path: The file.
        rows: The rows.
        content: `crops` or `pages`, which have different columns.
    """
    with extra("ray", "Writing Parquet files"):
        import pyarrow as pa
        from pyarrow import parquet
    schema = pa.schema({"crops": _crop_columns, "pages": _page_columns}[content]())
    remaining, count = iter(rows), 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(itertools.islice(remaining, _ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_pylist(batch, schema))
            count += len(batch)
    return count


def _crop_columns() -> dict[str, Any]:
    import pyarrow as pa

    return {
        "key": pa.string(),
        "text": pa.string(),
        "confidence": pa.float32(),
        "character_confidences": pa.list_(pa.float32()),
        "shrunk": pa.bool_(),
        "warning": pa.string(),
        "alternatives": pa.list_(pa.struct({"text": pa.string(), "confidence": pa.float32()})),
    }


def _page_columns() -> dict[str, Any]:
    import pyarrow as pa

    points = pa.list_(pa.list_(pa.float32()))
    place = {"polygon": points, "text": pa.string(), "confidence": pa.float32()}
    line = {**place, "words": pa.list_(pa.struct(place)), "block": pa.int32(), "baseline": points}
    return {
        "key": pa.string(),
        "text": pa.string(),
        "path": pa.string(),
        "number": pa.int32(),
        "width": pa.int32(),
        "height": pa.int32(),
        "lines": pa.list_(pa.struct(line)),
    }


def write_json_lines(path: Path, rows: Rows, content: str = "crops") -> int:
    """Write rows as JSON objects, one per line, and return their number."""
    del content
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


WRITERS: dict[str, Callable[[Path, Rows, str], int]] = {
    "parquet": write_parquet,
    "jsonl": write_json_lines,
}
"""Functions that write a file of readings, of `crops` or `pages`, by its suffix."""
