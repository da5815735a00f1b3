"""Pages in each of the output formats."""

from collections.abc import Callable

from attention_ocr.layout.alto import write_alto
from attention_ocr.layout.hocr import HOCR_END, hocr_page, hocr_start
from attention_ocr.layout.page import Page
from attention_ocr.layout.page_xml import write_page_xml
from attention_ocr.text.escaping import escape_controls, to_json


def page_as_text(page: Page) -> str:
    r"""Return the lines of a page, each with a line feed."""
    return "".join(escape_controls(line.text) + "\n" for line in page.lines)


def page_as_json(page: Page) -> str:
    """Return a page as a JSON object on one line."""
    return to_json(page.to_record()) + "\n"


def page_as_hocr(page: Page, creator: str, created: str) -> bytes:
    """Return a page as a complete hOCR file."""
    del created
    return hocr_start(creator) + hocr_page(page, 1) + HOCR_END


PAGE_WRITERS: dict[str, Callable[[Page, str, str], bytes]] = {
    "text": lambda page, _, __: page_as_text(page).encode("utf-8", "backslashreplace"),
    "jsonl": lambda page, _, __: page_as_json(page).encode("utf-8"),
    "hocr": page_as_hocr,
    "alto": write_alto,
    "page": write_page_xml,
}
"""What makes the file of one page: of the page, name and version of the program, and the time."""
