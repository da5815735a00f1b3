"""The supported image formats, limits, and the status of unreadable files."""

FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jfif"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "WebP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
}
"""The supported formats and the suffixes of their files."""

IMAGE_SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
PAGE_SUFFIXES = (*IMAGE_SUFFIXES, ".pdf")
"""The suffixes of files of pages."""

MULTI_PAGE_SUFFIXES = (*FORMATS["TIFF"], ".pdf")
"""The suffixes of files that may have several pages."""

FORMAT_NAMES = ", ".join(list(FORMATS)[:-1]) + " or " + list(FORMATS)[-1]

STATUS_UNREADABLE = "unreadable image: damaged or cut short"
STATUS_UNSUPPORTED = f"unreadable image: not a {FORMAT_NAMES} file"
STATUS_NOT_IN_GRAPH = "unreadable image: not of a kind that a SavedModel decodes by itself"

MAX_PIXELS = 2**25
"""Files that declare more are not decoded: a few kilobytes can claim gigabytes of memory."""

MAX_BLOCKS = 100_000
"""Largest number of blocks of a file; ten times what any camera writes."""

MANY_PIXELS = 2**18
"""Least number of pixels that remain of a reduced image, see `reduction`."""

SHORT_SIDE, LONG_SIDE = 64, 4096
"""Least lengths, in pixels, of which a reduced image keeps one, see `reduction`."""

MAX_REDUCTION = 8
"""Largest reduction of JPEG decoders."""

LIGHT_LUMA = 160
"""Mean luma, of 255, from which on a transparent image gets a black background, not a white one."""

_SIGNATURES = {
    "PNG": (b"\x89PNG",),
    "JPEG": (b"\xff\xd8\xff",),
    "BMP": (b"BM",),
    "GIF": (b"GIF8",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}

PDF_START_BYTES = 1024
"""Bytes of a file among which a PDF has its mark."""


def file_format(content: bytes) -> str | None:
    """Return the format of a file by its first bytes, one of `FORMATS`; None if unknown.

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


def is_pdf(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is a PDF, which is read as pages."""
    return b"%PDF-" in start[:PDF_START_BYTES]


def reduction(width: int, height: int) -> int:
    """Return the factor by which each side of a large image is reduced in decoding.

    The network input has a few dozen rows, so that megapixels would only cost time and memory.

    Args:
        width: In pixels.
        height: In pixels.

    Returns:
        1, 2, 4 or 8: the largest that leaves `MANY_PIXELS`, and `SHORT_SIDE` or `LONG_SIDE`.

    Example:
        >>> reduction(1000, 200), reduction(4000, 3000)
        (1, 4)
    """
    factor = 1
    short, long = min(width, height), max(width, height)
    while (
        factor < MAX_REDUCTION
        and short * long >= MANY_PIXELS * (2 * factor) ** 2
        and (short >= SHORT_SIDE * 2 * factor or long >= LONG_SIDE * 2 * factor)
    ):
        factor *= 2
    return factor
