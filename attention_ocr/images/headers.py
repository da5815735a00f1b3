"""What the header of an image file promises, and which promises are too large to decode.

A file of some kilobytes can ask for gigabytes of pixels. Its header is read without decoding a
pixel, so that such a file costs nothing.
"""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from attention_ocr.images.formats import MAX_PIXELS, file_format

MAX_BLOCKS = 100_000
"""Parts of a JPEG, GIF or WebP file that are looked at; ten times what any camera writes."""

MAX_JPEG_SCANS = 50
"""A progressive JPEG passes over all its pixels in each; encoders write about ten."""

MAX_PNG_EXTRAS = 2**26
"""Bytes that profiles and comments of a PNG may be when unpacked; the decoder unpacks them all."""

_DEFLATE_RATIO = 1032
_PNG_UNPACKED = 2**23
_PNG_COMPRESSED = (b"zTXt", b"iTXt", b"iCCP")
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Only the last of several fill bytes: a pattern that takes them all tries every part of a long row
# of them, which takes hours for a megabyte.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
_JPEG_SCAN_END = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_BIG_TIFF = 43
# Width and height of the page, and of its tiles.
_TIFF_SIZES = (256, 257, 322, 323)
_TIFF_BITS, _TIFF_SAMPLES = 258, 277
_TIFF_INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_PIXEL_BYTES = {"WEBP": 4, "AVIF": 3, "GIF": 1}
# Boxes that hold boxes, and what stands before these.
_AVIF_BOXES = {b"meta": 4, b"iprp": 0, b"ipco": 0}


class ImageHeader(NamedTuple):
    """What decoding a file would take.

    Attributes:
        file_format: `PNG`, `JPEG`, `BMP`, `GIF`, `WEBP`, `TIFF` or `AVIF`.
        width: in pixels, as they lie in the file.
        height: in pixels, as they lie in the file.
        pixels: that decoding goes through; of an animation the pictures of all frames.
        scans: passes over the pixels, 1 but for a progressive JPEG.
    """

    file_format: str
    width: int
    height: int
    pixels: int
    scans: int = 1


@dataclass(frozen=True)
class ImageLimits:
    """The largest image that is decoded.

    Attributes:
        max_image_bytes: of the file.
        max_image_pixels: of the picture; of an animation all frames count.
        max_unpacked_bytes: that the decoder unpacks, see `unpacked_bytes`: what is flat is packed
            into little, and the time is that of what comes out.
    """

    max_image_bytes: int = 2**26
    max_image_pixels: int = 2**24
    max_unpacked_bytes: int = 2**25

    def __post_init__(self) -> None:
        for name in ("max_image_bytes", "max_image_pixels", "max_unpacked_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be above 0. Received: {getattr(self, name)}")
        if self.max_image_pixels > MAX_PIXELS:
            raise ValueError(
                f"`max_image_pixels` must be at most {MAX_PIXELS}, the most that is ever decoded. "
                f"Received: {self.max_image_pixels}"
            )

    def refusal(self, content: bytes) -> str | None:
        """Return why a file is not decoded, none if it may be; see `judge`."""
        return self.judge(content)[0]

    def judge(self, content: bytes) -> tuple[str | None, int]:
        """Return why a file is not decoded, none if it may be, and the pixels to decode if so.

        What is no image of a known form is left to the decoder, which names it unreadable.
        """
        if len(content) > self.max_image_bytes:
            return f"image of {len(content)} bytes, the limit is {self.max_image_bytes}", 0
        try:
            header = read_header(content)
        except ValueError as error:
            return str(error), 0
        if header is None:
            return None, 0
        if header.pixels > self.max_image_pixels:
            frames = header.pixels > header.width * header.height
            return (
                f"image of {header.width}x{header.height} pixels"
                + (f" ({header.pixels} in all frames)" if frames else "")
                + f", the limit is {self.max_image_pixels}"
            ), 0
        unpacked = unpacked_bytes(content, header)
        if unpacked > self.max_unpacked_bytes:
            return (
                f"image of {header.width}x{header.height} pixels that unpacks to {unpacked} bytes, "
                f"the limit is max_unpacked_bytes={self.max_unpacked_bytes}: raise it, or shrink "
                "the image"
            ), 0
        if header.scans > MAX_JPEG_SCANS:
            return f"image with over {MAX_JPEG_SCANS} scans", 0
        return None, header.pixels


