"""Layout files of any kind: hOCR, ALTO and PAGE XML."""

from attention_ocr.layout.alto import is_alto, read_alto
from attention_ocr.layout.hocr import is_hocr, read_hocr
from attention_ocr.layout.page import Page
from attention_ocr.layout.page_xml import is_page_xml, read_page_xml
from attention_ocr.layout.xml_text import local_name, parse_xml

LAYOUT_SUFFIXES = (".xml", ".hocr", ".html", ".htm")
_HTML_SUFFIXES = (".html", ".htm", ".hocr")


def read_layout(content: bytes, name: str) -> list[Page]:
    """Return the pages of an hOCR, ALTO or PAGE XML file.

    Args:
        content: Content of the file.
        name: Its name, for messages and, if it ends like HTML, for its format.

    Raises:
        ImportError: If lxml is not installed.
        ValueError: If the file has another format, or is damaged.
    """
    is_html = name.lower().endswith(_HTML_SUFFIXES) and not content.lstrip().startswith(b"<?xml")
    root = parse_xml(content, name, is_html)
    for recognizes, read in (
        (is_page_xml, read_page_xml),
        (is_alto, read_alto),
        (is_hocr, read_hocr),
    ):
        if recognizes(root):
            return read(root, name)
    raise ValueError(
        f"{name}: expected hOCR, ALTO or PAGE XML. Received: <{local_name(root)}> as root element"
    )
