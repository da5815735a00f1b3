"""LiteRT with an 8-bit integer encoder, calibrated on a representative set."""

import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from attention_ocr.images.decode import decode_array
from attention_ocr.images.fitting import fit_array
from attention_ocr.inference.engines.litert_engine import signature_of
from attention_ocr.inference.engines.numpy_engine import IMAGE_SIZES, IMAGES
from attention_ocr.io.extras import extra
from attention_ocr.settings.image import ImageConfig

Ranges = dict[str, dict[str, Any]]
SAMPLES_OF_A_WIDTH = 3
"""Least number of images per width, cut where they are too wide."""


def quantize_encoder(
    model: bytes,
    widths: Sequence[int],
    files: Sequence[bytes],
    settings: ImageConfig,
    encoder: str = "encoder",
) -> bytes:
    """Quantise a LiteRT model in float32: the encoder's activations as well as its weights.

    The ranges of the activations are their minima and maxima over the images. The loops after the
    encoder keep float activations (dynamic range): the 8-bit error of a recurrence adds up from
    step to step.

    Args:
        model: Flatbuffer with a signature for each width.
        widths: Of the inputs in pixels, ascending.
        files: Image files of the representative set.
        settings: Image settings.
        encoder: Name of the layer.

    Returns:
        The flatbuffer.

    Raises:
        ImportError: If ai-edge-quantizer is not installed.
        ValueError: If no file can be read as an image.
    """
    with extra("quantize", "`format=litert_full_int8`"):
        from ai_edge_quantizer.calibrator import CalibrationMode
        from ai_edge_quantizer.qtyping import TFLOperationName
        from ai_edge_quantizer.quantizer import Quantizer
    samples = representative_set(widths, files, settings)
    quantizer = Quantizer(model)
    quantizer.add_dynamic_config(".*", TFLOperationName.FULLY_CONNECTED, 8)
    for operation in (TFLOperationName.CONV_2D, TFLOperationName.ADD, TFLOperationName.MUL):
        quantizer.add_static_config(f".*{re.escape(encoder)}.*", operation, 8, 8)
    # The other mode inspects every tensor; loops have some without data.
    mode = CalibrationMode.CALIBRATION_PROFILER_BASED
    # One image at a time: over several the calibrator takes means, which cut off outliers.
    calibrated: Ranges = {}
    for name, inputs in samples.items():
        for sample in inputs:
            widen(calibrated, quantizer.calibrate({name: [sample]}, num_threads=1, mode=mode))
    with warnings.catch_warnings():
        # The quantiser makes its interpreter keep all tensors, and the interpreter warns of it.
        warnings.filterwarnings("ignore", "Warning: Enabling `experimental_preserve_all_tensors`")
        return bytes(quantizer.quantize(calibrated).quantized_model)


def widen(ranges: Ranges, more: Ranges) -> None:
    """Widen the ranges of tensors to include others.

    Args:
        ranges: `min` and `max` by name of the tensor; changed in place.
        more: The same of another image; a tensor that it did not reach has no range.
    """
    for name, limits in more.items():
        known = ranges.get(name)
        if not known:
            ranges[name] = limits
        elif limits:
            ranges[name] = known | {
                "min": np.minimum(known["min"], limits["min"]),
                "max": np.maximum(known["max"], limits["max"]),
            }


def representative_set(
    widths: Sequence[int], files: Sequence[bytes], settings: ImageConfig
) -> dict[str, list[dict[str, Any]]]:
    """Return inputs for every signature.

    Args:
        widths: Of the signatures in pixels, ascending.
        files: Image files.
        settings: Image settings.

    Returns:
        Inputs by name, by name of the signature: each image at the smallest width that holds it,
        and `SAMPLES_OF_A_WIDTH` at every width, cut or padded.

    Raises:
        ValueError: If no file can be read as an image.
    """
    decoded = [image for image in map(decode_array, files) if image is not None]
    if not decoded:
        raise ValueError("Expected images to calibrate with. Received: none that can be read")
    fitted = [fit_array(image, settings) for image in decoded]
    samples: dict[str, list[dict[str, Any]]] = {signature_of(width): [] for width in widths}
    for image, size in fitted:
        width = next(known for known in widths if known >= image.shape[1])
        samples[signature_of(width)].append(_input(image, size, width))
    for width in widths:
        for image, size in fitted[:SAMPLES_OF_A_WIDTH]:
            samples[signature_of(width)].append(_input(image, size, width))
    return samples


def _input(image: np.ndarray, size: np.ndarray, width: int) -> dict[str, Any]:
    image = image[:, :width]
    padded = np.pad(image, ((0, 0), (0, width - image.shape[1]), (0, 0)))
    size = np.array([size[0], min(size[1], width)], np.int32)
    return {IMAGES: padded[None], IMAGE_SIZES: size[None]}
