"""What may be read, as bytes of image files: paths, bytes, open files, Pillow images, arrays."""

import io
import os
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from attention_ocr.images.headers import ImageLimits
from attention_ocr.io.urls import url_of

ImageLike = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | np.ndarray
)
"""One image. What has `__array__`, as the tensors of TensorFlow and PyTorch, is an array too."""

ACCEPTED = (
    "a path, the bytes of an image file, a file opened in binary mode, a Pillow image, or an array "
    "[h, w], [h, w, 1], [h, w, 3] or [h, w, 4] of uint8, uint16, bool or float"
)

_OVERSHOOT = 0.1
"""Share of their range by which floats may lie beyond it, as interpolation makes them."""


class UnreadableError(ValueError):
    """An image that is too large or damaged."""


class NamedInput(NamedTuple):
    """An image and what names it.

    Attributes:
        name: the key or the path of the image, if it has one.
        image: the image itself, or something that is none.
    """

    name: str | None
    image: Any


def one_image(images: object) -> bool:
    """Return whether something is one image, or meant as one, and not several."""
    if isinstance(images, str | os.PathLike | bytes | bytearray | memoryview | Image.Image):
        return True
    if hasattr(images, "read") or not isinstance(images, Iterable):
        return True
    # Arrays and columns of tables may hold paths.
    return hasattr(images, "__array__") and np.asarray(images).dtype.kind not in "OSU"


def named_inputs(images: Any) -> Iterable[NamedInput]:
    """Name several images, one after the other: those of a mapping by its keys."""
    if isinstance(images, Mapping):
        return (NamedInput(str(key), image) for key, image in images.items())
    return (NamedInput(name_of(image), image) for image in images)


def name_of(image: object) -> str | None:
    """Return the path of an image that is one or was opened from one."""
    if isinstance(image, str | os.PathLike):
        return os.fsdecode(image)
    name = getattr(image, "filename" if isinstance(image, Image.Image) else "name", None)
    return name if isinstance(name, str) and name else None


def encode_image(image: Any, limits: ImageLimits | None = None) -> bytes | OSError:
    """Return the bytes of an image file, or why the file cannot be opened.

    Args:
        image: one image. Of arrays, uint16 reaches from 0 to 65535, bool is black and white, and
            float reaches from 0 to 1, or, where a value is above 1.1, from 0 to 255.
        limits: the largest Pillow image that is decoded.

    Raises:
        ValueError: If it is no image.
        UnreadableError: If a Pillow image is too large or damaged.
    """
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | os.PathLike):
        return _read_path(image)
    if isinstance(image, bytearray):
        return bytes(image)
    if isinstance(image, memoryview) and image.ndim == 1:
        return image.tobytes()
    if isinstance(image, Image.Image):
        return _encode_array(_pillow_pixels(image, limits or ImageLimits()))
    if hasattr(image, "read"):
        return _read_file(image)
    if isinstance(image, memoryview) or hasattr(image, "__array__"):
        return _encode_array(np.asarray(image))
    raise ValueError(f"An image must be {ACCEPTED}. Received: {type(image).__name__}")


def _read_path(path: str | os.PathLike[str]) -> bytes | OSError:
    url = url_of(os.fsdecode(path))
    if url is not None and not os.path.exists(path):  # noqa: PTH110
        raise ValueError(
            f"An image must be {ACCEPTED}. Received: a URL, {url[:80]!r}; nothing is fetched, "
            "neither from https:// nor from s3://: download the image and pass its bytes or its "
            "path"
        )
    try:
        # Without a buffer, which would be made for one file after the other.
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return file.readall()
    except OSError as error:
        return error
    except ValueError as error:
        # A zero byte in the name.
        return OSError(str(error))


