"""Write `docs/settings.md`: python -m attention_ocr.cli.settings_page > docs/settings.md."""

import sys
from typing import Any

from attention_ocr.cli.settings_flags import SECTIONS, Field, fields_of, is_closed, title_of

HEAD = """\
# Settings

Every setting is a flag of `attention-ocr train`, a field of the section of `attention_ocr.Config`
in the heading, and an entry in the `config.json` of a model. The decoding flags of `attention-ocr
evaluate`, `export`, `read` and `pack`, and the second-look flags of `export`, `read`, `pack` and
`second-looks`, override the settings of the model.

This page is generated (`python -m attention_ocr.cli.settings_page > docs/settings.md`).
"""


def settings_page() -> str:
    """Return the page, with a table for each section of the settings."""
    parts = [HEAD]
    for section in SECTIONS:
        rows = [
            f"## {title_of(section)} (`{section}`)",
            "",
            "| flag | default | values | meaning |",
            "| --- | --- | --- | --- |",
            *(_row(field) for field in fields_of(section)),
            "",
        ]
        parts.append("\n".join(rows))
    return "\n".join(parts)


def _row(field: Field) -> str:
    cells = (
        f"`--{field.name}`",
        _default(field.default),
        _values(field),
        field.metadata["meaning"],
    )
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"`{value}`" if value and isinstance(value, str) else str(value)


def _values(field: Field) -> str:
    # Only the package's own names: other installed ones differ between machines.
    names = [f"`{name}`" for name in field.metadata["choices"] or ()]
    if names and not is_closed(field):
        names.append("`package.module:Class`")
    limits = [limit.values for limit in field.metadata["limits"] if limit.values]
    return ", ".join(names + limits)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(settings_page(), end="")
