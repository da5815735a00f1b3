"""Which image files are read, everywhere the same ones, and what is said of all others."""

FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jfif"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "WebP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
}
"""The formats that are read, everywhere, and how their files are named."""

IMAGE_SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
FORMAT_NAMES = ", ".join(list(FORMATS)[:-1]) + " or " + list(FORMATS)[-1]

STATUS_UNREADABLE = "unreadable image: damaged or cut short"
STATUS_UNSUPPORTED = f"unreadable image: not a {FORMAT_NAMES} file"
STATUS_NOT_IN_GRAPH = "unreadable image: not of a kind that a SavedModel decodes by itself"

MAX_PIXELS = 2**25
"""A file that announces more is not decoded: some kilobytes can ask for gigabytes of memory."""

MAX_BLOCKS = 100_000
"""Parts of a file that its header is sought in; ten times what any camera writes."""

MANY_PIXELS = 2**18
"""An image is reduced as long as so many pixels remain, see `reduction`."""

SHORT_SIDE, LONG_SIDE = 64, 4096
"""An image is reduced as long as one of its sides keeps so many pixels, see `reduction`."""

MAX_REDUCTION = 8
"""The most that JPEG decoders reduce by."""

LIGHT_LUMA = 160
"""Mean luma, of 255, from which on what is not transparent lies on black instead of white."""

_SIGNATURES = {
    "PNG": (b"\x89PNG",),
    "JPEG": (b"\xff\xd8\xff",),
    "BMP": (b"BM",),
    "GIF": (b"GIF8",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}


def file_format(content: bytes) -> str | None:
    """Return the format of a file by its first bytes, one of `FORMATS`; None for any other.

    Example:
        >>> file_format(b"GIF89a")
        'GIF'
    """
    for name, signatures in _SIGNATURES.items():
        if content.startswith(signatures):
            return name
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WebP"
    if content[4:8] == b"ftyp":
        end = min(int.from_bytes(content[:4], "big"), len(content), 256)
        brands = {content[start : start + 4] for start in (8, *range(16, end, 4))}
        return "AVIF" if brands & {b"avif", b"avis"} else None
    return None


def reduction(width: int, height: int) -> int:
    """Return by how much each side of a large image is divided when it is decoded.

    The network has some dozens of rows: an image of megapixels costs time and memory for nothing.

    Args:
        width: In pixels.
        height: In pixels.

    Returns:
        1, 2, 4 or 8: the most that leaves `MANY_PIXELS`, and `SHORT_SIDE` or `LONG_SIDE`.

    Example:
        >>> reduction(1000, 200), reduction(4000, 3000)
        (1, 4)
    """
    factor = MAX_REDUCTION
    short, long = min(width, height), max(width, height)
    while factor > 1 and (
        short * long < MANY_PIXELS * factor**2
        or (short < SHORT_SIDE * factor and long < LONG_SIDE * factor)
    ):
        factor //= 2
    return factor
