"""ALTO XML: versions 2 to 4 are read, version 4 is written."""

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
from attention_ocr.layout.xml_text import (
    children,
    descendants,
    legal,
    local_name,
    number,
    parse_number,
)

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
_PER_INCH = {"mm10": 254.0, "inch1200": 1200.0}
_DPI = 300.0
"""Assumed resolution of a file that measures in millimetres or inches, as its images are not
opened here."""


def read_alto(root: Any, name: str) -> list[Page]:
    """Return the pages of an ALTO file.

    Args:
        root: Its root element.
        name: Name of the file, for messages.

    Raises:
        ValueError: If a coordinate is not a number.
    """
    units = [unit.text or "" for unit in descendants(root, "MeasurementUnit")]
    per_inch = _PER_INCH.get(units[0].strip() if units else "pixel")
    scale = 1.0 if per_inch is None else _DPI / per_inch
    files = [file.text for file in descendants(root, "fileName") if file.text]
    pages = []
    for place, sheet in enumerate(descendants(root, "Page"), 1):
        lines = []
        for block, region in enumerate(descendants(sheet, "TextBlock")):
            lines += [_line(line, block, scale, name) for line in children(region, "TextLine")]
        width, height = (round(number(sheet, side, name) * scale) for side in ("WIDTH", "HEIGHT"))
        pages.append(Page(width, height, tuple(lines), files[0].strip() if files else None, place))
    return pages


def _line(element: Any, block: int, scale: float, name: str) -> Line:
    texts: list[str] = []
    words = []
    for part in children(element, "String", "SP", "HYP"):
        kind = local_name(part)
        if kind == "SP":
            texts.append(" ")
            continue
        content = part.get("CONTENT", "-" if kind == "HYP" else "")
        # Even without space elements, words are separated all the same.
        if texts and texts[-1] != " " and kind == "String":
            texts.append(" ")
        texts.append(content)
        if kind == "String":
            words.append(Word(content, _outline(part, scale, name), number(part, "WC", name)))
    confidence = sum(word.confidence for word in words) / len(words) if words else 0.0
    baseline = element.get("BASELINE", "")
    points = _points(baseline, scale, f"{name}, line {element.sourceline}")
    outline = _outline(element, scale, name)
    # ALTO 2 and 3 have the height of a horizontal baseline only.
    points = points if len(points) > 1 else ()
    return Line(outline, "".join(texts).strip(), confidence, tuple(words), block, points)


def _outline(element: Any, scale: float, name: str) -> Polygon:
    for shape in children(element, "Shape"):
        for polygon in children(shape, "Polygon"):
            place = f"{name}, line {polygon.sourceline}"
            points = _points(polygon.get("POINTS", ""), scale, place)
            if len(points) > 2:
                return points
    left, top, width, height = (
        number(element, attribute, name) * scale
        for attribute in ("HPOS", "VPOS", "WIDTH", "HEIGHT")
    )
    return box_polygon(left, top, left + width, top + height)


def _points(written: str, scale: float, place: str) -> Polygon:
    """Parse `x,y x,y`, or `x y x y`."""
    values = [parse_number(text, place) * scale for text in written.replace(",", " ").split()]
    return tuple(zip(values[::2], values[1::2], strict=False))


def write_alto(page: Page, creator: str, created: str) -> bytes:
    """Return a page as an ALTO 4 file.

    Args:
        page: The page.
        creator: Name and version of the program.
        created: Date and time in ISO 8601.
    """
    from lxml import etree

    root = etree.Element("alto", nsmap={None: NAMESPACE})
    description = etree.SubElement(root, "Description")
    etree.SubElement(description, "MeasurementUnit").text = "pixel"
    source = etree.SubElement(description, "sourceImageInformation")
    etree.SubElement(source, "fileName").text = legal(page.path or "")
    processing = etree.SubElement(description, "Processing", ID="processing_1")
    etree.SubElement(processing, "processingDateTime").text = created
    software = etree.SubElement(processing, "processingSoftware")
    etree.SubElement(software, "softwareName").text = creator
    sheet = etree.SubElement(
        etree.SubElement(root, "Layout"),
        "Page",
        ID=f"page_{page.number}",
        PHYSICAL_IMG_NR=str(page.number),
        WIDTH=str(page.width),
        HEIGHT=str(page.height),
    )
    whole = _position(box_polygon(0, 0, page.width, page.height))
    space = etree.SubElement(sheet, "PrintSpace", **whole)
    for block, lines in page.blocks.items():
        place_of_block = _position(corners_of(lines))
        region = etree.SubElement(space, "TextBlock", ID=f"block_{block}", **place_of_block)
        for place, line in enumerate(lines):
            _write_line(region, line, f"line_{block}_{place}")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _write_line(region: Any, line: Line, line_id: str) -> None:
    from lxml import etree

    element = etree.SubElement(region, "TextLine", ID=line_id, **_position(line.polygon))
    if line.baseline:
        element.set("BASELINE", _written(line.baseline))
    _write_shape(element, line.polygon)
    words = line.words or (Word(line.text, line.polygon, line.confidence),)
    for place, word in enumerate(words):
        if place:
            etree.SubElement(element, "SP")
        string = etree.SubElement(
            element,
            "String",
            ID=f"{line_id}_{place}",
            CONTENT=legal(word.text),
            WC=f"{word.confidence:.4f}",
            **_position(word.polygon),
        )
        _write_shape(string, word.polygon)


def _write_shape(parent: Any, polygon: Polygon) -> None:
    from lxml import etree

    etree.SubElement(etree.SubElement(parent, "Shape"), "Polygon", POINTS=_written(polygon))


def _written(polygon: Polygon) -> str:
    return " ".join(f"{round(x)},{round(y)}" for x, y in polygon)


def _position(polygon: Polygon) -> dict[str, str]:
    left, top, right, bottom = map(round, bounding_box(polygon))
    return {
        "HPOS": str(left),
        "VPOS": str(top),
        "WIDTH": str(right - left),
        "HEIGHT": str(bottom - top),
    }


def is_alto(root: Any) -> bool:
    """Return whether a root element is of ALTO."""
    return local_name(root) == "alto"
