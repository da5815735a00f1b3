"""Files of readings: Parquet and JSON lines, with the same columns."""

import itertools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from attention_ocr.io.extras import extra

_ROWS_AT_ONCE = 2_000

Rows = Iterable[dict[str, Any]]


def write_parquet(path: Path, rows: Rows) -> int:
    """Write rows to a Parquet file in bounded memory, and return their number."""
    with extra("ray", "Writing Parquet files"):
        import pyarrow as pa
        from pyarrow import parquet
    alternative = pa.struct([("text", pa.string()), ("confidence", pa.float32())])
    schema = pa.schema(
        [
            ("key", pa.string()),
            ("text", pa.string()),
            ("confidence", pa.float32()),
            ("character_confidences", pa.list_(pa.float32())),
            ("shrunk", pa.bool_()),
            ("warning", pa.string()),
            ("alternatives", pa.list_(alternative)),
        ]
    )
    remaining, count = iter(rows), 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(itertools.islice(remaining, _ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_pylist(batch, schema))
            count += len(batch)
    return count


def write_json_lines(path: Path, rows: Rows) -> int:
    """Write rows as JSON objects, one per line, and return their number."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


WRITERS: dict[str, Callable[[Path, Rows], int]] = {
    "parquet": write_parquet,
    "jsonl": write_json_lines,
}
"""Functions that write a file of readings, by its suffix."""