def read_header(content: bytes) -> ImageHeader | None:
    """Read the size that a file of one of `FORMATS` announces.

    Args:
        content: of the file.

    Returns:
        What the header says; none if the file is cut short or of another format.

    Raises:
        ValueError: the file consists of more parts than any honest one, or unpacks to more.

    Example:
        >>> read_header(b"GIF89a" + struct.pack("<HHBBB", 3, 2, 0, 0, 0) + b";")
        ImageHeader(file_format='GIF', width=3, height=2, pixels=6, scans=1)
    """
    read = _READERS.get(file_format(content) or "")
    try:
        return read(content) if read else None
    except (struct.error, IndexError):
        return None


def unpacked_bytes(content: bytes, header: ImageHeader) -> int:
    """Return how many bytes the decoder unpacks of a file, at most.

    Of a PNG and of a TIFF its rows, with all channels, in their depth; of WebP four bytes a pixel,
    of AVIF three and of GIF one, in all frames. Nothing of BMP, which is hardly packed, and of
    JPEG, which is decoded at a part of its size where it is large.

    Args:
        content: of the file.
        header: of it, see `read_header`.

    Example:
        >>> gif = b"GIF89a" + struct.pack("<HHBBB", 3, 2, 0, 0, 0) + b";"
        >>> unpacked_bytes(gif, read_header(gif))
        6
    """
    if header.file_format == "PNG":
        return header.height * _png_row_bytes(content)
    if header.file_format == "TIFF":
        return header.pixels * _tiff_pixel_bits(content) // 8
    return header.pixels * _PIXEL_BYTES.get(header.file_format, 0)


def _png_row_bytes(content: bytes) -> int:
    """Return the bytes of an unpacked row; before the pixels stands the kind of its filter."""
    width, _, depth, colour_type = struct.unpack_from(">IIBB", content, 16)
    return 1 + int(width * _PNG_CHANNELS.get(colour_type, 1) * depth + 7) // 8


def _png_header(content: bytes) -> ImageHeader:
    """Read the size, and see that what else is packed in the file comes to no more than it."""
    width, height = struct.unpack_from(">II", content, 16)
    header = ImageHeader("PNG", width, height, width * height)
    position, extras = 8, 0
    data = []
    for _ in range(MAX_BLOCKS):
        if position + 8 > len(content):
            break
        (num_bytes,) = struct.unpack_from(">I", content, position)
        kind = content[position + 4 : position + 8]
        if kind == b"IDAT":
            data.append((position + 8, position + 8 + num_bytes))
        elif kind in _PNG_COMPRESSED:
            # libpng unpacks no more of one, and gives it up.
            extras += min(num_bytes * _DEFLATE_RATIO, _PNG_UNPACKED)
        position += 12 + num_bytes
    else:
        raise ValueError(f"image of over {MAX_BLOCKS} chunks")
    if extras > MAX_PNG_EXTRAS:
        raise ValueError(f"image whose comments may unpack to over {MAX_PNG_EXTRAS} bytes")
    # Twice, because of the rows of interlaced pictures.
    honest = 2 * _png_row_bytes(content) * height + 2**20
    packed = sum(end - start for start, end in data)
    if packed * _DEFLATE_RATIO > honest + MAX_PNG_EXTRAS and _unpacks_to_more(
        content, data, honest
    ):
        raise ValueError(f"image of {width}x{height} pixels that unpacks to more")
    return header


