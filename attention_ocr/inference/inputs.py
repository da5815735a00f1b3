"""Accepted inputs: paths, bytes, open files, Pillow images and arrays, as `LazyImage`s."""

import io
import os
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from attention_ocr.images.decode import to_rgb
from attention_ocr.images.headers import ImageLimits
from attention_ocr.images.image import LazyImage
from attention_ocr.io.urls import url_of

ImageLike = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | BinaryIO
    | Image.Image
    | np.ndarray
    | LazyImage
)
"""One image. Objects with `__array__`, such as TensorFlow and PyTorch tensors, count as arrays."""

ACCEPTED = (
    "a path, the bytes of an image file, a file opened in binary mode, a Pillow image, or an array "
    "[h, w], [h, w, 1], [h, w, 3] or [h, w, 4] of uint8, uint16, bool or float"
)

NOT_OPENED = "cannot be opened"
"""Start of the error of a file that is missing or not readable."""

# Concrete classes first: the check of an abstract one takes long.
_SINGLE = (bytes, str, bytearray, memoryview, Image.Image, LazyImage, os.PathLike)
_UNNAMED = (np.ndarray, bytes)

_OVERSHOOT = 0.1
"""Fraction of their range by which floats may exceed it, as after interpolation."""


class NamedInput(NamedTuple):
    """An image and its name.

    Attributes:
        name: The key or the path of the image, if it has one.
        image: The image itself, or an invalid object.
    """

    name: str | None
    image: Any


def one_image(images: object) -> bool:
    """Return whether an input is, or is meant as, one image and not several."""
    if isinstance(images, np.ndarray):
        # It may hold paths.
        return images.dtype.kind not in "OSU"
    if isinstance(images, _SINGLE):
        return True
    if hasattr(images, "read") or not isinstance(images, Iterable):
        return True
    # So may a column of a data frame.
    return hasattr(images, "__array__") and np.asarray(images).dtype.kind not in "OSU"


def named_inputs(images: Any) -> Iterable[NamedInput]:
    """Yield several images with their names: keys of a mapping, otherwise paths."""
    if isinstance(images, Mapping):
        return (NamedInput(str(key), image) for key, image in images.items())
    return (NamedInput(name_of(image), image) for image in images)


def name_of(image: object) -> str | None:
    """Return the path of an image that is a path or was opened from one."""
    if isinstance(image, _UNNAMED):
        return None
    if isinstance(image, str | os.PathLike):
        return os.fsdecode(image)
    name = getattr(image, "filename" if isinstance(image, Image.Image) else "name", None)
    return name if isinstance(name, str) and name else None


def open_image(image: Any, limits: ImageLimits | None = None) -> LazyImage:
    """Convert an image for the engines; only Pillow images are decoded.

    Args:
        image: One image. Arrays of uint16 range from 0 to 65535, bool is black and white, and float
            ranges from 0 to 1 or, if a value is above 1.1, from 0 to 255.
        limits: Limits of decoding; by default those of `ImageLimits`.

    Returns:
        The image; one that cannot be opened, or exceeds the limits, has its `error`.

    Raises:
        ValueError: If it is not an image.
    """
    if isinstance(image, LazyImage):
        return image
    limits = limits or ImageLimits()
    if isinstance(image, Image.Image):
        return _open_pillow_image(image, limits)
    if isinstance(image, np.ndarray):
        return _open_array(image, limits)
    try:
        encoded = _read_bytes(image)
    except OSError as error:
        return LazyImage(None, f"{NOT_OPENED}: {error.strerror or error}")
    if encoded is not None:
        opened = LazyImage(encoded)
        opened.refuse_beyond(limits)
        return opened
    if isinstance(image, memoryview) or hasattr(image, "__array__"):
        return _open_array(np.asarray(image), limits)
    raise ValueError(f"An image must be {ACCEPTED}. Received: {type(image).__name__}")


def _read_bytes(image: Any) -> bytes | None:
    """Return the bytes of an image file; None if it is not a file.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not open in binary mode for reading.
    """
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | os.PathLike):
        return _read_path(image)
    if isinstance(image, bytearray) or (isinstance(image, memoryview) and image.ndim == 1):
        return bytes(image)
    return _read_file(image) if hasattr(image, "read") else None


def _read_path(path: str | os.PathLike[str]) -> bytes:
    url = url_of(os.fsdecode(path))
    if url is not None and not os.path.exists(path):  # noqa: PTH110
        raise ValueError(
            f"An image must be {ACCEPTED}. Received: a URL, {url[:80]!r}; nothing is fetched, "
            "neither from https:// nor from s3://: download the image and pass its bytes or its "
            "path"
        )
    try:
        # Unbuffered: allocating a buffer for each file would take time.
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return file.readall()
    except ValueError as error:
        # A zero byte in the name.
        raise OSError(str(error)) from error


