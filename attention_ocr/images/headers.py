"""The parser of image headers: the announced size, and which images are too large to decode.

A file of a few kilobytes can declare gigabytes of pixels. Its header is read without decoding a
pixel, so that such a file is refused at no cost.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from attention_ocr.images.formats import MAX_BLOCKS, MAX_PIXELS, file_format
from attention_ocr.images.jpeg_segments import MAX_JPEG_SCANS, walk_jpeg
from attention_ocr.images.orientation import UPRIGHT
from attention_ocr.images.tiff_tags import BITS_PER_SAMPLE, integer_tags

MAX_PNG_EXTRAS = 2**26
"""Largest size of the decompressed profiles and comments of a PNG; decoders decompress them all."""

_DEFLATE_RATIO = 1032
_PNG_UNPACKED = 2**23
_PNG_COMPRESSED = frozenset({b"zTXt", b"iTXt", b"iCCP"})
_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
# Transparent colour, animation, orientation.
_PNG_NOT_PLAIN = frozenset({b"tRNS", b"acTL", b"eXIf"})
_PNG_PLAIN_COLOURS = (0, 2)
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Width and height of the page, and of its tiles.
_TIFF_SIZES = (256, 257, 322, 323)
_TIFF_SAMPLES = 277
# Boxes that hold boxes, and the bytes before these.
_AVIF_BOXES = {b"meta": 4, b"iprp": 0, b"ipco": 0}


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """The announced size of a file, and the cost of decoding it.

    Attributes:
        file_format: `PNG`, `JPEG`, `BMP`, `GIF`, `WEBP`, `TIFF` or `AVIF`.
        width: In pixels, as stored.
        height: In pixels, as stored.
        pixels: Number of pixels to decode; all frames of an animation count.
        scans: Passes over the pixels, 1 except for a progressive JPEG.
        is_plain: Whether it is a complete JPEG, gray or of three colours, or a complete PNG of 8
            bits without transparency or orientation.
        orientation: EXIF orientation of a plain JPEG, 1 to 8; other decoders read their own.
        bit_depth: Bits per channel of a PNG.
        unpacked_bytes: Upper limit of the decompressed bytes: for PNG and TIFF the rows with all
            channels in their depth; for WebP four bytes per pixel, AVIF three and GIF one, in all
            frames. 0 for BMP, which is hardly compressed, and for JPEG, which is decoded at a
            reduced size if it is large.
    """

    file_format: str
    width: int
    height: int
    pixels: int
    scans: int = 1
    is_plain: bool = field(default=False, compare=False, repr=False)
    orientation: int = field(default=UPRIGHT, compare=False, repr=False)
    bit_depth: int = field(default=8, compare=False, repr=False)
    unpacked_bytes: int = field(default=0, compare=False, repr=False)


_Chunk = tuple[bytes, int, int]
"""A chunk of a PNG: its name, and begin and end of its content."""


@dataclass(frozen=True)
class ImageLimits:
    """Limits of the images that are decoded.

    Attributes:
        max_image_bytes: Size of the file.
        max_image_pixels: Number of pixels; all frames of an animation count.
        max_unpacked_bytes: Decompressed size: flat images compress to few bytes, but the time of
            decoding depends on the decompressed size.
    """

    max_image_bytes: int = 2**26
    max_image_pixels: int = 2**24
    max_unpacked_bytes: int = 2**24

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
        """Return why a file is refused, None if it is accepted; see `judge`."""
        return self.judge(content)[0]

    def refusal_of_size(self, width: int, height: int, pixels: int | None = None) -> str | None:
        """Return why an image of a size is refused, None if it is accepted.

        Args:
            width: In pixels.
            height: In pixels.
            pixels: Number of pixels to decode; None for those of one frame.
        """
        pixels = width * height if pixels is None else pixels
        if pixels <= self.max_image_pixels:
            return None
        frames = f" ({pixels} in all frames)" if pixels > width * height else ""
        return f"image of {width}x{height} pixels{frames}, the limit is {self.max_image_pixels}"

    def judge(
        self, content: bytes, read: Callable[[bytes], ImageHeader | None] | None = None
    ) -> tuple[str | None, int]:
        """Return why a file is refused, None if it is accepted, and then the pixels to decode.

        Files of unknown formats are left to the decoder, which reports them as unreadable.

        Args:
            content: Bytes of the file.
            read: Replaces `read_header`, for callers that keep the header.
        """
        if len(content) > self.max_image_bytes:
            return f"image of {len(content)} bytes, the limit is {self.max_image_bytes}", 0
        try:
            header = (read or read_header)(content)
        except ValueError as error:
            return str(error), 0
        if header is None:
            return None, 0
        reason = self.refusal_of_size(header.width, header.height, header.pixels)
        if reason is None and header.unpacked_bytes > self.max_unpacked_bytes:
            reason = (
                f"image of {header.width}x{header.height} pixels that unpacks to "
                f"{header.unpacked_bytes} bytes, the limit is "
                f"max_unpacked_bytes={self.max_unpacked_bytes}: raise it, or shrink the image"
            )
        if reason is None and header.scans > MAX_JPEG_SCANS:
            reason = f"image with over {MAX_JPEG_SCANS} scans"
        return reason, header.pixels if reason is None else 0


PAGE_LIMITS = ImageLimits(
    max_image_bytes=2**28, max_image_pixels=MAX_PIXELS, max_unpacked_bytes=2**27
)
"""Limits of whole pages, whose scans are larger than crops."""


def read_header(content: bytes) -> ImageHeader | None:
    """Read the header of a file of one of `FORMATS`.

    Args:
        content: Bytes of the file.

    Returns:
        The header; None if the file is truncated or of another format.

    Raises:
        ValueError: If the file has more blocks, or decompresses to more, than any valid one.

    Example:
        >>> read_header(b"GIF89a" + struct.pack("<HHBBB", 3, 2, 0, 0, 0) + b";")
        ImageHeader(file_format='GIF', width=3, height=2, pixels=6, scans=1)
    """
    read = _READERS.get(file_format(content) or "")
    try:
        return read(content) if read else None
    except (struct.error, IndexError):
        return None


def _png_header(content: bytes) -> ImageHeader:
    """Read the size, and check that everything in the file decompresses to no more than that."""
    width, height, depth, colour_type, *_, interlace = struct.unpack_from(">IIBBBBB", content, 16)
    chunks = _png_chunks(content)
    packed = extras = 0
    for kind, start, end in chunks:
        if kind == b"IDAT":
            packed += end - start
        elif kind in _PNG_COMPRESSED:
            # libpng decompresses no more of a comment and then drops it.
            extras += min((end - start) * _DEFLATE_RATIO, _PNG_UNPACKED)
    if extras > MAX_PNG_EXTRAS:
        raise ValueError(f"image whose comments may unpack to over {MAX_PNG_EXTRAS} bytes")
    row_bytes = (width * _PNG_CHANNELS.get(colour_type, 1) * depth + 7) // 8 + 1
    # Twice, because of the rows of interlaced images.
    honest = 2 * row_bytes * height + 2**20
    if packed * _DEFLATE_RATIO > honest + MAX_PNG_EXTRAS and _unpacks_to_more(
        content, chunks, honest
    ):
        raise ValueError(f"image of {width}x{height} pixels that unpacks to more")
    is_plain = (
        depth == 8
        and colour_type in _PNG_PLAIN_COLOURS
        and not interlace
        and width * height <= MAX_PIXELS
        and _is_whole_png(content, chunks)
    )
    pixels = width * height
    return ImageHeader(
        *("PNG", width, height, pixels),
        is_plain=is_plain,
        bit_depth=depth,
        unpacked_bytes=row_bytes * height,
    )


def _png_chunks(content: bytes) -> list[_Chunk]:
    """Return the chunks of a PNG; the last one may extend beyond the end of the file."""
    chunks: list[_Chunk] = []
    position = len(_PNG_START)
    for _ in range(MAX_BLOCKS):
        if position + 8 > len(content):
            return chunks
        (num_bytes,) = struct.unpack_from(">I", content, position)
        start = position + 8
        chunks.append((content[position + 4 : start], start, start + num_bytes))
        position = start + num_bytes + 4
    raise ValueError(f"image of over {MAX_BLOCKS} chunks")


def _is_whole_png(content: bytes, chunks: Sequence[_Chunk]) -> bool:
    """Return whether all checksums of a PNG hold, and no chunk changes how pixels are shown."""
    if not (content.startswith(_PNG_START) and content.endswith(_PNG_END)):
        return False
    if chunks[-1][2] + 4 != len(content):
        return False
    view = memoryview(content)
    for kind, start, end in chunks:
        if kind in _PNG_NOT_PLAIN:
            return False
        if zlib.crc32(view[start - 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            return False
    return True


def _unpacks_to_more(content: bytes, chunks: Sequence[_Chunk], most: int) -> bool:
    unpack = zlib.decompressobj()
    num_bytes, step = 0, 2**14
    try:
        for kind, start, end in chunks:
            if kind != b"IDAT":
                continue
            for place in range(start, min(end, len(content)), step):
                num_bytes += len(unpack.decompress(content[place : min(place + step, end)]))
                if num_bytes > most or unpack.eof:
                    return num_bytes > most
    except zlib.error:
        pass
    return False


def _jpeg_header(content: bytes) -> ImageHeader | None:
    size, scans, orientation = walk_jpeg(content)
    if size is None:
        return None
    return ImageHeader(
        *("JPEG", *size, size[0] * size[1], scans),
        is_plain=orientation is not None,
        orientation=orientation or UPRIGHT,
    )


def _gif_header(content: bytes) -> ImageHeader:
    """Add up the frames: the decoder decompresses all of them, though only the first is used."""
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
            # A frame beyond the canvas enlarges it, even an empty one.
            width, height = max(width, left + frame_width), max(height, top + frame_height)
            position += 11 + _gif_palette_bytes(flags)
        while position < len(content) and content[position]:
            position += 1 + content[position]
            budget -= 1
            if budget < 0:
                raise ValueError(f"image of over {MAX_BLOCKS} blocks")
        position += 1
    pixels = max(width * height, frames)
    return ImageHeader("GIF", width, height, pixels, unpacked_bytes=pixels)


def _bmp_header(content: bytes) -> ImageHeader:
    # The oldest header, of OS/2, has 16 bits per side.
    layout = "<HH" if content[14:18] == b"\x0c\0\0\0" else "<ii"
    width, height = map(abs, struct.unpack_from(layout, content, 18))
    return ImageHeader("BMP", width, height, width * height)


def _gif_palette_bytes(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _webp_of(width: int, height: int, frames: int) -> ImageHeader:
    pixels = width * height * frames
    return ImageHeader("WEBP", width, height, pixels, unpacked_bytes=4 * pixels)


def _webp_header(content: bytes) -> ImageHeader | None:
    """Count the canvas once per frame: the decoder composes each frame."""
    kind = content[12:16]
    if kind == b"VP8 ":
        width, height = (size % 2**14 for size in struct.unpack_from("<HH", content, 26))
        return _webp_of(width, height, 1)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        width, height = bits % 2**14 + 1, (bits >> 14) % 2**14 + 1
        return _webp_of(width, height, 1)
    if kind != b"VP8X" or len(content) < 30:
        return None
    width = int.from_bytes(content[24:27], "little") + 1
    height = int.from_bytes(content[27:30], "little") + 1
    frames, position = 0, 12
    for _ in range(MAX_BLOCKS):
        if position + 8 > len(content):
            return _webp_of(width, height, max(frames, 1))
        frames += content[position : position + 4] == b"ANMF"
        (num_bytes,) = struct.unpack_from("<I", content, position + 4)
        position += 8 + num_bytes + num_bytes % 2
    raise ValueError(f"image of over {MAX_BLOCKS} chunks")


def _tiff_header(content: bytes) -> ImageHeader | None:
    """Read the first page; decoders allocate whole tiles."""
    values: dict[int, int] = {}
    for tag in integer_tags(content):
        values[tag.tag] = max(values.get(tag.tag, 0), tag.value)
    width, height, tile_width, tile_height = (values.get(tag, 0) for tag in _TIFF_SIZES)
    if not width or not height:
        return None
    pixels = max(width * height, tile_width * tile_height)
    pixel_bits = values.get(BITS_PER_SAMPLE, 1) * max(values.get(_TIFF_SAMPLES, 1), 1)
    return ImageHeader("TIFF", width, height, pixels, unpacked_bytes=pixels * pixel_bits // 8)


def _avif_header(content: bytes) -> ImageHeader | None:
    """Take the largest image of the file: a decoder may compose the shown image of others."""
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
    if not width or not height:
        return None
    pixels = width * height
    return ImageHeader("AVIF", width, height, pixels, unpacked_bytes=3 * pixels)


_READERS: dict[str, Callable[[bytes], ImageHeader | None]] = {
    "PNG": _png_header,
    "JPEG": _jpeg_header,
    "BMP": _bmp_header,
    "GIF": _gif_header,
    "WebP": _webp_header,
    "TIFF": _tiff_header,
    "AVIF": _avif_header,
}
