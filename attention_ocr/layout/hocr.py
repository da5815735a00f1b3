"""hOCR, as Tesseract and OCRopus write it: HTML whose `title` attributes hold the boxes."""

import math
import re
from typing import Any

from attention_ocr.layout.page import (
    Line,
    Page,
    Polygon,
    Word,
    bounding_box,
    box_polygon,
    corners_of,
)
from attention_ocr.layout.xml_text import legal, local_name, parse_number

LINE_CLASSES = ("ocr_line", "ocr_header", "ocr_caption", "ocr_textfloat", "ocrx_line")
MAX_BASELINE_ANGLE = 45
"""Degrees up to which a line has a baseline, and beyond which an angle."""

_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
# A semicolon in quotes, as in the name of an image, ends no property.
_PROPERTY = re.compile(r"""(?:[^;"']|"[^"]*"|'[^']*'|["'])+""")


def read_hocr(root: Any, name: str) -> list[Page]:
    """Return the pages of an hOCR file.

    Args:
        root: Its root element.
        name: Name of the file, for messages.

    Raises:
        ValueError: If a box is not four numbers.
    """
    pages = []
    for place, sheet in enumerate(_with_class(root, "ocr_page"), 1):
        lines = []
        blocks: dict[Any, int] = {}
        for element in _with_class(sheet, *LINE_CLASSES):
            block = blocks.setdefault(element.getparent(), len(blocks))
            lines.append(_line(element, block, name))
        properties = _properties(sheet)
        _, _, width, height = map(round, bounding_box(_polygon(sheet, name)))
        image = _QUOTED.search(properties.get("image", ""))
        path = (image[1] or image[2]) if image else properties.get("image")
        pages.append(Page(width, height, tuple(lines), path, place))
    return pages


def is_hocr(root: Any) -> bool:
    """Return whether a root element is of hOCR."""
    return local_name(root) == "html"


def _line(element: Any, block: int, name: str) -> Line:
    words = tuple(_word(word, name) for word in _with_class(element, "ocrx_word"))
    text = " ".join(word.text for word in words) if words else _text_in(element)
    confidence = sum(word.confidence for word in words) / len(words) if words else 0.0
    polygon = _polygon(element, name)
    written = _properties(element).get("baseline", "").split()
    baseline: Polygon = ()
    if len(written) == 2:
        place = f"{name}, line {element.sourceline}"
        slope, offset = (parse_number(value, place) for value in written)
        left, _, right, bottom = bounding_box(polygon)
        baseline = (
            (left, bottom + offset),
            (right, bottom + offset + slope * (right - left)),
        )
    elif "textangle" in _properties(element):
        place = f"{name}, line {element.sourceline}"
        baseline = _central_line(polygon, parse_number(_properties(element)["textangle"], place))
    return Line(polygon, text, confidence, words, block, baseline)


def _central_line(polygon: Polygon, angle: float) -> Polygon:
    """Return a line through the middle of a polygon in the direction of its text."""
    left, top, right, bottom = bounding_box(polygon)
    x, y = (left + right) / 2, (top + bottom) / 2
    half = max(right - left, bottom - top) / 2
    dx, dy = half * math.cos(math.radians(angle)), -half * math.sin(math.radians(angle))
    return ((x - dx, y - dy), (x + dx, y + dy))


def _word(element: Any, name: str) -> Word:
    written = _properties(element).get("x_wconf", "0").split()
    confidence = parse_number(written[0] if written else "0", f"{name}, line {element.sourceline}")
    return Word(_text_in(element), _polygon(element, name), min(max(confidence / 100, 0.0), 1.0))


