"""The segments of a JPEG file: its size, its scans, and whether it is a plain one."""

import re
import struct
from collections.abc import Sequence
from typing import NamedTuple

from attention_ocr.images.formats import MAX_BLOCKS, MAX_PIXELS
from attention_ocr.images.orientation import orientation_of

MAX_JPEG_SCANS = 50
"""Each scan of a progressive JPEG passes over all pixels; encoders write about ten."""

# Only the last of several fill bytes: a pattern for all of them backtracks over a long run, which
# takes hours for a megabyte.
_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
_SCAN_END = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HUFFMAN_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_SCAN, _END, _EXIF = 0xDA, 0xD9, 0xE1
_TELLING = _FRAMES | {_EXIF}
"""Segments that decide whether a JPEG is a plain one."""

_NUM_COLOURS = (1, 3)
_FILE_END = b"\xff\xd9"
_EXIF_START = b"Exif\0\0"


class JPEGSegments(NamedTuple):
    """Properties of a JPEG from its segments.

    Attributes:
        size: Width and height in pixels, as stored; None if none is announced.
        scans: Passes over the pixels; counted up to `MAX_JPEG_SCANS` + 1.
        plain_orientation: EXIF orientation, 1 to 8, of a complete JPEG, gray or of three colours;
            None for any other.
    """

    size: tuple[int, int] | None
    scans: int
    plain_orientation: int | None


class _Segment(NamedTuple):
    """A segment before the first scan: its marker, and where its content starts and ends."""

    marker: int
    start: int
    end: int


def walk_jpeg(content: bytes) -> JPEGSegments:
    """Parse the segments like libjpeg, so that it sees no segment that is missed here.

    Raises:
        ValueError: If there are more segments than in any valid file.
        struct.error: If the file ends in a segment.
    """
    size: tuple[int, int] | None = None
    scans, position = 0, 2
    # The relevant ones before the first scan; None if there are bytes between segments.
    segments: list[_Segment] | None = []
    pattern = _MARKER
    for _ in range(MAX_BLOCKS):
        match = pattern.search(content, position)
        if match is None or match[1][0] == _END or scans > MAX_JPEG_SCANS:
            break
        marker = match[1][0]
        if not scans and (match.start() != position or marker in _WITHOUT_LENGTH):
            segments = None
        position = match.end()
        pattern = _MARKER
        if marker in _WITHOUT_LENGTH:
            continue
        if marker in _FRAMES and size is None:
            height, width = struct.unpack_from(">HH", content, position + 3)
            size = width, height
        if marker == _SCAN:
            scans += 1
            pattern = _SCAN_END
        if position + 2 > len(content):
            break
        (num_bytes,) = struct.unpack_from(">H", content, position)
        if segments is not None and not scans and marker in _TELLING:
            segments.append(_Segment(marker, position + 2, position + num_bytes))
        position += num_bytes
    else:
        raise ValueError(f"image of over {MAX_BLOCKS} segments")
    return JPEGSegments(size, scans, _plain_orientation(content, segments) if scans else None)


def _plain_orientation(content: bytes, segments: Sequence[_Segment] | None) -> int | None:
    # A file without its end may be truncated: OpenCV would invent the rest.
    if segments is None or not content.endswith(_FILE_END):
        return None
    frames = [segment for segment in segments if segment.marker in _FRAMES]
    if len(frames) != 1 or frames[0].marker not in _HUFFMAN_FRAMES:
        return None
    depth, height, width, num_colours = struct.unpack_from(">BHHB", content, frames[0].start)
    if depth != 8 or num_colours not in _NUM_COLOURS or not 0 < height * width <= MAX_PIXELS:
        return None
    # Like in Pillow, several segments are parts of one that did not fit.
    exif = b"".join(
        content[start + len(_EXIF_START) : end]
        for marker, start, end in segments
        if marker == _EXIF and content.startswith(_EXIF_START, start)
    )
    return orientation_of(exif)
