"""Rows of encoded images, before the graph: too large ones are blanked, odd ones rewritten."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from attention_ocr.images.decode import UnreadableImageError
from attention_ocr.images.formats import STATUS_UNSUPPORTED, file_format
from attention_ocr.images.headers import ImageLimits
from attention_ocr.images.image import LazyImage, normalize_file
from attention_ocr.inference.engines.signature_names import STATUS_OK
from attention_ocr.serving.batching import Arrays

EXAMPLE_INPUT = "inputs"
IMAGE_FEATURE = "image/encoded"
IMAGE_INPUT = "images"
STATUS_OUTPUT = "status"


class Guarded(NamedTuple):
    """What of a request is computed.

    Attributes:
        inputs: Of the signature, images over a limit replaced by nothing.
        refused: By row, why its image was replaced.
        num_pixels: That the images left announce.
    """

    inputs: Arrays
    refused: Mapping[int, str]
    num_pixels: int


def normalize_images(inputs: Arrays) -> Guarded:
    """Rewrite images that a SavedModel would decode otherwise than this toolkit does, or not.

    This takes the time of decoding them.

    Args:
        inputs: Of a signature, see `blank_refused`. Bytes of unknown formats are passed on.

    Returns:
        With no count of pixels.
    """
    name = _files_input(inputs)
    if name is None:
        return Guarded(inputs, {}, 0)
    refused = {}
    rows = inputs[name].copy()
    for row, content in enumerate(rows):
        for image in [content] if name == IMAGE_INPUT else images_of(content):
            if file_format(image) is None:
                if image:
                    refused[row] = STATUS_UNSUPPORTED
                continue
            try:
                normalized = normalize_file(LazyImage(image))
            except UnreadableImageError as error:
                refused[row], normalized = str(error), b""
            if normalized != image:
                rows[row] = normalized if name == IMAGE_INPUT else _example_of(normalized)
    return Guarded({**inputs, name: rows}, refused, 0)


def blank_refused(inputs: Arrays, limits: ImageLimits) -> Guarded:
    """Replace images over the limits by nothing, which the model reads as an unreadable image.

    Args:
        inputs: Of a signature; `images` string [B] are files, `inputs` string [B] serialized
            examples that hold one. Any other input is passed on.
        limits: The largest image that is decoded.
    """
    name = _files_input(inputs)
    if name is None:
        return Guarded(inputs, {}, 0)
    refused = {}
    num_pixels = 0
    rows = inputs[name].copy()
    for row, content in enumerate(rows):
        for image in [content] if name == IMAGE_INPUT else images_of(content):
            reason, pixels = limits.judge(image)
            num_pixels += pixels
            if reason is not None:
                refused[row] = reason
                rows[row] = b"" if name == IMAGE_INPUT else _example_of(b"")
    return Guarded({**inputs, name: rows} if refused else inputs, refused, num_pixels)


def _files_input(inputs: Arrays) -> str | None:
    """Return the name of the input that holds files, none if there is none."""
    name = next((name for name in (IMAGE_INPUT, EXAMPLE_INPUT) if name in inputs), None)
    if name is None or inputs[name].dtype != object or inputs[name].ndim != 1:
        return None
    return name


def images_of(content: bytes) -> list[bytes]:
    """Return the images of a serialised example; none if it is not an example."""
    # Imported late: servers without TensorFlow take files only.
    from google.protobuf.message import DecodeError
    from tensorflow.core.example.example_pb2 import Example

    try:
        features = Example.FromString(content).features.feature
    except DecodeError:
        return []
    return list(features[IMAGE_FEATURE].bytes_list.value) if IMAGE_FEATURE in features else []


def _example_of(image: bytes) -> bytes:
    from tensorflow.core.example.example_pb2 import Example

    example = Example()
    example.features.feature[IMAGE_FEATURE].bytes_list.value.append(image)
    serialized: bytes = example.SerializeToString()
    return serialized


def name_refused(outputs: Arrays, refused: Mapping[int, str]) -> Arrays:
    """Say in the `status` of each refused row that was not read why it was."""
    if not refused or STATUS_OUTPUT not in outputs:
        return outputs
    status = np.array(outputs[STATUS_OUTPUT], object)
    for row, reason in refused.items():
        if status[row] != STATUS_OK.encode("utf-8"):
            status[row] = reason.encode("utf-8")
    return {**outputs, STATUS_OUTPUT: status}
