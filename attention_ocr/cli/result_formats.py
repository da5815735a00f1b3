"""What `attention-ocr read` writes: for people, and for programs as JSON lines or CSV."""

import csv
from collections.abc import Callable
from typing import NamedTuple, TextIO

from attention_ocr.io.csv_cells import to_row
from attention_ocr.text.escaping import escape_controls, to_json


class ResultRow(NamedTuple):
    """What is said of one image.

    Attributes:
        path: its name.
        text: what was read.
        confidence: probability of the whole text, in [0, 1].
        character_confidences: probability of each character, in [0, 1].
        error: why nothing could be read.
        overlay: path of the picture of the attention.
        warning: why the text may be wrong although the image could be read.
        shrunk: Whether the image was too wide for the model, and was shrunk until it fit.
        alternatives: the n best texts of a search with their confidences; in JSON alone.
    """

    path: str
    text: str = ""
    confidence: float = 0.0
    character_confidences: tuple[float, ...] = ()
    error: str | None = None
    overlay: str | None = None
    warning: str | None = None
    shrunk: bool = False
    alternatives: tuple[tuple[str, float], ...] = ()


SHRUNK = "shrunk"
"""Marks an image that was too wide for the model among the columns of text."""

Write = Callable[[ResultRow], None]


def write_text(stream: TextIO) -> Write:
    """Return a writer of `path TAB text TAB confidence [TAB overlay] [TAB SHRUNK]`.

    Errors are left out.
    """

    def write(result: ResultRow) -> None:
        if result.error is None:
            columns = [result.path, result.text, f"{result.confidence:.3f}"]
            columns += [result.overlay] if result.overlay else []
            columns += [SHRUNK] if result.shrunk else []
            stream.write("\t".join(map(on_one_line, columns)) + "\n")

    return write


def write_json_lines(stream: TextIO) -> Write:
    """Return a writer of one JSON object a line, with the fields of `ResultRow`.

    The alternatives, objects with `text` and `confidence`, are there where a search found some.
    """

    def write(result: ResultRow) -> None:
        record = result._asdict()
        names = ("text", "confidence")
        record["alternatives"] = [
            dict(zip(names, found, strict=True)) for found in result.alternatives
        ]
        if not result.alternatives:
            del record["alternatives"]
        stream.write(to_json(record) + "\n")

    return write


def write_csv(stream: TextIO) -> Write:
    """Return a writer of CSV with a header; the confidences of characters stand in one column.

    Texts and paths are written as `csv_cells.to_cell` has them: none is run by a spreadsheet.
    """
    writer = csv.writer(stream, lineterminator="\n")
    columns = ResultRow._fields[:-1]
    writer.writerow(columns)

    def write(result: ResultRow) -> None:
        confidences = " ".join(map(str, result.character_confidences))
        record = result._asdict() | {
            "character_confidences": confidences,
            # As in JSON.
            "shrunk": "true" if result.shrunk else "false",
        }
        writer.writerow(to_row(record[column] for column in columns))

    return write


FORMATS: dict[str, Callable[[TextIO], Write]] = {
    "text": write_text,
    "jsonl": write_json_lines,
    "csv": write_csv,
}


def on_one_line(text: str) -> str:
    r"""Write tabs, line ends and other control characters as escapes.

    Example:
        >>> on_one_line("two\nlines")
        'two\\nlines'
    """
    return escape_controls(text)