def _text_in(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _with_class(root: Any, *names: str) -> list[Any]:
    return [
        element
        for element in root.iter()
        if isinstance(element.tag, str) and set(element.get("class", "").split()) & set(names)
    ]


def _properties(element: Any) -> dict[str, str]:
    parts = [part.strip() for part in _PROPERTY.findall(element.get("title", ""))]
    return {key: value for key, _, value in (part.partition(" ") for part in parts)}


def _polygon(element: Any, name: str) -> Polygon:
    properties = _properties(element)
    place = f"{name}, line {element.sourceline}"
    written = [parse_number(value, place) for value in properties.get("poly", "").split()]
    if len(written) >= 6 and len(written) % 2 == 0:
        return tuple(zip(written[::2], written[1::2], strict=True))
    box = [parse_number(value, place) for value in properties.get("bbox", "").split()]
    if len(box) != 4:
        raise ValueError(
            f"{place}: expected `bbox left top right bottom` in the title. Received: "
            f"{element.get('title', '')[:80]!r}"
        )
    left, top, right, bottom = box
    return box_polygon(left, top, right, bottom)


def hocr_start(creator: str) -> bytes:
    """Return the beginning of an hOCR file, before its pages."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">\n'
        "<head>\n<title></title>\n"
        '<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>\n'
        f'<meta name="ocr-system" content="{creator}"/>\n'
        '<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_par ocr_line ocrx_word"/>\n'
        "</head>\n<body>\n"
    ).encode()


HOCR_END = b"</body>\n</html>\n"
"""The end of an hOCR file, after its pages."""


def hocr_page(page: Page, place: int) -> bytes:
    """Return a page as an element of hOCR.

    Args:
        page: The page.
        place: Its number in the file, from 1.
    """
    from lxml import etree

    image = legal(page.path or "").replace('"', "'")
    title = f'image "{image}"; bbox 0 0 {page.width} {page.height}; ppageno {page.number - 1}'
    sheet = etree.Element("div", {"class": "ocr_page", "id": f"page_{place}", "title": title})
    areas: dict[int, Any] = {}
    blocks = page.blocks
    for line_number, line in enumerate(page.lines, 1):
        if line.block not in areas:
            corners = corners_of(blocks[line.block])
            area = etree.SubElement(sheet, "div", {"class": "ocr_carea", "title": _title(corners)})
            area.set("id", f"block_{place}_{line.block + 1}")
            paragraph = {"class": "ocr_par", "title": _title(corners)}
            areas[line.block] = etree.SubElement(area, "p", paragraph)
        identifier = f"line_{place}_{line_number}"
        element = etree.SubElement(
            areas[line.block],
            "span",
            {"class": "ocr_line", "id": identifier, "title": _line_title(line)},
        )
        words = line.words or (Word(line.text, line.polygon, line.confidence),)
        for word_number, word in enumerate(words, 1):
            span = etree.SubElement(element, "span", {"class": "ocrx_word"})
            span.set("id", f"word_{place}_{line_number}_{word_number}")
            span.set(
                "title",
                f"{_title(word.polygon, poly=True)}; x_wconf {round(100 * word.confidence)}",
            )
            span.text = legal(word.text)
            span.tail = " " if word_number < len(words) else "\n"
    return bytes(etree.tostring(sheet, encoding="UTF-8", pretty_print=False)) + b"\n"


def _line_title(line: Line) -> str:
    """Return the properties of a line: its baseline relative to the lower left of its box."""
    title = _title(line.polygon, poly=True)
    if len(line.baseline) < 2:
        return title
    (x0, y0), (x1, y1) = line.baseline[0], line.baseline[-1]
    angle = math.degrees(math.atan2(y0 - y1, x1 - x0))
    if abs(angle) > MAX_BASELINE_ANGLE:
        return f"{title}; textangle {round(angle)}"
    left, _, _, bottom = bounding_box(line.polygon)
    slope = (y1 - y0) / (x1 - x0)
    return f"{title}; baseline {slope:.4f} {y0 + slope * (left - x0) - bottom:.2f}"


def _title(polygon: Polygon, poly: bool = False) -> str:
    left, top, right, bottom = map(round, bounding_box(polygon))
    title = f"bbox {left} {top} {right} {bottom}"
    if poly and polygon != box_polygon(*bounding_box(polygon)):
        title += "; poly " + " ".join(f"{round(x)} {round(y)}" for x, y in polygon)
    return title
