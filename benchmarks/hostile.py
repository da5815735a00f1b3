"""Images as an attacker or an accident would send them, each made by code."""

import io
import struct
import zlib
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

READ = "ok"
UNREADABLE = "unreadable image"
REFUSED = "the limit is"
ANY = ""


class Hostile(NamedTuple):
    """A file, and what must become of it.

    Attributes:
        content: of the file.
        status: a part of what its status says behind the limits: `READ`, `UNREADABLE`, `REFUSED`,
            or `ANY`.
    """

    content: bytes
    status: str


def hostile_images() -> dict[str, Hostile]:
    """Return the corpus, by name."""
    return {**_cut_short(), **_too_large(), **_no_images(), **_odd_but_whole(), **_malformed()}


def _picture(width: int = 90, height: int = 32, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    """Return the file of an image."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def png(
    width: int,
    height: int,
    data: bytes,
    depth: int = 8,
    *chunks: tuple[bytes, bytes],
    colour_type: int = 0,
) -> bytes:
    """Return a PNG of compressed data, gray without another type, with chunks before it."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def zeros(num_bytes: int) -> bytes:
    """Return that many zeros compressed, a thousandth of their size."""
    compressor = zlib.compressobj(9)
    megabyte = bytes(2**20)
    parts = [compressor.compress(megabyte) for _ in range(num_bytes >> 20)]
    return b"".join(
        [*parts, compressor.compress(bytes(num_bytes & (2**20 - 1))), compressor.flush()]
    )


def _cut_short() -> dict[str, Hostile]:
    files = {name: saved(_picture(), name) for name in ("PNG", "JPEG", "BMP", "GIF")}
    halves = {f"half a {name}": file[: len(file) // 2] for name, file in files.items()}
    heads = {f"the head of a {name}": file[:12] for name, file in files.items()}
    return {name: Hostile(file, UNREADABLE) for name, file in {**halves, **heads}.items()}


def _too_large() -> dict[str, Hostile]:
    side = 20_000
    bomb = png(side, side, zeros(side * (side // 8 + 1)), 1)
    comment = zeros(7 << 20)
    jpeg = bytearray(saved(_picture(), "JPEG"))
    struct.pack_into(">HH", jpeg, jpeg.index(b"\xff\xc0") + 5, 65_500, 65_500)
    gif = bytearray(saved(_picture(), "GIF"))
    struct.pack_into("<HH", gif, 6, 65_535, 65_535)
    bmp = bytearray(saved(_picture(), "BMP"))
    struct.pack_into("<ii", bmp, 18, 2**31 - 1, -(2**31))
    webp = b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff" * 6 + b"VP8 \x04\0\0\0abcd"
    frames = [Image.new("L", (1000, 1000), value) for value in range(0, 180, 10)]
    animation = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    return {
        "zip bomb": Hostile(bomb, REFUSED),
        "a PNG of much more data than pixels": Hostile(png(90, 32, zeros(130 << 20)), "to more"),
        "a PNG with many bombs in comments": Hostile(
            png(90, 32, zlib.compress(b""), 8, *[(b"zTXt", b"C\x00\x00" + comment)] * 100),
            "comments",
        ),
        "a PNG of 4 billion pixels": Hostile(png(65_535, 65_535, zlib.compress(b"")), REFUSED),
        "a JPEG of 4 billion pixels": Hostile(bytes(jpeg), REFUSED),
        "a GIF of 4 billion pixels": Hostile(bytes(gif), REFUSED),
        "a BMP of 2^62 pixels": Hostile(bytes(bmp), REFUSED),
        "a GIF of many frames": Hostile(animation, REFUSED),
        "a WebP of many frames": Hostile(
            saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]), REFUSED
        ),
        "a WebP of 2^48 pixels": Hostile(webp, REFUSED),
        "a JPEG of 5,000 scans": Hostile(_endless_scans(5000), "scans"),
        "a JPEG of endless segments": Hostile(
            b"\xff\xd8" + b"\xff\xfe\x00\x02" * 200_000, "segments"
        ),
        "a JPEG of endless fill bytes": Hostile(_endless_fill(2**20), UNREADABLE),
        "a GIF of endless blocks": Hostile(
            b"GIF89a\x01\x00\x01\x00\x00\x00\x00!\xfe" + b"\x01a" * 200_000, "blocks"
        ),
    }


def _endless_scans(num_scans: int) -> bytes:
    content = saved(_picture(), "JPEG", progressive=True)
    end = content.rindex(b"\xff\xd9")
    return content[:end] + content[content.rindex(b"\xff\xda") : end] * num_scans + content[end:]


def _endless_fill(num_bytes: int) -> bytes:
    content = saved(_picture(), "JPEG")
    return content[: content.index(b"\xff\xda") + 14] + b"\xff" * num_bytes + b"\x00"


def _no_images() -> dict[str, Hostile]:
    random = np.random.default_rng(1)
    files = {
        "nothing": b"",
        "a zero byte": b"\x00",
        "random bytes": random.bytes(5000),
        "a text": b"hello, world\n" * 50,
        "a path": b"/etc/passwd",
        "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><text>abc</text></svg>',
        "a PDF": b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n",
        "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94.",
        "random bytes behind a PNG's signature": b"\x89PNG\r\n\x1a\n" + random.bytes(500),
        "random bytes behind a JPEG's signature": b"\xff\xd8\xff\xe0" + random.bytes(500),
        "random bytes behind a BMP's signature": b"BM" + random.bytes(500),
        "random bytes behind a GIF's signature": b"GIF89a"
        + b"\x10\x00\x10\x00"
        + random.bytes(500),
    }
    # What stands behind these signatures is a size beyond all limits.
    refused = ("random bytes behind a PNG's signature", "random bytes behind a BMP's signature")
    return {
        name: Hostile(content, REFUSED if name in refused else UNREADABLE)
        for name, content in files.items()
    }


def _odd_but_whole() -> dict[str, Hostile]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    deep = Image.fromarray(np.linspace(0, 65_535, 32 * 90).reshape(32, 90).astype(np.uint16))
    frames = [_picture(), _picture().transpose(Image.Transpose.ROTATE_180)]
    gray = _picture(mode="L")
    bombed = [(b"zTXt", b"Comment\x00\x00" + zeros(9 << 20))]
    more = zlib.compress((b"\x00" + gray.tobytes()[:90]) * 40)
    files = {
        "16 bits": saved(deep, "PNG"),
        "1 bit": saved(_picture(mode="1"), "PNG"),
        "CMYK": saved(_picture(mode="CMYK"), "JPEG"),
        "a PNG with an ICC profile": saved(_picture(), "PNG", icc_profile=profile),
        "a JPEG with an ICC profile": saved(_picture(), "JPEG", icc_profile=profile),
        "transparent": saved(_picture(mode="RGBA"), "PNG"),
        "progressive": saved(_picture(), "JPEG", progressive=True),
        "a JPEG that says it is coded otherwise": saved(_picture(), "JPEG").replace(
            b"\xff\xc0", b"\xff\xc9", 1
        ),
        "an animated GIF": saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "1x10000": saved(_picture(1, 10_000), "PNG"),
        "10000x1": saved(_picture(10_000, 1), "PNG"),
        "1x1": saved(_picture(1, 1), "PNG"),
        "a JPEG with another file behind it": saved(_picture(), "JPEG") + b"PK\x03\x04" * 99,
        "a PNG with a bomb in a comment": png(
            90, 32, zlib.compress((b"\x00" + gray.tobytes()[:90]) * 32), 8, *bombed
        ),
        "a PNG with more data than pixels": png(90, 32, more),
    }
    files |= {
        "a TIFF": saved(_picture(), "TIFF"),
        "a WebP": saved(_picture(), "WEBP"),
        "an animated WebP": saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "an AVIF": saved(_picture(), "AVIF"),
        "a transparent GIF": saved(_picture(mode="P"), "GIF", transparency=3),
    }
    return {name: Hostile(content, READ) for name, content in files.items()}


def _malformed() -> dict[str, Hostile]:
    whole_png = saved(_picture(), "PNG")
    palette = bytearray(saved(_picture(mode="P"), "BMP"))
    struct.pack_into("<i", palette, 10, 2**31 - 1)
    compressed = bytearray(saved(_picture(), "BMP"))
    struct.pack_into("<i", compressed, 30, 1)
    files = {
        "a PNG without pixels": png(0, 0, zlib.compress(b"")),
        "a PNG of another depth": png(90, 32, zlib.compress(b"\x00" * 33), 3),
        "a PNG with a damaged header": whole_png[:23] + b"\xff" + whole_png[24:],
        "a BMP with a palette beyond its end": bytes(palette),
        "a WebP with a damaged picture": saved(_picture(), "WEBP")[:40] + bytes(2000),
    }
    return {name: Hostile(content, UNREADABLE) for name, content in files.items()}
