"""The decoder of image files, shared by all engines, training and the commands.

In a graph, TensorFlow decodes fewer formats to the same pixels (`images.graph_decode`). Files that
it would decode differently are decoded here.
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
"""Optional formats of Pillow, by its name of the feature."""

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
"""Exceptions of Pillow's decoders for damaged files."""


class UnreadableImageError(ValueError):
    """Raised for an image file that cannot be decoded; the message is the status of the image."""


class DecodedImage(NamedTuple):
    """An image and its size before reduction.

    Attributes:
        pixels: uint8 [h, w, 3].
        height: Of the whole image.
        width: Of the whole image.
    """

    pixels: np.ndarray
    height: int
    width: int


def decode(encoded: bytes) -> np.ndarray:
    """Decode an image file to RGB, as a viewer shows it.

    - The EXIF orientation is applied.
    - Transparent pixels show a contrasting white or black background, see `over_contrast`.
    - Of an animation, or of several pages, the first is taken.
    - CMYK, palettes and all depths become RGB of 8 bits; of 16 bits the upper 8 are taken.
    - Large images are reduced, see `images.formats.reduction`.

    Args:
        encoded: The bytes of a file of one of `images.formats.FORMATS`.

    Returns:
        uint8 [h, w, 3].

    Raises:
        UnreadableImageError: If the file is of another format or kind, or is damaged or cut short.
    """
    return decode_with_size(encoded).pixels


def decode_with_size(encoded: bytes, header: ImageHeader | None = None) -> DecodedImage:
    """Decode an image file, and return the size before reduction as well; see `decode`.

    Args:
        encoded: The bytes of the file.
        header: Parsed header of the file, if known.

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


def decode_frame(image: Image.Image) -> np.ndarray:
    """Return the current frame of an open file in full size, otherwise as `decode` does.

    Args:
        image: Opened by Pillow, at one of its frames. The caller has checked its size.

    Returns:
        uint8 [h, w, 3].

    Raises:
        UnreadableImageError: If the file is damaged, or of a kind that is not supported.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _load(image, None, factor=1).pixels
    except UnreadableImageError:
        raise
    except _PILLOW_ERRORS as error:
        raise UnreadableImageError(STATUS_UNREADABLE) from error


def decode_array(encoded: bytes) -> np.ndarray | None:
    """Decode like `decode`; None for a file that cannot be decoded."""
    try:
        return decode(encoded)
    except UnreadableImageError:
        return None


def to_rgb(image: np.ndarray, factor: int | None = None) -> np.ndarray:
    """Convert an array to the pixels that `decode` returns for its lossless file.

    Args:
        image: uint8 [h, w], [h, w, 1], [h, w, 3] (RGB) or [h, w, 4] (RGBA), not empty.
        factor: By which each side is reduced; None for that of `images.formats.reduction`.

    Returns:
        uint8 [h', w', 3], reduced if the image is large; the array itself where possible.
    """
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if factor is None:
        factor = reduction(image.shape[1], image.shape[0])
    image = np.ascontiguousarray(image)
    if factor > 1 or image.shape[2:] == (4,):
        return _to_colour(Image.fromarray(image), factor)
    return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)


def encode_array(pixels: np.ndarray) -> bytes:
    """Encode uint8 [h, w, 3] (RGB) as a PNG file that is fast to decode, but large."""
    colours = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".png", colours, (cv2.IMWRITE_PNG_COMPRESSION, 1))
    return encoded.tobytes()


def over_contrast(image: np.ndarray) -> np.ndarray:
    """Blend an RGBA image over white, or over black if it is light itself.

    The alpha-weighted mean luma decides, see `LIGHT_LUMA`: transparent images of white letters get
    a black background, all darker ones a white one.

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
        raise UnreadableImageError(f"unreadable image: {kind} needs a Pillow built with it")
    if header is not None:
        _check_size(header.width, header.height)
    try:
        with warnings.catch_warnings():
            # Warnings of sizes, which are checked here, and of damaged metadata.
            warnings.simplefilter("ignore")
            if kind == "PNG":
                # Pillow accepts a file without its end; TensorFlow does not.
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


def _load(
    image: Image.Image, header: ImageHeader | None, factor: int | None = None
) -> DecodedImage:
    width, height = image.size
    if factor is None:
        factor = reduction(width, height)
    if factor > 1 and image.format in ("JPEG", "MPO"):
        image.draft(None, (width // factor, height // factor))
        factor = 1
    # The chunk of a PNG may follow the pixels.
    image.load()
    if image.format == "TIFF":
        # Some releases of Pillow have already rotated the image and removed the tag.
        orientation = valid_orientation(image.getexif().get(ORIENTATION_TAG))
        width, height = image.size
    else:
        orientation = orientation_of(image.info.get("exif"))
    pixels = _to_colour(_plain_mode(image, header), factor)
    return _upright(pixels, orientation, height, width)


def _plain_mode(image: Image.Image, header: ImageHeader | None) -> Image.Image:
    """Convert an image to mode `L`, `RGB` or `RGBA`."""
    transparent = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        return _from_16_bits(image, transparent if isinstance(transparent, int) else None)
    if image.mode in ("I", "F"):
        raise UnreadableImageError(f"{STATUS_UNSUPPORTED} of up to 16 bits a channel")
    if image.mode in ("1", "L") and isinstance(transparent, int):
        if image.format == "PNG" and header is not None:
            # In the bit depth of the file, while the image has 8 bits.
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
