"""The one decoder of image files: every engine, training and the commands see these pixels.

What TensorFlow decodes by itself in a graph (`images.graph_fitting`) are the same pixels of fewer
formats. Files that it would decode otherwise are decoded here, or rewritten here as a PNG of their
pixels.
"""

import io
import struct
import warnings
import zlib
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, features

from attention_ocr.images.fast_decode import find_plain
from attention_ocr.images.formats import (
    LIGHT_LUMA,
    MAX_PIXELS,
    STATUS_UNREADABLE,
    STATUS_UNSUPPORTED,
    file_format,
    reduction,
)
from attention_ocr.images.headers import read_header
from attention_ocr.images.orientation import (
    ORIENTATION_TAG,
    SWAPPING,
    UPRIGHT,
    orientation_of,
    turned,
    valid_orientation,
)

_ORDINARY = ("PNG", "JPEG")
_EXIF_NAMES = (b"Exif\0\0", b"eXIf")
_OPTIONAL = {"WebP": "webp", "AVIF": "avif"}
"""Formats that a Pillow may have been built without, as it calls them."""

_PHOTOMETRIC_TAG, _BITS_TAG = 262, 258
_PNG_DEPTH_PLACE = 24
_LUMA = np.array([299, 587, 114], np.int32)
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    EOFError,
    MemoryError,
    OverflowError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow's decoders raise for damaged files of some format."""


class UnreadableImageError(ValueError):
    """An image file that cannot be decoded; the message is the status of the image."""


class DecodedImage(NamedTuple):
    """A picture, and its size before it was reduced.

    Attributes:
        pixels: uint8 [h, w, 3].
        height: of the whole picture.
        width: of the whole picture.
    """

    pixels: np.ndarray
    height: int
    width: int


def decode(encoded: bytes) -> np.ndarray:
    """Decode an image file as a viewer shows it, in colour.

    - It is turned as its EXIF orientation says.
    - Transparent pixels show a backdrop, white or black, that contrasts with the others; see
      `over_contrast`.
    - Of an animation, or of several pages, the first is taken.
    - CMYK, palettes and all depths become RGB of 8 bits; of 16 bits the upper 8 are taken.
    - A picture of megapixels is reduced, see `image_formats.reduction`.

    Args:
        encoded: the bytes of a file of one of `image_formats.FORMATS`.

    Returns:
        uint8 [h, w, 3].

    Raises:
        UnreadableImageError: If the file is of another format or kind, or is damaged or cut short.
    """
    return decode_with_size(encoded).pixels


def decode_with_size(encoded: bytes) -> DecodedImage:
    """Return what `decode` does, and the size of the whole picture; raises the same."""
    plain = find_plain(encoded)
    if plain is not None and not plain.is_jpeg and reduction(plain.width, plain.height) > 1:
        # Pillow is the faster of the two.
        plain = None
    image = None if plain is None else plain.decode(encoded)
    if plain is None or image is None:
        return _decode_by_pillow(encoded)
    return _turned(image, plain.orientation, plain.height, plain.width)


def decode_array(encoded: bytes) -> np.ndarray | None:
    """Return what `decode` does; none for a file that cannot be decoded."""
    try:
        return decode(encoded)
    except UnreadableImageError:
        return None


def encode_array(picture: np.ndarray) -> bytes:
    """Encode uint8 [h, w, 3] (RGB) as a PNG file that is read at once: quickly, and large."""
    colours = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".png", colours, (cv2.IMWRITE_PNG_COMPRESSION, 1))
    return encoded.tobytes()


def normalize_file(encoded: bytes) -> bytes:
    """Return a file that holds the same pixels for every decoder.

    Args:
        encoded: the bytes of a file.

    Returns:
        The same bytes for a JPEG or PNG without EXIF data, which every decoder of this toolkit
        reads alike; else a PNG of the pixels that `decode` returns.

    Raises:
        UnreadableImageError: If the file is of another format or kind, or is damaged or cut short.
    """
    plain = find_plain(encoded)
    if plain is not None and plain.orientation == UPRIGHT:
        return encoded
    pixels = decode(encoded)
    is_ordinary = file_format(encoded) in _ORDINARY and not any(
        name in encoded for name in _EXIF_NAMES
    )
    return encoded if is_ordinary else encode_array(pixels)


def reduce_file(encoded: bytes) -> bytes:
    """Return a PNG of the pixels of a large picture, which are few, and any other file as it is.

    What decodes a picture several times does so in less time.

    Args:
        encoded: the bytes of a file.
    """
    try:
        header = read_header(encoded)
        if header is not None and reduction(header.width, header.height) > 1:
            return encode_array(decode(encoded))
    except ValueError:
        # The decoder says what is wrong with it.
        pass
    return encoded


