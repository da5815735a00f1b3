"""The text of a page and where it is: lines and words with polygons."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Polygon = tuple[tuple[float, float], ...]
"""Corners x, y in pixels. Of four corners, the first is where the text begins, above the first
character; the others follow clockwise as seen by a reader of the line."""


@dataclass(frozen=True)
class Word:
    """A word of a line.

    Attributes:
        text: Its text.
        polygon: Its outline.
        confidence: Probability of the text, in [0, 1].
    """

    text: str
    polygon: Polygon
    confidence: float = 0.0


@dataclass(frozen=True)
class Line:
    """A line of text.

    Attributes:
        polygon: Its outline.
        text: Its text; empty before it is read.
        confidence: Probability of the text, in [0, 1].
        words: Its words, in reading order.
        block: Number of its column or paragraph on the page, from 0.
        baseline: Points of the baseline; none if unknown.
    """

    polygon: Polygon
    text: str = ""
    confidence: float = 0.0
    words: tuple[Word, ...] = ()
    block: int = 0
    baseline: Polygon = ()


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        width: In pixels; 0 if the page could not be opened.
        height: In pixels; 0 if the page could not be opened.
        lines: Its lines, in reading order.
        path: File of the page, or its image; None for pixels and bytes.
        number: Number of the page in its file, from 1.
        error: Why the page could not be read; None if it could.
    """

    width: int
    height: int
    lines: tuple[Line, ...] = ()
    path: str | None = None
    number: int = 1
    error: str | None = None

    @property
    def text(self) -> str:
        """The lines, separated by line feeds."""
        return "\n".join(line.text for line in self.lines)

    @property
    def blocks(self) -> dict[int, list[Line]]:
        """The lines by the number of their block, in the order of its first line."""
        blocks: dict[int, list[Line]] = {}
        for line in self.lines:
            blocks.setdefault(line.block, []).append(line)
        return blocks

    @property
    def name(self) -> str:
        """The path with the number of the page, `scan.pdf#2`."""
        return f"{self.path or 'page'}#{self.number}"

    def to_record(self) -> dict[str, Any]:
        """Return the page as values of JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Page":
        """Return the page of a `to_record`, also of one that was parsed from JSON.

        Raises:
            TypeError: If the record is not of a page.
        """
        lines = tuple(_line(line) for line in record.get("lines", ()))
        return cls(**{**record, "lines": lines})


def _line(record: Mapping[str, Any]) -> Line:
    words = tuple(
        Word(**{**word, "polygon": _polygon(word["polygon"])}) for word in record.get("words", ())
    )
    polygons = {name: _polygon(record.get(name, ())) for name in ("polygon", "baseline")}
    return Line(**{**record, **polygons, "words": words})


def _polygon(points: Any) -> Polygon:
    return tuple((float(x), float(y)) for x, y in points)


def corners_of(lines: Iterable[Line]) -> Polygon:
    """Return the corners of the outlines of several lines."""
    return tuple(point for line in lines for point in line.polygon)


def bounding_box(polygon: Polygon) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a polygon.

    Example:
        >>> bounding_box(((3, 1), (9, 2), (8, 5)))
        (3, 1, 9, 5)
    """
    xs, ys = zip(*polygon, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def box_polygon(left: float, top: float, right: float, bottom: float) -> Polygon:
    """Return the corners of a box, for text that is read from left to right.

    Example:
        >>> box_polygon(1, 2, 9, 4)
        ((1, 2), (9, 2), (9, 4), (1, 4))
    """
    return (left, top), (right, top), (right, bottom), (left, bottom)
