"""Pieces of HTML: tables, texts with marked differences, images."""

import html
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from attention_ocr.evaluation.evaluate import Prediction
from attention_ocr.reporting.example_images import ExampleImage
from attention_ocr.text.escaping import escape_controls
from attention_ocr.visualization.overlay import CHARACTER_COLORS


def escaped(text: str) -> str:
    """Return a text as HTML, with control characters as escapes."""
    return html.escape(escape_controls(text))


class Section(NamedTuple):
    """A section of a page.

    Attributes:
        name: Anchor.
        title: Heading, plain text.
        parts: Content, HTML; empty parts are left out.
    """

    name: str
    title: str
    parts: tuple[str, ...]

    @property
    def content(self) -> str:
        """The content; empty if all parts are."""
        return "\n".join(filter(None, self.parts))

    def __str__(self) -> str:
        title = escaped(self.title)
        return f'<section id="{self.name}"><h2>{title}</h2>\n{self.content}\n</section>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Return a table.

    Args:
        header: Names of the columns.
        rows: Cells, HTML.
        caption: Title of the table.
    """
    title = f"<caption>{escaped(caption)}</caption>" if caption else ""
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in header)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{title}<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"


def bar(share: float, interval: tuple[float, float]) -> str:
    """Return a share as a bar with its interval."""
    low, high = interval
    return (
        f'<span class="bar" title="95 % interval {low:.1%} to {high:.1%}">'
        f'<i style="width:{100 * share:.1f}%"></i>'
        f'<b style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></b></span>'
    )


def compared_texts(label: str, prediction: str) -> tuple[str, str]:
    """Return both texts as HTML, with the characters marked in which they differ.

    Example:
        >>> compared_texts("EXIT", "EX1T")
        ('EX<mark>I</mark>T', 'EX<mark>1</mark>T')
    """
    sides: tuple[list[str], list[str]] = ([], [])
    for edit in Levenshtein.opcodes(label, prediction):
        parts = (label[edit.src_start : edit.src_end], prediction[edit.dest_start : edit.dest_end])
        for side, part in zip(sides, parts, strict=True):
            if edit.tag == "equal":
                side.append(escaped(part))
            elif part:
                side.append(f"<mark>{escaped(part)}</mark>")
    return "".join(sides[0]), "".join(sides[1])


def colored_text(image: ExampleImage) -> str:
    """Return the prediction, each character in the colour of its attention."""
    return "".join(
        f'<span class="char" style="background:rgb{CHARACTER_COLORS[i % len(CHARACTER_COLORS)]}" '
        f'title="{confidence:.1%}">{escaped(character)}</span>'
        for i, (character, confidence) in enumerate(zip(image.text, image.confidences, strict=True))
    )


def figure(entry: Prediction, image: ExampleImage, *remarks: str, labelled: bool = True) -> str:
    """Return an image with its attention, texts and confidence.

    Args:
        entry: The prediction for the image.
        image: The image.
        remarks: Further lines, HTML.
        labelled: Whether to show the label.
    """
    label, prediction = compared_texts(entry.label, entry.prediction)
    lines = [f'<span class="key">{escaped(entry.key)}</span>']
    if labelled:
        lines += [f"label <bdi>{label or '(nothing)'}</bdi>"]
        lines += [f"read <bdi>{prediction or '(nothing)'}</bdi> {entry.confidence:.1%}"]
    else:
        lines += [f"read <bdi>{escaped(entry.prediction) or '(nothing)'}</bdi> "
                  f"{entry.confidence:.1%}"]  # fmt: skip
    alt = escaped(f"image with label {entry.label}" if labelled else "unlabelled image")
    caption = "<br>".join([*lines, *remarks])
    return (
        f'<figure><img src="{image.image}" alt="{alt}">'
        f'<img src="{image.attention}" alt="attention of each character">'
        f'<p class="chars"><bdi>{colored_text(image)}</bdi></p>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def gallery(figures: Iterable[str]) -> str:
    """Return figures side by side; empty without any."""
    content = "\n".join(figures)
    return f'<div class="gallery">{content}</div>' if content else ""


def paragraph(text: str) -> str:
    """Return a paragraph of plain text."""
    return f"<p>{escaped(text)}</p>"
