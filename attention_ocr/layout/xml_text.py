"""XML of other programs: parsed without entities or network; errors name the file."""

import re
from typing import Any

from attention_ocr.io.extras import extra

# What XML 1.0 cannot hold.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse_xml(content: bytes, name: str, is_html: bool = False) -> Any:
    """Parse a file.

    Args:
        content: Its content.
        name: Its name, for messages.
        is_html: Whether it is HTML, whose tags need not be closed.

    Returns:
        The root element, an `lxml.etree._Element`.

    Raises:
        ImportError: If lxml is not installed.
        ValueError: If it is not XML.
    """
    with extra("pages", "Reading hOCR, ALTO and PAGE XML"):
        from lxml import etree
    # Entities can ask for gigabytes or for files; lxml refuses deep and huge trees itself.
    options: dict[str, Any] = {"no_network": True, "remove_comments": True, "remove_pis": True}
    parser = (
        etree.HTMLParser(encoding="utf-8", **options)
        if is_html
        else etree.XMLParser(resolve_entities=False, load_dtd=False, **options)
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.LxmlError as error:
        raise ValueError(f"{name}: expected XML. Received: {error}") from error
    except ValueError as error:
        raise ValueError(f"{name}: expected XML. Received: {error}") from error
    if root is None:
        raise ValueError(f"{name}: expected XML. Received: a file without elements")
    return root


def local_name(element: Any) -> str:
    """Return the tag of an element without its namespace; empty for comments."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: Any, *names: str) -> list[Any]:
    """Return the children with one of the names, whatever their namespace."""
    return [child for child in element if local_name(child) in names]


def descendants(element: Any, *names: str) -> list[Any]:
    """Return the descendants with one of the names, whatever their namespace."""
    return [child for child in element.iter() if local_name(child) in names]


def legal(text: str) -> str:
    r"""Replace characters that XML cannot hold.

    Example:
        >>> legal("a\x1bb")
        'a�b'
    """
    return _NOT_IN_XML.sub("\ufffd", text)


def number(element: Any, attribute: str, name: str) -> float:
    """Return a number in an attribute; 0 where it is missing.

    Raises:
        ValueError: If it is not a finite number.
    """
    return parse_number(element.get(attribute, "0"), f"{name}, line {element.sourceline}")


def parse_number(text: str, place: str) -> float:
    """Parse a number that a file of others holds.

    Raises:
        ValueError: If it is not a finite number of reasonable size; the message names the place.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -1e7 < value < 1e7:
        raise ValueError(f"{place}: expected a number of pixels. Received: {text[:40]!r}")
    return value
