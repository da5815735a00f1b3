r"""CSV cells that no spreadsheet runs as a formula and no terminal obeys, and their texts.

A text that begins with `=`, `+`, `-`, `@`, a tab or a line feed is a formula to a spreadsheet. As
OWASP advises ("CSV Injection"), its cell begins with an apostrophe. Control characters other than
tab and line feed are written as escapes such as `\x1b`, also the carriage return, which Python's
writer may leave unquoted. `from_cell` restores every text exactly.
"""

import re
from collections.abc import Iterable
from typing import Any

# East Asian spreadsheets read the full-width forms as the plain ones.
_FORMULA = re.compile("'*[=+\\-@\t\n＝＋－＠]")
_SHIELDED = re.compile("''*[=+\\-@\t\n＝＋－＠]")
_ESCAPE = r"x[0-9a-f]{2}|ud[89a-f][0-9a-f]{2}"
_TO_ESCAPE = re.compile(rf"(\\*)([\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff])|(\\+)({_ESCAPE})")
_ESCAPED = re.compile(rf"(\\+)({_ESCAPE})")


def to_cell(text: str) -> str:
    r"""Return the cell that holds a text.

    Example:
        >>> to_cell("=1+1"), to_cell("PA\x1b[31mRKING"), to_cell("C:\\words")
        ("'=1+1", 'PA\\x1b[31mRKING', 'C:\\words')
    """
    cell = _TO_ESCAPE.sub(_escaped, text)
    return f"'{cell}" if _FORMULA.match(cell) else cell


def from_cell(cell: str) -> str:
    """Return the text of a cell.

    Example:
        >>> from_cell("'=1+1"), from_cell("don't")
        ('=1+1', "don't")
    """
    if _SHIELDED.match(cell):
        cell = cell[1:]
    return _ESCAPED.sub(_unescaped, cell)


def to_row(values: Iterable[Any]) -> list[Any]:
    """Return the cells of a row: texts through `to_cell`, anything else unchanged."""
    return [to_cell(value) if isinstance(value, str) else value for value in values]


def _escaped(match: re.Match[str]) -> str:
    """Escape a control, and double the backslashes before anything that looks like an escape."""
    slashes, control, literal_slashes, literal = match.groups()
    if control is None:
        return f"{2 * literal_slashes}{literal}"
    code = ord(control)
    return f"{2 * slashes}\\" + (f"x{code:02x}" if code < 0x100 else f"u{code:04x}")


def _unescaped(match: re.Match[str]) -> str:
    slashes, escape = match.groups()
    kept = slashes[: len(slashes) // 2]
    return kept + (chr(int(escape[1:], 16)) if len(slashes) % 2 else escape)
