"""Source strings: a name and options, `NAME[,key=value...]`, several joined by `;`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

FOLDER_FILES = ("labels.tsv", "data.mdb", "annotation_train.txt", "annotation.txt")
"""Files by which the format of a folder is recognised."""

_OPTION = re.compile(r",(?=[a-z_]+=)")


@dataclass(frozen=True)
class SourceSpec:
    """A parsed source string.

    Attributes:
        name: `synthetic`, `tfds:NAME`, or the path of a file, a folder or a pattern of files. For
            a reader of another distribution: the NAME of `READER:NAME`, or the reader itself
            without one.
        options: The `key=value` parts.
    """

    name: str
    options: dict[str, str] = field(default_factory=dict)


def parse_source(source: str) -> SourceSpec:
    """Parse a source string `NAME[,key=value...]`.

    Only a comma before `key=` ends the name or a value, so both may hold commas and spaces.

    Raises:
        ValueError: If the name is missing, or a key is given twice.

    Example:
        >>> parse_source("my words/labels.tsv,every=5,part=eval").options
        {'every': '5', 'part': 'eval'}
    """
    name, *parts = _OPTION.split(source)
    if not name.strip():
        raise ValueError(f"A data source must begin with its name. Received: {source!r}")
    options: dict[str, str] = {}
    for part in parts:
        key, _, value = part.partition("=")
        if key in options:
            raise ValueError(f"A data source must give `{key}` once. Received: {source!r}")
        options[key] = value
    return SourceSpec(name, options)


def mixture_names(source: str) -> list[str]:
    """Return the sources of a mixture as they were given, without their weights.

    Example:
        >>> mixture_names("a.tsv,every=5,part=eval,weight=3;b.tsv,weight=1")
        ['a.tsv,every=5,part=eval', 'b.tsv']
    """
    return [
        ",".join(part for part in _OPTION.split(one) if not part.startswith("weight="))
        for one in source.split(";")
    ]


def integer_option(spec: SourceSpec, key: str) -> int:
    """Parse an option that must be a whole number above 0."""
    value = spec.options[key]
    if not value.isdecimal() or int(value) == 0:
        raise ValueError(
            f"`{key}` of {spec.name} must be a whole number above 0. Received: {value}"
        )
    return int(value)


def refuse_unknown_options(spec: SourceSpec, known: Iterable[str]) -> None:
    """Refuse unknown options of a format, by name."""
    unknown = sorted(set(spec.options) - set(known))
    if unknown:
        raise ValueError(
            f"{spec.name} takes the options {', '.join(known) or 'none'}. "
            f"Received: {', '.join(unknown)}"
        )
