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


PAGE_ROW = {
    "key": "scan.pdf#2",
    "text": "zwei Wörter\nfin",
    "path": "scan.pdf",
    "number": 2,
    "width": 40,
    "height": 30,
    "lines": [
        {
            "polygon": [[1.0, 2.0], [9.0, 2.0], [9.0, 8.0], [1.0, 8.0]],
            "text": "zwei Wörter",
            "confidence": 0.5,
            "words": [{"polygon": [[1.0, 2.0]], "text": "zwei", "confidence": 0.25}],
            "block": 0,
            "baseline": [[1.0, 8.0], [9.0, 7.5]],
        },
        {"polygon": [], "text": "fin", "confidence": 1.0, "words": [], "block": 1, "baseline": []},
    ],
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_lines_words_and_outlines_of_pages_are_written(suffix, tmp_path):
    blank = {**PAGE_ROW, "key": "blank.png", "text": "", "number": 1, "lines": []}
    path = tmp_path / f"pages.{suffix}"
    assert WRITERS[suffix](path, [PAGE_ROW, blank], "pages") == 2
    assert read(suffix, path) == [PAGE_ROW, blank]


def test_both_formats_have_the_same_columns_in_the_same_order(tmp_path):
    for content, row in (("crops", ROW), ("pages", PAGE_ROW)):
        for suffix in WRITERS:
            WRITERS[suffix](tmp_path / suffix, [row], content)
            assert list(read(suffix, tmp_path / suffix)[0]) == list(row)


@pytest.mark.parametrize("suffix", WRITERS)
def test_rows_are_taken_one_after_the_other_and_an_error_of_theirs_is_raised(suffix, tmp_path):
    pytest.importorskip("pyarrow")

    def rows():
        yield ROW
        raise OSError("the node is going down")

    with pytest.raises(OSError, match="going down"):
        WRITERS[suffix](tmp_path / "cut", rows())


def test_a_reading_without_alternatives_or_text_has_empty_lists_not_nothing(tmp_path):
    bare = {**ROW, "text": "", "character_confidences": [], "alternatives": []}
    for suffix in WRITERS:
        WRITERS[suffix](tmp_path / suffix, [bare])
        assert read(suffix, tmp_path / suffix) == [bare]
