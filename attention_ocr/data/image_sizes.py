"""Sizes of image files, and why a file has none."""

from attention_ocr.images.decode import UnreadableImageError, decode_with_size

BATCH_SIZE = 256
"""Rows that are inspected together."""


def size_or_reason(encoded: bytes) -> tuple[int, int, str]:
    """Return height and width of an image file and an empty string, or zeros and what is wrong."""
    try:
        _, height, width = decode_with_size(encoded)
    except UnreadableImageError as error:
        return 0, 0, str(error) if encoded else "empty file"
    return height, width, ""


def cannot_be_opened(error: OSError) -> str:
    """Return why a file is unreadable."""
    return f"cannot be opened: {error.strerror or error}"
