import csv
import io
import json

import pytest

from attention_ocr.cli.result_formats import FORMATS, ResultRow, on_one_line
from attention_ocr.io.csv_cells import from_cell

RESULTS = [
    ResultRow("a b.png", 'é, "中"', 0.98765, (0.99, 0.9976), None, "out/a b.attention.png"),
    ResultRow("tab\there.png", "two\nlines", 0.5, (0.5,)),
    ResultRow("bad.png", error="unreadable image"),
    ResultRow("blank.png", "", 0.25),
    ResultRow("wide.png", "a line", 0.75, shrunk=True),
]


def written(file_format: str, results: list[ResultRow] = RESULTS) -> str:
    stream = io.StringIO(newline="")
    write = FORMATS[file_format](stream)
    for result in results:
        write(result)
    return stream.getvalue()


def test_text_is_a_line_for_each_image_that_was_read():
    assert written("text").splitlines() == [
        'a b.png\té, "中"\t0.988\tout/a b.attention.png',
        "tab\\there.png\ttwo\\nlines\t0.500",
        "blank.png\t\t0.250",
        "wide.png\ta line\t0.750\tshrunk",
    ]


def test_json_lines_hold_every_field_of_every_image():
    lines = written("jsonl").splitlines()
    assert "中" in lines[0]
    records = [json.loads(line) for line in lines]
    assert [list(record) for record in records] == [list(ResultRow._fields[:-2])] * 5
    assert records[0]["character_confidences"] == [0.99, 0.9976]
    assert records[1]["text"] == "two\nlines"
    assert [record["shrunk"] for record in records] == [False] * 4 + [True]
    expected = ResultRow("bad.png", error="unreadable image")._asdict()
    del expected["alternatives"], expected["boxes"]
    assert records[2] == expected | {"character_confidences": []}


def test_csv_has_a_header_and_every_image():
    rows = list(csv.DictReader(io.StringIO(written("csv"), newline="")))
    assert [row["path"] for row in rows] == [result.path for result in RESULTS]
    assert rows[0]["text"] == 'é, "中"'
    assert rows[0]["character_confidences"] == "0.99 0.9976"
    assert rows[0]["overlay"] == "out/a b.attention.png"
    assert rows[1]["text"] == "two\nlines"
    assert [row["shrunk"] for row in rows] == ["false"] * 4 + ["true"]
    assert (rows[2]["error"], rows[2]["overlay"]) == ("unreadable image", "")


@pytest.mark.parametrize("text", ["=1+1|'x'!A1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1"])
def test_no_cell_of_csv_is_run_by_a_spreadsheet_and_each_gives_its_text_back(text):
    results = [ResultRow(text, text, 0.5), ResultRow("a.png", error=text)]
    rows = list(csv.DictReader(io.StringIO(written("csv", results), newline="")))
    cells = [rows[0]["path"], rows[0]["text"], rows[1]["error"]]
    assert cells == [f"'{text}"] * 3
    assert [from_cell(cell) for cell in cells] == [text] * 3


def test_a_carriage_return_ends_no_row_of_csv():
    rows = list(
        csv.DictReader(io.StringIO(written("csv", [ResultRow("a.png", "\r=1\r")]), newline=""))
    )
    assert [(row["path"], from_cell(row["text"])) for row in rows] == [("a.png", "\r=1\r")]
    assert not rows[0]["text"].startswith(("\r", "="))


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_escapes_control_characters_of_texts(file_format):
    content = written(file_format, [ResultRow("a\x1b.png", "PA\x1b[31mRKING\x9b", 0.5)])
    assert "\x1b" not in content
    assert "\x9b" not in content
    assert "[31mRKING" in content


@pytest.mark.parametrize(
    ("file_format", "content"),
    [
        ("text", ""),
        ("jsonl", ""),
        ("csv", "path,text,confidence,character_confidences,error,overlay,warning,shrunk\n"),
    ],
)
def test_no_image_gives_no_record(file_format, content):
    assert written(file_format, []) == content


def test_what_would_break_a_line_or_a_terminal_is_escaped():
    assert on_one_line("a\tb\r\n\x1b[31m\u2028\x85") == "a\\tb\\r\\n\\x1b[31m\\u2028\\x85"
    assert on_one_line("\udcff") == "\\udcff"
    untouched = "é 中文 שלום\u3000\u200d👍"
    assert on_one_line(untouched) == untouched
