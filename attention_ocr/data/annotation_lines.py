"""Lines of aocr's annotation lists: a path, whitespace, a text."""

import re

from attention_ocr.images.formats import IMAGE_SUFFIXES

# A path that contains spaces ends with the suffix of an image file.
_IMAGE_THEN_TEXT = re.compile(
    rf"(.*?(?:{'|'.join(map(re.escape, IMAGE_SUFFIXES))}))(?:\s(.*))?", re.IGNORECASE | re.DOTALL
)
_PATH_THEN_TEXT = re.compile(r"(\S+)\s(.*)", re.DOTALL)


def split_annotation(line: str) -> tuple[str, str] | None:
    """Return path and text of a line, or `None` if it has no path.

    The path ends at the first whitespace after the suffix of an image file, or else at the first
    whitespace, as in aocr. The text may be empty.

    Example:
        >>> split_annotation("my images/a.png two words")
        ('my images/a.png', 'two words')
    """
    match = _IMAGE_THEN_TEXT.fullmatch(line) or _PATH_THEN_TEXT.fullmatch(line)
    return (match[1], match[2] or "") if match else None


def names_image(line: str) -> bool:
    """Return whether a line begins with the path of an image file, by its suffix."""
    return _IMAGE_THEN_TEXT.fullmatch(line) is not None