def _read_file(file: Any) -> bytes:
    """Read an open file from its current position."""
    if isinstance(file, io.TextIOBase):
        raise ValueError(
            f"An image must be {ACCEPTED}. Received: a file opened in text mode; open it with 'rb'"
        )
    try:
        content = file.read()
    except (ValueError, TypeError) as error:
        # A file that is open only for writing raises an error of both types.
        if isinstance(error, OSError):
            raise
        raise ValueError(f"An image file must be open for reading. Received: {error}") from error
    if not isinstance(content, bytes | bytearray | memoryview):
        raise ValueError(
            f"An image must be {ACCEPTED}. Received: {type(file).__name__}, whose `read` returns "
            f"{type(content).__name__}"
        )
    if not content and _is_past_its_start(file):
        raise ValueError(
            "An image file must have an image at its current position. Received: a file at its "
            "end; call `seek(0)` first"
        )
    return bytes(content)


def _is_past_its_start(file: Any) -> bool:
    try:
        return bool(file.tell() > 0)
    except (AttributeError, OSError, ValueError):
        return False


def _open_pillow_image(image: Image.Image, limits: ImageLimits) -> LazyImage:
    reason = limits.refusal_of_size(image.width, image.height)
    if reason is not None:
        return LazyImage(None, reason)
    try:
        pixels = _pillow_pixels(image)
    except (OSError, SyntaxError, ValueError, IndexError, KeyError, TypeError, EOFError) as error:
        # Exceptions of Pillow for closed images and damaged files.
        return LazyImage(None, f"unreadable image: {error}")
    return _open_array(pixels, limits)


def _pillow_pixels(image: Image.Image) -> np.ndarray:
    """Return the pixels of a Pillow image as viewers show it: gray, RGB, RGBA, or 16 bits."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        return np.clip(np.asarray(image), 0, 65535).astype(np.uint16)
    if image.mode in ("1", "L", "F") and "transparency" not in image.info:
        return np.asarray(image)
    transparent = "transparency" in image.info or image.mode[-1] in "Aa"
    return np.asarray(image.convert("RGBA" if transparent else "RGB"))


def _open_array(image: np.ndarray, limits: ImageLimits) -> LazyImage:
    reason = _check_array(image, limits)
    if reason is not None:
        return LazyImage(None, reason)
    return LazyImage.from_array(_in_eight_bits(image))


def array_pixels(image: Any, limits: ImageLimits) -> np.ndarray:
    """Return an array or a Pillow image in full size, as a viewer shows it.

    Args:
        image: See `open_image`.
        limits: Limits of its size.

    Returns:
        uint8 [h, w, 3].

    Raises:
        ValueError: If it is not an image, or beyond the limits.
    """
    if isinstance(image, Image.Image):
        reason = limits.refusal_of_size(image.width, image.height)
        image = _pillow_pixels(image) if reason is None else image
    else:
        image = np.asarray(image)
        reason = _check_array(image, limits)
    if reason is not None:
        raise ValueError(reason)
    return to_rgb(_in_eight_bits(image), factor=1)


def _check_array(image: np.ndarray, limits: ImageLimits) -> str | None:
    """Refuse an array that is not an image; return why one beyond the limits is not read."""
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.dtype.kind not in "bfiu" or image.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ValueError(
            f"An image must be {ACCEPTED}. Received: an array of {image.dtype} "
            f"{list(image.shape)}{_hint(image)}"
        )
    if image.size == 0:
        raise ValueError(f"An image array must have pixels. Received: {list(image.shape)}")
    return limits.refusal_of_size(image.shape[1], image.shape[0])


def _hint(image: np.ndarray) -> str:
    """Return a hint about an array of another shape."""
    if image.ndim == 4:
        return "; pass several images as a list: list(images)"
    if image.ndim == 3 and image.shape[0] in (1, 3, 4):
        return "; channels come last: images.transpose(1, 2, 0)"
    return ""


def _in_eight_bits(image: np.ndarray) -> np.ndarray:
    """Convert an image to uint8; see `open_image`.

    Raises:
        ValueError: If a value is out of range, or not a number.
    """
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.uint16:
        # The upper bits, as of files of 16 bits.
        image = (image >> 8).astype(np.uint8)
    elif image.dtype == np.bool_:
        image = image.astype(np.uint8) * np.uint8(255)
    elif image.dtype.kind in "iu":
        if not 0 <= image.min() <= image.max() <= 255:
            raise ValueError(
                "An image array of integers other than uint16 must hold values from 0 to 255. "
                f"Received: {image.dtype}, {image.min()} to {image.max()}"
            )
        image = image.astype(np.uint8)
    else:
        low, high = float(image.min()), float(image.max())
        top = 1.0 if high <= 1.0 + _OVERSHOOT else 255.0
        # NaN is in no range.
        if not (low >= -_OVERSHOOT * top and high <= (1.0 + _OVERSHOOT) * top):
            raise ValueError(
                "An image array of floats must hold values from 0 to 1, or from 0 to 255. "
                f"Received: {low:g} to {high:g}"
            )
        scaled = np.clip(image.astype(np.float32) * np.float32(255.0 / top), 0.0, 255.0)
        image = np.round(scaled).astype(np.uint8)
    return image