def _unpacks_to_more(content: bytes, parts: list[tuple[int, int]], most: int) -> bool:
    unpack = zlib.decompressobj()
    num_bytes, step = 0, 2**14
    try:
        for start, end in parts:
            for place in range(start, min(end, len(content)), step):
                num_bytes += len(unpack.decompress(content[place : min(place + step, end)]))
                if num_bytes > most or unpack.eof:
                    return num_bytes > most
    except zlib.error:
        pass
    return False


def _jpeg_header(content: bytes) -> ImageHeader | None:
    """Walk the segments as libjpeg does: one that is hidden from this walk is hidden from it."""
    size: tuple[int, int] | None = None
    scans, position = 0, 2
    pattern = _JPEG_MARKER
    for _ in range(MAX_BLOCKS):
        match = pattern.search(content, position)
        if match is None or match[1][0] == _JPEG_END or scans > MAX_JPEG_SCANS:
            return size and ImageHeader("JPEG", size[1], size[0], size[0] * size[1], scans)
        marker, position = match[1][0], match.end()
        pattern = _JPEG_MARKER
        if marker in _JPEG_WITHOUT_LENGTH:
            continue
        if marker in _JPEG_SIZES and size is None:
            size = struct.unpack_from(">HH", content, position + 3)
        if marker == _JPEG_SCAN:
            scans += 1
            pattern = _JPEG_SCAN_END
        if position + 2 > len(content):
            return size and ImageHeader("JPEG", size[1], size[0], size[0] * size[1], scans)
        position += struct.unpack_from(">H", content, position)[0]
    raise ValueError(f"image of over {MAX_BLOCKS} segments")


def _gif_header(content: bytes) -> ImageHeader:
    """Add up the frames: the decoder unpacks all of them, though only the first is read."""
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    position = 13 + _gif_palette_bytes(flags)
    frames = 0
    budget = MAX_BLOCKS
    while position < len(content) and content[position] in b"\x21\x2c":
        if content[position] == 0x21:
            position += 2
        else:
            if position + 10 > len(content):
                break
            left, top, frame_width, frame_height, flags = struct.unpack_from(
                "<HHHHB", content, position + 1
            )
            frames += frame_width * frame_height
            # A frame beyond the screen widens it, one without rows or columns too.
            width, height = max(width, left + frame_width), max(height, top + frame_height)
            position += 11 + _gif_palette_bytes(flags)
        while position < len(content) and content[position]:
            position += 1 + content[position]
            budget -= 1
            if budget < 0:
                raise ValueError(f"image of over {MAX_BLOCKS} blocks")
        position += 1
    return ImageHeader("GIF", width, height, max(width * height, frames))


def _bmp_header(content: bytes) -> ImageHeader:
    # The oldest header, of OS/2, has 16 bits for a side.
    layout = "<HH" if content[14:18] == b"\x0c\0\0\0" else "<ii"
    width, height = map(abs, struct.unpack_from(layout, content, 18))
    return ImageHeader("BMP", width, height, width * height)


