"""Images as jobs hand them on: where one is, or what it holds."""

from typing import NamedTuple


class ListedImage(NamedTuple):
    """An image file of a source that lists its files.

    Attributes:
        path: Local path or address.
        key: Identifies the image in reports.
        text: The text as stored; empty if there is none.
    """

    path: str
    key: str
    text: str = ""


class EncodedImage(NamedTuple):
    """An image whose file has already been read.

    Attributes:
        key: Identifies the image in reports.
        text: The label; bytes of it that are not UTF-8 are escaped.
        encoded: Content of the file; empty if there is none.
        is_utf8: Whether the label is UTF-8.
    """

    key: str
    text: str
    encoded: bytes
    is_utf8: bool = True