def _read_file(file: Any) -> bytes | OSError:
    """Read an open file from where it stands."""
    if isinstance(file, io.TextIOBase):
        raise ValueError(
            f"An image must be {ACCEPTED}. Received: a file opened in text mode; open it with 'rb'"
        )
    try:
        content = file.read()
    except OSError as error:
        return error
    except (ValueError, TypeError) as error:
        raise ValueError(f"An image file must be open for reading. Received: {error}") from error
    if not isinstance(content, bytes | bytearray | memoryview):
        raise ValueError(
            f"An image must be {ACCEPTED}. Received: {type(file).__name__}, whose `read` returns "
            f"{type(content).__name__}"
        )
    if not content and _stands_behind_its_start(file):
        raise ValueError(
            "An image file must hold an image from where it stands. Received: one at its end; call "
            "`seek(0)` first"
        )
    return bytes(content)


def _stands_behind_its_start(file: Any) -> bool:
    try:
        return bool(file.tell() > 0)
    except (AttributeError, OSError, ValueError):
        return False


def _pillow_pixels(image: Image.Image, limits: ImageLimits) -> np.ndarray:
    """Return the pixels of a Pillow image as viewers show it: gray, RGB or RGBA, or 16 bits."""
    num_pixels = image.width * image.height
    if num_pixels > limits.max_image_pixels:
        raise UnreadableError(
            f"image of {image.width}x{image.height} pixels, the limit is {limits.max_image_pixels}"
        )
    try:
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I"):
            return np.clip(np.asarray(image), 0, 65535).astype(np.uint16)
        if image.mode in ("1", "L", "F") and "transparency" not in image.info:
            return np.asarray(image)
        transparent = "transparency" in image.info or image.mode[-1] in "Aa"
        return np.asarray(image.convert("RGBA" if transparent else "RGB"))
    except (OSError, SyntaxError, ValueError, IndexError, KeyError, TypeError, EOFError) as error:
        # What Pillow raises for images that are closed, or whose file is damaged.
        raise UnreadableError(f"unreadable image: {error}") from error


def _encode_array(image: np.ndarray) -> bytes:
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.dtype.kind not in "bfiu" or image.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ValueError(
            f"An image must be {ACCEPTED}. Received: an array of {image.dtype} "
            f"{list(image.shape)}{_hint(image)}"
        )
    if image.size == 0:
        raise ValueError(f"An image array must have pixels. Received: {list(image.shape)}")
    # Only who reads arrays waits for OpenCV.
    import cv2

    image = _in_eight_bits(image)
    if channels >= 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR if channels == 3 else cv2.COLOR_RGBA2BGRA)
    _, encoded = cv2.imencode(".png", image)
    return encoded.tobytes()


def _hint(image: np.ndarray) -> str:
    """Return what may have been meant by an array of another shape."""
    if image.ndim == 4:
        return "; pass several images as a list: list(images)"
    if image.ndim == 3 and image.shape[0] in (1, 3, 4):
        return "; channels come last: images.transpose(1, 2, 0)"
    return ""


def _in_eight_bits(image: np.ndarray) -> np.ndarray:
    """Return an image as contiguous uint8; see `encode_image`.

    Raises:
        ValueError: If a number is out of range, or none.
    """
    if image.dtype == np.uint16:
        # The upper bits, as of files of 16 bits.
        image = (image >> 8).astype(np.uint8)
    elif image.dtype == np.bool_:
        image = image.astype(np.uint8) * np.uint8(255)
    elif image.dtype.kind in "iu":
        if image.dtype != np.uint8 and not 0 <= image.min() <= image.max() <= 255:
            raise ValueError(
                "An image array of integers other than uint16 must hold values from 0 to 255. "
                f"Received: {image.dtype}, {image.min()} to {image.max()}"
            )
        image = image.astype(np.uint8, copy=False)
    else:
        low, high = float(image.min()), float(image.max())
        top = 1.0 if high <= 1.0 + _OVERSHOOT else 255.0
        # Not a number is in no range.
        if not (low >= -_OVERSHOOT * top and high <= (1.0 + _OVERSHOOT) * top):
            raise ValueError(
                "An image array of floats must hold values from 0 to 1, or from 0 to 255. "
                f"Received: {low:g} to {high:g}"
            )
        scaled = np.clip(image.astype(np.float32) * np.float32(255.0 / top), 0.0, 255.0)
        image = np.round(scaled).astype(np.uint8)
    return np.ascontiguousarray(image)
