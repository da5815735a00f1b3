import csv
import io
import random

import pytest

from attention_ocr.io.csv_cells import from_cell, to_cell, to_row


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1|'x'!A1", "'=1+1|'x'!A1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", r"\x0d=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("'tis", "'tis"),
        ("it's", "it's"),
        ("a=1", "a=1"),
        ("5-1", "5-1"),
        ("", ""),
        ("two\nlines\t\r", "two\nlines\t\\x0d"),
        ("PA\x1b[31mRKING", r"PA\x1b[31mRKING"),
        ("\x1b=", r"\x1b="),
        ("\x9b\x7f\udc80", r"\x9b\x7f\udc80"),
        (r"C:\words\new", r"C:\words\new"),
        (r"C:\x1b", r"C:\\x1b"),
        ("\\\\\x1b", r"\\\\\x1b"),
    ],
)
def test_a_cell_is_no_formula_and_restores_its_text(text, cell):
    assert to_cell(text) == cell
    assert from_cell(cell) == text


def test_every_text_is_restored():
    rng = random.Random(1)
    pieces = ["=", "+", "-", "@", "'", "\\", "x1b", "x", "1b", "udc80", "\x1b", "\udc80", "\t"]
    pieces += ["\r", "\n", "é", ",", '"', "a", "＝", "\x00"]
    texts = ["".join(rng.choices(pieces, k=rng.randint(0, 7))) for _ in range(20_000)]
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows([to_cell(text)] for text in texts)
    stream.seek(0)
    cells = [row[0] if row else "" for row in csv.reader(stream)]
    assert [from_cell(cell) for cell in cells] == texts
    assert not any(cell.startswith(tuple("=+-@\t\r\n＝＋－＠")) for cell in cells)


def test_only_the_texts_of_a_row_change():
    assert to_row(["=1", -1, 0.5, True, None]) == ["'=1", -1, 0.5, True, None]
