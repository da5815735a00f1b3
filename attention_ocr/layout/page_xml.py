"""PAGE XML, as Transkribus, eScriptorium and OCR-D write it: read, and written as of 2019-07-15."""

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

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
_REGIONS = ("TextRegion", "TableRegion", "TableCell")


def read_page_xml(root: Any, name: str) -> list[Page]:
    """Return the page of a PAGE XML file, in a list.

    Args:
        root: Its root element.
        name: Name of the file, for messages.

    Raises:
        ValueError: If a coordinate is not a number, or a line has neither outline nor baseline.
    """
    pages = []
    for place, page in enumerate(children(root, "Page"), 1):
        lines = []
        ordered = _in_reading_order(page, descendants(page, *_REGIONS))
        for block, region in enumerate(ordered):
            lines += [_line(line, block, name) for line in children(region, "TextLine")]
        width, height = (int(number(page, side, name)) for side in ("imageWidth", "imageHeight"))
        pages.append(Page(width, height, tuple(lines), page.get("imageFilename"), place))
    return pages


def _in_reading_order(page: Any, regions: list[Any]) -> list[Any]:
    """Return the regions in the order that the page declares; others follow."""
    indexed = descendants(page, "RegionRefIndexed", "RegionRef")
    order = {ref.get("regionRef"): place for place, ref in enumerate(indexed)}
    return sorted(regions, key=lambda region: order.get(region.get("id"), len(order)))


def _line(element: Any, block: int, name: str) -> Line:
    baseline = _points(element, "Baseline", name)
    polygon = _points(element, "Coords", name)
    if len(polygon) < 3 and len(baseline) < 2:
        raise ValueError(
            f"{name}, line {element.sourceline}: expected a TextLine with Coords of three points "
            f"or a Baseline of two. Received: {len(polygon)} and {len(baseline)} points"
        )
    text, confidence = _text(element, name)
    words = []
    for word in children(element, "Word"):
        word_text, word_confidence = _text(word, name)
        words.append(Word(word_text, _points(word, "Coords", name), word_confidence))
    if not text:
        text = " ".join(word.text for word in words)
    return Line(polygon, text, confidence, tuple(words), block, baseline)


def _text(element: Any, name: str) -> tuple[str, float]:
    """Return the text of a line or word, of several readings the first, and its confidence."""
    found = children(element, "TextEquiv")
    if not found:
        return "", 0.0
    first = min(found, key=lambda equivalent: number(equivalent, "index", name))
    texts = children(first, "Unicode")
    return (texts[0].text or "" if texts else ""), number(first, "conf", name)


def _points(element: Any, kind: str, name: str) -> Polygon:
    """Return the points of `Coords` or `Baseline`, as attribute or, in old files, as elements."""
    found = children(element, kind)
    if not found:
        return ()
    place = f"{name}, line {found[0].sourceline}"
    written = found[0].get("points")
    if written is None:
        pairs = [(point.get("x", ""), point.get("y", "")) for point in children(found[0], "Point")]
    else:
        pairs = []
        for pair in written.split():
            x, comma, y = pair.partition(",")
            if not comma:
                raise ValueError(f"{place}: expected points `x,y x,y`. Received: {written[:60]!r}")
            pairs.append((x, y))
    return tuple((parse_number(x, place), parse_number(y, place)) for x, y in pairs)


def write_page_xml(page: Page, creator: str, created: str) -> bytes:
    """Return a page as a PAGE XML file.

    Args:
        page: The page.
        creator: Name and version of the program.
        created: Date and time in ISO 8601.
    """
    from lxml import etree

    root = etree.Element("PcGts", nsmap={None: NAMESPACE})
    metadata = etree.SubElement(root, "Metadata")
    for tag, text in (("Creator", creator), ("Created", created), ("LastChange", created)):
        etree.SubElement(metadata, tag).text = text
    size = {"imageWidth": str(page.width), "imageHeight": str(page.height)}
    sheet = etree.SubElement(root, "Page", imageFilename=legal(page.path or ""), **size)
    blocks = page.blocks
    if blocks:
        group = etree.SubElement(
            etree.SubElement(sheet, "ReadingOrder"), "OrderedGroup", id="reading_order"
        )
        for place, block in enumerate(blocks):
            etree.SubElement(group, "RegionRefIndexed", index=str(place), regionRef=f"r{block}")
    for block, lines in blocks.items():
        region = etree.SubElement(sheet, "TextRegion", id=f"r{block}")
        _write_points(region, "Coords", box_polygon(*bounding_box(corners_of(lines))))
        for place, line in enumerate(lines):
            _write_line(region, line, f"r{block}l{place}")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _write_line(region: Any, line: Line, line_id: str) -> None:
    from lxml import etree

    element = etree.SubElement(region, "TextLine", id=line_id)
    _write_points(element, "Coords", line.polygon)
    if line.baseline:
        _write_points(element, "Baseline", line.baseline)
    for place, word in enumerate(line.words):
        child = etree.SubElement(element, "Word", id=f"{line_id}w{place}")
        _write_points(child, "Coords", word.polygon)
        _write_text(child, word)
    _write_text(element, line)


def _write_points(parent: Any, kind: str, points: Polygon) -> None:
    from lxml import etree

    # The schema has whole pixels, and none outside of the image.
    written = " ".join(f"{max(round(x), 0)},{max(round(y), 0)}" for x, y in points)
    etree.SubElement(parent, kind, points=written)


def _write_text(parent: Any, item: Line | Word) -> None:
    from lxml import etree

    equivalent = etree.SubElement(parent, "TextEquiv", conf=f"{item.confidence:.4f}")
    etree.SubElement(equivalent, "Unicode").text = legal(item.text)


def is_page_xml(root: Any) -> bool:
    """Return whether a root element is of PAGE XML."""
    return local_name(root) == "PcGts"