def over_contrast(image: np.ndarray) -> np.ndarray:
    """Lay a picture with transparency over white, or over black where it is light itself.

    The mean luma of its pixels, each weighted by how opaque it is, decides, see `LIGHT_LUMA`: white
    letters on nothing show on black, and all but light ones on white.

    Args:
        image: uint8 [h, w, 4], RGBA.

    Returns:
        uint8 [h, w, 3].
    """
    alpha = image[..., 3].astype(np.int32)
    brightness = int(np.sum((image[..., :3] @ _LUMA) * alpha, dtype=np.int64))
    is_light = brightness >= LIGHT_LUMA * 1000 * int(np.sum(alpha, dtype=np.int64)) and bool(
        alpha.any()
    )
    backdrop = np.float32(0 if is_light else 255)
    share = (image[..., 3:] / np.float32(255)).astype(np.float32)
    shown = image[..., :3].astype(np.float32) * share + backdrop * (np.float32(1) - share)
    return np.round(shown).astype(np.uint8)


def _turned(image: np.ndarray, orientation: int, height: int, width: int) -> DecodedImage:
    if orientation in SWAPPING:
        height, width = width, height
    return DecodedImage(turned(image, orientation), height, width)


def _decode_by_pillow(encoded: bytes) -> DecodedImage:
    """Decode by Pillow, see `decode`."""
    kind = file_format(encoded)
    if kind is None:
        raise UnreadableImageError(STATUS_UNSUPPORTED if encoded else STATUS_UNREADABLE)
    if kind in _OPTIONAL and not features.check(_OPTIONAL[kind]):
        raise UnreadableImageError(f"unreadable image: {kind} takes a Pillow built with it")
    try:
        header = read_header(encoded)
    except ValueError as error:
        raise UnreadableImageError(str(error)) from error
    if header is not None:
        _check_size(header.width, header.height)
    try:
        with warnings.catch_warnings():
            # Of sizes, which are looked at here, and of damaged metadata.
            warnings.simplefilter("ignore")
            if kind == "PNG":
                # Pillow takes all pixels for a whole file; the graph wants its end too.
                Image.open(io.BytesIO(encoded), formats=("PNG",)).verify()
            with Image.open(io.BytesIO(encoded), formats=(kind.upper(),)) as image:
                _check_size(*image.size)
                return _load(image, encoded)
    except UnreadableImageError:
        raise
    except _PILLOW_ERRORS as error:
        raise UnreadableImageError(STATUS_UNREADABLE) from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(f"image of {width}x{height} pixels, the limit is {MAX_PIXELS}")


def _load(image: Image.Image, encoded: bytes) -> DecodedImage:
    width, height = image.size
    factor = reduction(width, height)
    if factor > 1 and image.format in ("JPEG", "MPO"):
        image.draft(None, (width // factor, height // factor))
        factor = 1
    # The chunk of a PNG may stand behind the pixels.
    image.load()
    if image.format == "TIFF":
        # Some releases of Pillow have turned the picture by now, and taken the tag away.
        orientation = valid_orientation(image.getexif().get(ORIENTATION_TAG))
        width, height = image.size
    else:
        orientation = orientation_of(image.info.get("exif"))
    pixels = _to_colour(_plain_mode(image, encoded), factor)
    return _turned(pixels, orientation, height, width)


def _plain_mode(image: Image.Image, encoded: bytes) -> Image.Image:
    """Return a picture of one of the modes `L`, `RGB` and `RGBA`."""
    transparent = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        return _from_16_bits(image, transparent if isinstance(transparent, int) else None)
    if image.mode in ("I", "F"):
        raise UnreadableImageError(f"{STATUS_UNSUPPORTED} of up to 16 bits a channel")
    if image.mode in ("1", "L") and isinstance(transparent, int):
        if image.format == "PNG":
            # Stored in the depth of the file, while the picture has 8 bits.
            transparent *= 255 // (2 ** min(encoded[_PNG_DEPTH_PLACE], 8) - 1)
        gray = np.asarray(image.convert("L"))
        return _with_alpha(gray, gray == transparent)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or transparent is not None:
        if image.mode in ("La", "RGBa"):
            return image.convert("LA" if image.mode == "La" else "RGBA").convert("RGBA")
        return image.convert("RGBA")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _from_16_bits(image: Image.Image, transparent: int | None) -> Image.Image:
    values = np.asarray(image).astype(np.uint16)
    bits, is_inverted = 16, False
    if image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        bits = tags.get(_BITS_TAG, (16,))[0]
        is_inverted = tags.get(_PHOTOMETRIC_TAG) == 0
    gray = (values >> (bits - 8)).astype(np.uint8)
    if is_inverted:
        gray = 255 - gray
    return (
        Image.fromarray(gray) if transparent is None else _with_alpha(gray, values == transparent)
    )


def _with_alpha(gray: np.ndarray, is_transparent: np.ndarray) -> Image.Image:
    alpha = np.where(is_transparent, 0, 255).astype(np.uint8)
    return Image.fromarray(np.dstack([gray, gray, gray, alpha]))


def _to_colour(image: Image.Image, factor: int) -> np.ndarray:
    if factor > 1:
        width, height = image.width // factor, image.height // factor
        image = image.reduce(factor, (0, 0, width * factor, height * factor))
    if image.mode == "RGBA":
        pixels = np.asarray(image)
        if pixels[..., 3].min() < 255:
            return over_contrast(pixels)
        return np.ascontiguousarray(pixels[..., :3])
    return np.asarray(image.convert("RGB"))
