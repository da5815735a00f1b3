"""Output formats of `attention-ocr read`: text, JSON lines and CSV."""

import csv
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TextIO, TypeVar

from attention_ocr.io.csv_cells import to_row
from attention_ocr.text.escaping import escape_controls, to_json


class ResultRow(NamedTuple):
    """The result for one image.

    Attributes:
        path: Path of the image.
        text: Predicted text.
        confidence: Probability of the whole text, in [0, 1].
        character_confidences: Probability of each character, in [0, 1].
        error: Why the image could not be read.
        overlay: Path of the attention overlay.
        warning: Why the text may be wrong although the image could be read.
        shrunk: Whether the image was shrunk because it was too wide for the model.
        alternatives: The n-best texts of a search with their confidences; only in JSON.
        boxes: Left, top, right and bottom of each character in pixels; only in JSON.
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
    boxes: tuple[tuple[float, ...], ...] = ()


ONLY_IN_JSON = ("alternatives", "boxes")
"""Fields that have no column."""

SHRUNK = "shrunk"
"""Column of the text format that marks a shrunk image."""


class AnyRow(Protocol):
    """A result that can be kept in a journal: a named tuple.

    Attributes:
        path: Name of the image or page.
        error: Why it could not be read.
    """

    @property
    def path(self) -> str: ...

    @property
    def error(self) -> str | None: ...

    def _asdict(self) -> dict[str, Any]: ...


Row = TypeVar("Row", bound=AnyRow)

Write = Callable[[Row], None]
"""Writes one result; a method `end`, where it has one, writes the end of the format."""

WriteRow = Write[ResultRow]


def end(write: Callable[[Any], None]) -> None:
    """Write the end of a format, if it has one."""
    finish = getattr(write, "end", None)
    if finish is not None:
        finish()


def write_text(stream: TextIO) -> WriteRow:
    """Return a writer of `path TAB text TAB confidence [TAB overlay] [TAB SHRUNK]`.

    Images with errors are omitted.
    """

    def write(result: ResultRow) -> None:
        if result.error is None:
            columns = [result.path, result.text, f"{result.confidence:.3f}"]
            columns += [result.overlay] if result.overlay else []
            columns += [SHRUNK] if result.shrunk else []
            stream.write("\t".join(map(on_one_line, columns)) + "\n")

    return write


def write_json_lines(stream: TextIO) -> WriteRow:
    """Return a writer of one JSON object per line, with the fields of `ResultRow`.

    The alternatives, objects with `text` and `confidence`, are present if a search found some, and
    the boxes if they were requested.
    """

    def write(result: ResultRow) -> None:
        record = result._asdict()
        names = ("text", "confidence")
        record["alternatives"] = [
            dict(zip(names, found, strict=True)) for found in result.alternatives
        ]
        if not result.alternatives:
            del record["alternatives"]
        if not result.boxes:
            del record["boxes"]
        stream.write(to_json(record) + "\n")

    return write


def write_csv(stream: TextIO) -> WriteRow:
    """Return a writer of CSV with a header; the character confidences share one column.

    Texts and paths are escaped by `csv_cells.to_cell`, so that spreadsheets do not run them as
    formulas.
    """
    writer = csv.writer(stream, lineterminator="\n")
    columns = tuple(name for name in ResultRow._fields if name not in ONLY_IN_JSON)
    writer.writerow(columns)

    def write(result: ResultRow) -> None:
        confidences = " ".join(map(str, result.character_confidences))
        record = result._asdict() | {
            "character_confidences": confidences,
            # Written as in JSON.
            "shrunk": "true" if result.shrunk else "false",
        }
        writer.writerow(to_row(record[column] for column in columns))

    return write


FORMATS: dict[str, Callable[[TextIO], WriteRow]] = {
    "text": write_text,
    "jsonl": write_json_lines,
    "csv": write_csv,
}


def on_one_line(text: str) -> str:
    r"""Escape tabs, line breaks and other control characters.

    Example:
        >>> on_one_line("two\nlines")
        'two\\nlines'
    """
    return escape_controls(text)
