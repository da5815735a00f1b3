"""Image files of all formats and oddities that readers meet, with the pixels they hold."""

import io
import struct

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 7, 11
NOISE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
TWO_COLOURS = np.full((HEIGHT, WIDTH, 3), (200, 30, 60), np.uint8)
TWO_COLOURS[:, 4:] = (20, 180, 90)
PALETTE = Image.fromarray(NOISE[..., :3]).quantize(200)
SMALL_PALETTE = Image.fromarray(TWO_COLOURS).quantize(2)
BILEVEL = NOISE[..., 0] > 127


def encode(image: Image.Image | np.ndarray, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    image.save(file, file_format, **options)
    return file.getvalue()


def colour(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def gray(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None].astype(np.uint8), 3, axis=-1)


def over_white(values: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255.0
    return np.round(values * share + 255.0 * (1.0 - share)).astype(np.uint8)


LOSSLESS = {
    "PNG": (encode(NOISE[..., :3], "PNG"), NOISE[..., :3]),
    "gray PNG": (encode(NOISE[..., 0], "PNG"), gray(NOISE[..., 0])),
    "bilevel PNG": (encode(BILEVEL, "PNG"), gray(BILEVEL * 255)),
    "gray and alpha PNG": (
        encode(Image.fromarray(NOISE[..., :2], "LA"), "PNG"),
        over_white(gray(NOISE[..., 0]), NOISE[..., 1]),
    ),
    "alpha PNG": (encode(NOISE, "PNG"), over_white(NOISE[..., :3], NOISE[..., 3])),
    "16-bit PNG": (encode(NOISE[..., 0].astype(np.uint16) * 257, "PNG"), gray(NOISE[..., 0])),
    "palette PNG": (encode(PALETTE, "PNG"), colour(PALETTE)),
    "palette PNG of one bit": (encode(SMALL_PALETTE, "PNG"), TWO_COLOURS),
    "palette PNG with transparency": (
        encode(SMALL_PALETTE, "PNG", transparency=0),
        np.where(np.asarray(SMALL_PALETTE)[..., None] == 0, 255, TWO_COLOURS).astype(np.uint8),
    ),
    "BMP": (encode(NOISE[..., :3], "BMP"), NOISE[..., :3]),
    "gray BMP": (encode(NOISE[..., 0], "BMP"), gray(NOISE[..., 0])),
    "palette BMP": (encode(PALETTE, "BMP"), colour(PALETTE)),
    "alpha BMP": (encode(NOISE, "BMP"), NOISE[..., :3]),
    "GIF": (encode(SMALL_PALETTE, "GIF"), TWO_COLOURS),
    "animated GIF": (
        encode(
            Image.fromarray(TWO_COLOURS),
            "GIF",
            save_all=True,
            append_images=[Image.fromarray(TWO_COLOURS[:, ::-1])],
        ),
        TWO_COLOURS,
    ),
    "animated PNG": (
        encode(
            Image.fromarray(TWO_COLOURS),
            "PNG",
            save_all=True,
            append_images=[Image.fromarray(TWO_COLOURS[:, ::-1])],
        ),
        TWO_COLOURS,
    ),
    "one pixel": (encode(np.full((1, 1, 3), 99, np.uint8), "PNG"), np.full((1, 1, 3), 99)),
}


def broken_files() -> dict[str, bytes]:
    files = {"empty": b"", "no image": b"hello", "signature alone": b"\x89PNG", "BM": b"BM"}
    for file_format in ("PNG", "JPEG", "BMP", "GIF"):
        whole = encode(Image.fromarray(TWO_COLOURS).resize((40, 24)), file_format)
        for share in (0.2, 0.5, 0.9):
            files[f"{share:.0%} of a {file_format}"] = whole[: int(share * len(whole))]
    return files


BROKEN = broken_files()


ORIENTATIONS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""By EXIF orientation, how a camera that was held so stores a drawing."""

ORIENTED_FORMATS = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "TIFF": {},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
}


def oriented(image: Image.Image, file_format: str, orientation: int) -> bytes:
    """Return a file that every viewer shows as `drawing`."""
    method = ORIENTATIONS[orientation]
    stored = image if method is None else image.transpose(method)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = ORIENTED_FORMATS[file_format]
    return encode(stored, file_format, exif=exif, **options)


def bmp(image: Image.Image, bits: int, compression: int, body: bytes, extra: bytes = b"") -> bytes:
    """Return a BMP file; `extra` are masks or a palette behind a header of 40 bytes."""
    header_bytes = 40 if len(extra) < 64 or bits <= 8 else 108
    start = 14 + 40 + len(extra)
    colours = len(extra) // 4 if bits <= 8 else 0
    return (
        b"BM"
        + struct.pack("<IHHI", start + len(body), 0, 0, start)
        + struct.pack("<IiiHHI", header_bytes, *image.size, 1, bits, compression)
        + struct.pack("<IiiII", len(body), 0, 0, colours, colours)
        + extra
        + body
    )


def bmp_of_16_bits(image: Image.Image, green_bits: int) -> bytes:
    rgb = np.asarray(image.convert("RGB")).astype(np.uint16)
    red, green, blue = rgb[..., 0] >> 3, rgb[..., 1] >> (8 - green_bits), rgb[..., 2] >> 3
    values = (red << (5 + green_bits)) | (green << 5) | blue
    rows = [row.astype("<u2").tobytes() for row in values[::-1]]
    body = b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
    if green_bits == 5:
        return bmp(image, 16, 0, body)
    return bmp(image, 16, 3, body, struct.pack("<III", 0xF800, 0x07E0, 0x001F))


def bmp_of_runs(image: Image.Image, bits: int) -> bytes:
    """Return a run-length encoded BMP of 8 or 4 bits."""
    indices = np.asarray(image.convert("L")) >> (8 - bits)
    body = bytearray()
    for row in indices[::-1]:
        place = 0
        while place < len(row):
            length = 1
            while place + length < len(row) and length < 255 and row[place + length] == row[place]:
                length += 1
            value = int(row[place])
            body += bytes((length, value if bits == 8 else value * 17))
            place += length
        body += b"\0\0"
    step = 255 // (2**bits - 1)
    palette = b"".join(bytes((i * step, i * step, i * step, 0)) for i in range(2**bits))
    return bmp(image, bits, 1 if bits == 8 else 2, bytes(body + b"\0\1"), palette)


def bmp_with_alpha(rgba: Image.Image) -> bytes:
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    body = np.asarray(rgba)[::-1, :, [2, 1, 0, 3]].tobytes()
    return bmp(rgba, 32, 3, body, masks + b"BGRs" + bytes(48))


def on_nothing(image: Image.Image, ink: int) -> Image.Image:
    """Return the ink of a black and white drawing on a transparent ground, RGBA."""
    is_ink = np.asarray(image.convert("L")) < 128
    pixels = np.zeros((*is_ink.shape, 4), np.uint8)
    pixels[is_ink] = (ink, ink, ink, 255)
    return Image.fromarray(pixels)


def indexed_on_nothing(drawing: Image.Image, ink: int) -> Image.Image:
    """Return the same of mode P: 0 is transparent, 1 the ink."""
    is_ink = np.asarray(drawing.convert("L")) < 128
    image = Image.fromarray(is_ink.astype(np.uint8), "P")
    image.putpalette([0, 0, 0, ink, ink, ink] + [0] * 762)
    return image


def files_of(drawing: Image.Image) -> dict[str, bytes]:
    """Return files of all formats, depths and colour types that are shown as `drawing`.

    Args:
        drawing: RGB, black on white.
    """
    gray = drawing.convert("L")
    other = Image.new("RGB", drawing.size, (90, 10, 200))
    frames = {"save_all": True, "append_images": [other]}
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    on_white = on_nothing(drawing, 0)
    files = {
        f"{name}, orientation {orientation}": oriented(drawing, name, orientation)
        for name in ORIENTED_FORMATS
        for orientation in ORIENTATIONS
    }
    for mode in ("1", "L", "P", "RGB"):
        image = drawing.quantize(4) if mode == "P" else drawing.convert(mode)
        files |= {f"{name} of mode {mode}": encode(image, name) for name in ("PNG", "BMP", "TIFF")}
    return files | {
        "PNG of 16 bits": encode(deep, "PNG"),
        "PNG with alpha": encode(on_white, "PNG"),
        "PNG with gray and alpha": encode(on_white.convert("LA"), "PNG"),
        "PNG with a transparent colour": encode(
            indexed_on_nothing(drawing, 0), "PNG", transparency=0
        ),
        "PNG with a transparent gray": encode(gray, "PNG", transparency=255),
        "PNG of 1 bit with a transparent gray": encode(gray.convert("1"), "PNG", transparency=1),
        "PNG of 16 bits with a transparent gray": encode(deep, "PNG", transparency=65535),
        "PNG animated": encode(drawing, "PNG", **frames),
        "BMP of 16 bits, 5-5-5": bmp_of_16_bits(drawing, 5),
        "BMP of 16 bits, 5-6-5": bmp_of_16_bits(drawing, 6),
        "BMP in runs of 8 bits": bmp_of_runs(drawing, 8),
        "BMP in runs of 4 bits": bmp_of_runs(drawing, 4),
        "BMP with alpha": bmp_with_alpha(on_white),
        "BMP with 8 unused bits": encode(drawing.convert("RGBA"), "BMP"),
        "GIF": encode(drawing, "GIF"),
        "GIF transparent": encode(indexed_on_nothing(drawing, 0), "GIF", transparency=0),
        "GIF animated": encode(drawing, "GIF", **frames),
        "WebP with loss": encode(drawing, "WEBP", quality=95),
        "WebP with alpha": encode(on_white, "WEBP", lossless=True),
        "WebP animated": encode(drawing, "WEBP", lossless=True, **frames),
        "TIFF with alpha": encode(on_white, "TIFF"),
        "TIFF of CMYK": encode(drawing.convert("CMYK"), "TIFF"),
        "TIFF of 16 bits": encode(deep, "TIFF"),
        "TIFF with LZW": encode(drawing, "TIFF", compression="tiff_lzw"),
        "TIFF with JPEG": encode(drawing, "TIFF", compression="jpeg", quality=95),
        "TIFF with fax runs": encode(drawing.convert("1"), "TIFF", compression="group4"),
        "TIFF of two pages": encode(drawing, "TIFF", **frames),
        "AVIF with alpha": encode(on_white, "AVIF", quality=95, subsampling="4:4:4"),
        "AVIF animated": encode(drawing, "AVIF", quality=95, subsampling="4:4:4", **frames),
        "JPEG of gray": encode(gray, "JPEG", quality=95),
        "JPEG of CMYK": encode(drawing.convert("CMYK"), "JPEG", quality=95),
        "JPEG progressive": encode(drawing, "JPEG", quality=95, progressive=True),
        "JPEG with a trailer": encode(drawing, "JPEG", quality=95) + b"trailer",
    }


def light_files_of(image: Image.Image) -> dict[str, bytes]:
    """Return files of white ink on a transparent ground, where `drawing` is black on white."""
    white = on_nothing(image, 255)
    indexed = indexed_on_nothing(image, 255)
    return {
        "PNG": encode(white, "PNG"),
        "PNG with a transparent colour": encode(indexed, "PNG", transparency=0),
        "GIF": encode(indexed, "GIF", transparency=0),
        "WebP": encode(white, "WEBP", lossless=True, exact=True),
        "TIFF": encode(white, "TIFF"),
        "BMP": bmp_with_alpha(white),
        "AVIF": encode(white, "AVIF", quality=95, subsampling="4:4:4"),
    }
