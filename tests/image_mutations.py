"""Structure-aware mutations of image files, which pass the first checks of decoders.

A PNG with a random byte changed fails a checksum, and no decoder reads on. Here a file is split
into its parts, one of them is changed, and the file is reassembled with the right lengths and
checksums.
"""

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, TypeVar

import numpy as np
from PIL import Image

from tests.hostile_images import READ, hostile_images, saved

NUMBERS = (0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 127, 128, 255, 256, 257, 4095, 32767, 65535)
"""Field values at the limits of sizes and number types."""

LARGE_NUMBERS = (*NUMBERS, 65536, 2**24 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
LARGEST = 300_000
"""Maximum bytes of a mutated image: larger ones take time to copy and find nothing more."""

_PNG_HEADER = b"\x89PNG\r\n\x1a\n"
_UNPACKED_BYTES = 2**20

Part = TypeVar("Part")


def files_to_change() -> list[bytes]:
    """Return the small images of the corpus, valid ones three times, as they reach more code."""
    images = [image for image in hostile_images().values() if len(image.content) <= LARGEST]
    return [
        *whole_images(),
        *(image.content for image in images for _ in range(3 if image.status == READ else 1)),
    ]


def whole_images() -> list[bytes]:
    """Return small valid images of every format, with all optional parts."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 90, 3), np.uint8)
    image = Image.fromarray(pixels)
    gray, palette = image.convert("L"), image.convert("P")
    exif = Image.Exif()
    exif[0x0112] = 6
    more = {"save_all": True, "append_images": [palette.rotate(180)], "duration": 50}
    return [
        saved(image, "PNG"),
        saved(palette, "PNG", transparency=0, exif=exif),
        saved(image, "JPEG", exif=exif, quality=90),
        saved(gray, "JPEG", progressive=True, restart_marker_rows=1),
        saved(palette, "GIF", **more),
        saved(image, "BMP"),
        saved(palette, "BMP"),
        saved(image.convert("1"), "BMP"),
        saved(image, "WEBP", lossless=True, exif=exif),
        saved(image, "WEBP", save_all=True, append_images=[image.rotate(180)]),
        *(
            saved(variant, "TIFF", compression=compression)
            for variant in (image, palette)
            for compression in ("raw", "tiff_lzw", "tiff_deflate", "packbits")
        ),
        saved(image, "TIFF", compression="jpeg"),
        saved(image.convert("1"), "TIFF", compression="group4"),
    ]


def change_structure(content: bytes, random: np.random.Generator) -> bytes | None:
    """Return an image file with one part changed.

    Args:
        content: Content of the file.
        random: Chooses the part and the change.

    Returns:
        The changed file; `None` if its format is unknown or it is too damaged.
    """
    for signature, change in _CHANGES.items():
        if content.startswith(signature):
            with suppress(struct.error, zlib.error, IndexError, ValueError):
                return change(content, random)
    return None


def _choose(values: tuple[int, ...], random: np.random.Generator) -> int:
    return values[int(random.integers(len(values)))]


def _change_bytes(part: bytes, random: np.random.Generator) -> bytes:
    """Change, remove or insert bytes of a part."""
    changed = bytearray(part)
    kind = int(random.integers(4))
    place = int(random.integers(len(part) + 1))
    if kind == 0 and part:
        for offset in random.integers(0, len(part), int(random.integers(1, 5))):
            changed[offset] = int(random.integers(256))
    elif kind == 1:
        del changed[place:]
    elif kind == 2:
        changed[place:place] = random.bytes(int(random.integers(1, 300)))
    else:
        size = int(_choose((1, 2, 4), random))
        value = _choose(LARGE_NUMBERS, random) % 256**size
        changed[place : place + size] = value.to_bytes(size, _order(random))
    return bytes(changed)


def _order(random: np.random.Generator) -> Literal["big", "little"]:
    return "big" if int(random.integers(2)) else "little"


def _change_order(parts: list[Part], random: np.random.Generator) -> list[Part]:
    """Repeat, remove or move a part."""
    parts = list(parts)
    place, other = (int(number) for number in random.integers(0, len(parts), 2))
    kind = int(random.integers(4))
    if kind == 0:
        parts[other:other] = [parts[place]]
    elif kind == 1:
        parts[place:place] = [parts[place]] * int(random.integers(1, 200))
    elif kind == 2:
        del parts[place]
    else:
        parts[place], parts[other] = parts[other], parts[place]
    return parts


def _change_png(content: bytes, random: np.random.Generator) -> bytes:
    chunks = []
    position = 8
    while position + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, position)
        kind = content[position + 4 : position + 8]
        chunks.append((kind, content[position + 8 : position + 8 + length]))
        position += 12 + length
    place = int(random.integers(len(chunks)))
    kind, body = chunks[place]
    choice = int(random.integers(4))
    if choice == 0:
        chunks = _change_order(chunks, random)
    elif kind == b"IHDR" or choice == 1:
        chunks[0] = (b"IHDR", _change_png_size(chunks[0][1], random))
    elif kind == b"IDAT" and choice == 2:
        # The uncompressed data, so that it still decompresses.
        unpacked = zlib.decompressobj().decompress(body, _UNPACKED_BYTES)
        chunks[place] = (kind, zlib.compress(_change_bytes(unpacked, random)))
    else:
        chunks[place] = (kind, _change_bytes(body, random))
    return _PNG_HEADER + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _change_png_size(header: bytes, random: np.random.Generator) -> bytes:
    fields = list(struct.unpack_from(">IIBBBBB", header))
    place = int(random.integers(7))
    values = LARGE_NUMBERS if place < 2 else (0, 1, 2, 3, 4, 6, 8, 16)
    fields[place] = _choose(values, random)
    return struct.pack(">IIBBBBB", *fields)


def _change_webp(content: bytes, random: np.random.Generator) -> bytes:
    chunks = []
    position = 12
    while position + 8 <= len(content):
        (length,) = struct.unpack_from("<I", content, position + 4)
        chunks.append(
            (content[position : position + 4], content[position + 8 : position + 8 + length])
        )
        position += 8 + length + length % 2
    if int(random.integers(3)) == 0:
        chunks = _change_order(chunks, random)
    else:
        place = int(random.integers(len(chunks)))
        chunks[place] = (chunks[place][0], _change_bytes(chunks[place][1], random))
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(part)) + part + bytes(len(part) % 2) for kind, part in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _change_jpeg(content: bytes, random: np.random.Generator) -> bytes:
    """Change a segment, with the right length, or the size in the frame header."""
    segments = []
    position = 2
    while position + 4 <= len(content) and content[position + 1] not in (0xDA, 0xD9):
        (length,) = struct.unpack_from(">H", content, position + 2)
        marker = content[position + 1]
        segments.append((marker, content[position + 4 : position + 2 + length]))
        position += 2 + length
    scan = content[position:]
    choice = int(random.integers(4))
    if choice == 0:
        segments = _change_order(segments, random)
    elif choice == 1:
        # The coded pixels: a byte of 255 and what follows it are markers.
        end = 14 + int(random.integers(max(len(scan) - 14, 1)))
        scan = scan[:end] + bytes((0xFF, int(random.integers(0xC0, 0x100)))) + scan[end:]
    else:
        frames = [place for place, part in enumerate(segments) if 0xC0 <= part[0] <= 0xCF]
        place = int(random.choice(frames)) if choice == 2 else int(random.integers(len(segments)))
        segments[place] = (segments[place][0], _change_bytes(segments[place][1], random)[:65533])
    return (
        b"\xff\xd8"
        + b"".join(
            bytes((0xFF, marker)) + struct.pack(">H", len(part) + 2) + part
            for marker, part in segments
        )
        + scan
    )


def _change_gif(content: bytes, random: np.random.Generator) -> bytes:
    """Change the screen, a frame or an extension, or their order."""
    flags = content[10]
    start = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
    screen, parts, position = bytearray(content[:start]), [], start
    while position < len(content) and content[position] in b"\x21\x2c":
        begin = position
        position += 2
        if content[begin] == 0x2C:
            local = content[begin + 9]
            position = begin + 11 + (3 * 2 ** ((local & 7) + 1) if local & 0x80 else 0)
        while content[position]:
            position += 1 + content[position]
        position += 1
        parts.append(content[begin:position])
    choice = int(random.integers(4))
    if choice == 0:
        struct.pack_into("<H", screen, 6 + 2 * int(random.integers(2)), _choose(NUMBERS, random))
    elif choice == 1:
        parts = _change_order(parts, random)
    else:
        place = int(random.integers(len(parts)))
        part = bytearray(parts[place])
        if part[0] == 0x2C and choice == 2:
            # Its position, size and flags.
            field = 1 + 2 * int(random.integers(5))
            struct.pack_into("<H", part, field, _choose(NUMBERS, random))
        else:
            part[int(random.integers(1, len(part)))] = int(random.integers(256))
        parts[place] = bytes(part)
    return bytes(screen) + b"".join(parts) + b";"


def _change_tiff(content: bytes, random: np.random.Generator) -> bytes:
    """Change the type, the count or the value of a tag, or the tag."""
    order = "<" if content[:2] == b"II" else ">"
    (directory,) = struct.unpack_from(f"{order}I", content, 4)
    (num_tags,) = struct.unpack_from(f"{order}H", content, directory)
    changed = bytearray(content)
    entry = directory + 2 + 12 * int(random.integers(max(num_tags, 1)))
    choice = int(random.integers(5))
    if choice == 0:
        struct.pack_into(f"{order}H", changed, entry + 2, int(random.integers(14)))
    elif choice == 1:
        struct.pack_into(f"{order}I", changed, entry + 4, _choose(LARGE_NUMBERS, random))
    elif choice == 2:
        # The offset of the next directory, perhaps of itself.
        after = directory + 2 + 12 * num_tags
        struct.pack_into(f"{order}I", changed, after, _choose((0, 8, directory, 2**32 - 1), random))
    elif choice == 3:
        struct.pack_into(f"{order}H", changed, entry, int(random.integers(254, 340)))
    else:
        struct.pack_into(f"{order}I", changed, entry + 8, _choose(LARGE_NUMBERS, random))
    return bytes(changed)


def _change_bmp(content: bytes, random: np.random.Generator) -> bytes:
    """Change a field of the header."""
    changed = bytearray(content)
    fields = (
        *((10, "<I"), (14, "<I"), (18, "<i"), (22, "<i"), (26, "<H")),
        *((28, "<H"), (30, "<I"), (34, "<I"), (46, "<I"), (50, "<I")),
    )
    offset, code = fields[int(random.integers(len(fields)))]
    values = (0, 1, 2, 3, 4, 8, 16, 24, 32, 40, 64) if int(random.integers(2)) else LARGE_NUMBERS
    value = _choose(values, random)
    if code == "<i":
        # A negative height flips the image.
        value = value % 2**31 * int(random.choice((-1, 1)))
    struct.pack_into(code, changed, offset, value % 2**16 if code == "<H" else value)
    return bytes(changed)


_CHANGES: dict[bytes, Callable[[bytes, np.random.Generator], bytes]] = {
    b"\x89PNG": _change_png,
    b"RIFF": _change_webp,
    b"\xff\xd8": _change_jpeg,
    b"GIF8": _change_gif,
    b"II*\x00": _change_tiff,
    b"MM\x00*": _change_tiff,
    b"BM": _change_bmp,
}
