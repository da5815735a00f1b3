import json

import pytest

from attention_ocr.cluster.result_shards import WRITERS

ROW = {
    "key": "a.png",
    "text": "zwölf\u2028\n",
    "confidence": 0.5,
    "character_confidences": [0.5, 1.0],
    "shrunk": False,
    "warning": None,
    "alternatives": [{"text": "zwolf", "confidence": 0.25}],
}


def read(suffix, path):
    if suffix == "jsonl":
        return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    return pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("count", [0, 1, 2001])
def test_every_row_is_written_and_counted(suffix, count, tmp_path):
    rows = [{**ROW, "key": f"{index}.png"} for index in range(count)]
    path = tmp_path / f"readings.{suffix}"
    assert WRITERS[suffix](path, iter(rows)) == count
    assert read(suffix, path) == rows


def test_an_empty_parquet_file_has_the_same_columns(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for name, rows in (("empty", []), ("full", [ROW])):
        WRITERS["parquet"](tmp_path / name, rows)
    assert parquet.read_schema(tmp_path / "empty") == parquet.read_schema(tmp_path / "full")
