"""The one decoder of image files: every engine, training and the commands see these pixels.

What TensorFlow decodes by itself in a graph (`images.graph_decode`) are the same pixels of fewer
formats. Files that it would decode otherwise are decoded here.
"""

import io
import struct
import warnings
import zlib
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, features

from attention_ocr.images.fast_decode import decode_fast, is_decoded_fast
from attention_ocr.images.formats import (
    LIGHT_LUMA,
    MAX_PIXELS,
    STATUS_UNREADABLE,
    STATUS_UNSUPPORTED,
    file_format,
    reduction,
)
from attention_ocr.images.headers import ImageHeader, read_header
from attention_ocr.images.orientation import (
    ORIENTATION_TAG,
    SWAPPING,
    apply_orientation,
    orientation_of,
    valid_orientation,
)

_OPTIONAL = {"WebP": "webp", "AVIF": "avif"}
"""Formats that a Pillow may have been built without, as it calls them."""

_PHOTOMETRIC_TAG, _BITS_TAG = 262, 258
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
    """An image, and its size before it was reduced.

    Attributes:
        pixels: uint8 [h, w, 3].
        height: Of the whole image.
        width: Of the whole image.
    """

    pixels: np.ndarray
    height: int
    width: int


def decode(encoded: bytes) -> np.ndarray:
    """Decode an image file as a viewer shows it, in colour.

    - It is rotated as its EXIF orientation says.
    - Transparent pixels show a backdrop, white or black, that contrasts with the others; see
      `over_contrast`.
    - Of an animation, or of several pages, the first is taken.
    - CMYK, palettes and all depths become RGB of 8 bits; of 16 bits the upper 8 are taken.
    - An image of megapixels is reduced, see `images.formats.reduction`.

    Args:
        encoded: The bytes of a file of one of `images.formats.FORMATS`.

    Returns:
        uint8 [h, w, 3].

    Raises:
        UnreadableImageError: If the file is of another format or kind, or is damaged or cut short.
    """
    return decode_with_size(encoded).pixels


def decode_with_size(encoded: bytes, header: ImageHeader | None = None) -> DecodedImage:
    """Decode an image file, and return the size of the whole image beside; see `decode`.

    Args:
        encoded: The bytes of the file.
        header: Of the file, if it has been read already.

    Raises:
        UnreadableImageError: If the file is of another format or kind, or is damaged or cut short.
    """
    if header is None:
        try:
            header = read_header(encoded)
        except ValueError as error:
            raise UnreadableImageError(str(error)) from error
    if header is not None and is_decoded_fast(header):
        pixels = decode_fast(encoded, header)
        if pixels is not None:
            return _upright(pixels, header.orientation, header.height, header.width)
    return _decode_by_pillow(encoded, header)


def decode_array(encoded: bytes) -> np.ndarray | None:
    """Return what `decode` does; None for a file that cannot be decoded."""
    try:
        return decode(encoded)
    except UnreadableImageError:
        return None


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Return the pixels that `decode` returns of a lossless file of an image.

    Args:
        image: uint8 [h, w], [h, w, 1], [h, w, 3] (RGB) or [h, w, 4] (RGBA), with pixels.

    Returns:
        uint8 [h', w', 3], reduced if the image is large; the image itself where it can be.
    """
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    factor = reduction(image.shape[1], image.shape[0])
    image = np.ascontiguousarray(image)
    if factor > 1 or image.shape[2:] == (4,):
        return _to_colour(Image.fromarray(image), factor)
    return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)


def encode_array(pixels: np.ndarray) -> bytes:
    """Encode uint8 [h, w, 3] (RGB) as a PNG file that is decoded quickly, and is large."""
    colours = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".png", colours, (cv2.IMWRITE_PNG_COMPRESSION, 1))
    return encoded.tobytes()


def over_contrast(image: np.ndarray) -> np.ndarray:
    """Lay an image with transparency over white, or over black where it is light itself.

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


def _upright(pixels: np.ndarray, orientation: int, height: int, width: int) -> DecodedImage:
    if orientation in SWAPPING:
        height, width = width, height
    return DecodedImage(apply_orientation(pixels, orientation), height, width)


def _decode_by_pillow(encoded: bytes, header: ImageHeader | None) -> DecodedImage:
    """Decode by Pillow, see `decode_with_size`."""
    kind = file_format(encoded)
    if kind is None:
        raise UnreadableImageError(STATUS_UNSUPPORTED if encoded else STATUS_UNREADABLE)
    if kind in _OPTIONAL and not features.check(_OPTIONAL[kind]):
        raise UnreadableImageError(f"unreadable image: {kind} takes a Pillow built with it")
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
                return _load(image, header)
    except UnreadableImageError:
        raise
    except _PILLOW_ERRORS as error:
        raise UnreadableImageError(STATUS_UNREADABLE) from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(f"image of {width}x{height} pixels, the limit is {MAX_PIXELS}")


def _load(image: Image.Image, header: ImageHeader | None) -> DecodedImage:
    width, height = image.size
    factor = reduction(width, height)
    if factor > 1 and image.format in ("JPEG", "MPO"):
        image.draft(None, (width // factor, height // factor))
        factor = 1
    # The chunk of a PNG may stand behind the pixels.
    image.load()
    if image.format == "TIFF":
        # Some releases of Pillow have rotated the image by now, and taken the tag away.
        orientation = valid_orientation(image.getexif().get(ORIENTATION_TAG))
        width, height = image.size
    else:
        orientation = orientation_of(image.info.get("exif"))
    pixels = _to_colour(_plain_mode(image, header), factor)
    return _upright(pixels, orientation, height, width)


def _plain_mode(image: Image.Image, header: ImageHeader | None) -> Image.Image:
    """Return an image of one of the modes `L`, `RGB` and `RGBA`."""
    transparent = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        return _from_16_bits(image, transparent if isinstance(transparent, int) else None)
    if image.mode in ("I", "F"):
        raise UnreadableImageError(f"{STATUS_UNSUPPORTED} of up to 16 bits a channel")
    if image.mode in ("1", "L") and isinstance(transparent, int):
        if image.format == "PNG" and header is not None:
            # Stored in the depth of the file, while the image has 8 bits.
            transparent *= 255 // (2 ** min(header.bit_depth, 8) - 1)
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