def _gif_palette_bytes(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _webp_header(content: bytes) -> ImageHeader | None:
    """Take the canvas as often as there are frames: the decoder composes each."""
    kind = content[12:16]
    if kind == b"VP8 ":
        width, height = (size % 2**14 for size in struct.unpack_from("<HH", content, 26))
        return ImageHeader("WEBP", width, height, width * height)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        width, height = bits % 2**14 + 1, (bits >> 14) % 2**14 + 1
        return ImageHeader("WEBP", width, height, width * height)
    if kind != b"VP8X" or len(content) < 30:
        return None
    width = int.from_bytes(content[24:27], "little") + 1
    height = int.from_bytes(content[27:30], "little") + 1
    frames, position = 0, 12
    for _ in range(MAX_BLOCKS):
        if position + 8 > len(content):
            return ImageHeader("WEBP", width, height, width * height * max(frames, 1))
        frames += content[position : position + 4] == b"ANMF"
        (num_bytes,) = struct.unpack_from("<I", content, position + 4)
        position += 8 + num_bytes + num_bytes % 2
    raise ValueError(f"image of over {MAX_BLOCKS} chunks")


def _tiff_header(content: bytes) -> ImageHeader | None:
    """Read the first page; a decoder makes room for a whole tile of it."""
    values = _tiff_values(content)
    width, height, tile_width, tile_height = (values.get(tag, (0,))[0] for tag in _TIFF_SIZES)
    if not width or not height:
        return None
    return ImageHeader("TIFF", width, height, max(width * height, tile_width * tile_height))


def _tiff_pixel_bits(content: bytes) -> int:
    """Return the bits of a pixel of the first page, those of all channels."""
    values = _tiff_values(content)
    return values.get(_TIFF_BITS, (1,))[0] * max(values.get(_TIFF_SAMPLES, (1,))[0], 1)


def _tiff_values(content: bytes) -> dict[int, tuple[int, ...]]:
    """Return some tags of the first page of a TIFF; of one that stands twice, the largest value."""
    order = "<" if content.startswith(b"II") else ">"
    big = struct.unpack_from(f"{order}H", content, 2)[0] == _BIG_TIFF
    offset = struct.unpack_from(f"{order}Q" if big else f"{order}I", content, 8 if big else 4)[0]
    (count,) = struct.unpack_from(f"{order}Q" if big else f"{order}H", content, offset)
    entry_bytes, value_start = (20, 12) if big else (12, 8)
    start = offset + (8 if big else 2)
    values: dict[int, tuple[int, ...]] = {}
    for place in range(start, min(start + count * entry_bytes, len(content)), entry_bytes):
        tag, kind = struct.unpack_from(f"{order}HH", content, place)
        if tag not in (*_TIFF_SIZES, _TIFF_BITS, _TIFF_SAMPLES) or kind not in _TIFF_INTEGERS:
            continue
        value_place = place + value_start
        if tag == _TIFF_BITS:
            # Of more channels than there is room for here, they stand elsewhere.
            pointer = f"{order}Q" if big else f"{order}I"
            num_values = struct.unpack_from(pointer, content, place + 4)[0]
            if num_values * struct.calcsize(_TIFF_INTEGERS[kind]) > struct.calcsize(pointer):
                value_place = struct.unpack_from(pointer, content, value_place)[0]
        value = struct.unpack_from(order + _TIFF_INTEGERS[kind], content, value_place)
        values[tag] = max(values.get(tag, (0,)), value)
    return values


def _avif_header(content: bytes) -> ImageHeader | None:
    """Take the largest picture of the file: a decoder may compose the one shown of others."""
    largest = (0, 0)
    parts = [(0, len(content))]
    for _ in range(MAX_BLOCKS):
        if not parts:
            break
        start, end = parts.pop()
        if start + 8 > end:
            continue
        num_bytes, kind = struct.unpack_from(">I4s", content, start)
        body = start + 8
        if num_bytes == 1:
            (num_bytes,) = struct.unpack_from(">Q", content, body)
            body += 8
        stop = min(start + num_bytes, end) if num_bytes >= 8 else end
        parts.append((stop, end))
        if kind in _AVIF_BOXES:
            parts.append((body + _AVIF_BOXES[kind], stop))
        elif kind == b"ispe":
            width, height = struct.unpack_from(">II", content, body + 4)
            largest = max(largest, (width, height), key=lambda size: size[0] * size[1])
    else:
        raise ValueError(f"image of over {MAX_BLOCKS} boxes")
    width, height = largest
    return ImageHeader("AVIF", width, height, width * height) if width and height else None


_READERS: dict[str, Callable[[bytes], ImageHeader | None]] = {
    "PNG": _png_header,
    "JPEG": _jpeg_header,
    "BMP": _bmp_header,
    "GIF": _gif_header,
    "WebP": _webp_header,
    "TIFF": _tiff_header,
    "AVIF": _avif_header,
}
