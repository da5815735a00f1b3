"""LiteRT (TensorFlow Lite): a model in one file, of built-in operations only."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from attention_ocr.decoding.context import Decoding, prepare_decoding
from attention_ocr.exporting.litert_compaction import compact
from attention_ocr.inference.engines.litert_engine import signature_of
from attention_ocr.inference.engines.metadata import append_metadata, make_metadata
from attention_ocr.inference.engines.numpy_engine import IMAGE_SIZES, IMAGES
from attention_ocr.inference.recognize import recognize_ids
from attention_ocr.inference.work_directory import TrainedModel
from attention_ocr.models.recognizer import portable_copy
from attention_ocr.settings.image import WIDTH_MULTIPLE, ImageConfig

WIDTH_GROWTH = 1.15
"""Ratio of each width to the previous one: the largest overhead of padding."""


def input_widths(settings: ImageConfig) -> tuple[int, ...]:
    """Return the input widths, each with a separate signature, in pixels, ascending.

    Example:
        >>> input_widths(ImageConfig(max_image_width=256))
        (16, 32, 48, 64, 80, 96, 112, 144, 176, 208, 240, 256)
    """
    widest = settings.max_image_width + -settings.max_image_width % WIDTH_MULTIPLE
    widths, width = [], WIDTH_MULTIPLE
    while width < widest:
        widths.append(width)
        grown = int(width * WIDTH_GROWTH)
        width = max(grown + -grown % WIDTH_MULTIPLE, width + WIDTH_MULTIPLE)
    return (*widths, widest)


def write_litert(
    model: TrainedModel,
    path: Path,
    format_name: str,
    representative: Sequence[bytes] = (),
    source_digest: str = "",
) -> None:
    """Write a `.tflite` file.

    Args:
        model: Model that computes in float32.
        path: Output file.
        format_name: `litert` (float32), `litert_float16` (weights), `litert_int8` (weights, with
            activations quantised on the fly, "dynamic range"), or `litert_full_int8` (the
            encoder's activations too, see `calibration_set.quantize_encoder`).
        representative: Image files to calibrate `litert_full_int8` with.
        source_digest: See `ModelMetadata.source_digest`.

    Raises:
        ValueError: If a part of the model has no built-in operation; the message names it.
        ImportError: If a package is not installed.
        OSError: If the file cannot be written.
    """
    widths = input_widths(model.config.image)
    if format_name == "litert_full_int8":
        from attention_ocr.exporting.calibration_set import quantize_encoder

        converted = convert(model, "litert", widths)
        inputs = (widths, representative, model.config.image)
        converted = quantize_encoder(converted, *inputs, model.recognizer.encoder.name)
    else:
        converted = convert(model, format_name, widths)
    metadata = make_metadata(format_name, model.config, model.charset, widths, source_digest)
    append_metadata(compact(converted), metadata, path)


def convert(model: TrainedModel, format_name: str, widths: Sequence[int]) -> bytes:
    """Convert a model to a flatbuffer, see `write_litert`."""
    decoding = prepare_decoding(model.config, model.charset)
    model = model._replace(recognizer=portable_copy(model.recognizer))
    module = tf.Module()
    module.signatures_to_keep = {
        signature_of(width): _reading_function(model, decoding, width) for width in widths
    }
    # Layers must not be attributes: Keras would trace its own functions.
    module.weights = [weight.value for weight in model.recognizer.variables]
    with tempfile.TemporaryDirectory() as directory:
        tf.saved_model.save(module, directory, signatures=module.signatures_to_keep)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            directory, signature_keys=list(module.signatures_to_keep)
        )
        if format_name != "litert":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if format_name == "litert_float16":
            converter.target_spec.supported_types = [tf.float16]
        try:
            converted: bytes = converter.convert()
        except ConverterError as error:
            raise ValueError(
                f"`format={format_name}` cannot hold this model: {_reason(error)}"
            ) from error
    return converted


def _reading_function(
    model: TrainedModel, decoding: Decoding, width: int
) -> Callable[..., dict[str, tf.Tensor]]:
    config, _, recognizer = model
    shape = (1, config.image.input_height, width, config.image.image_channels)

    @tf.function(
        input_signature=(
            tf.TensorSpec(shape, tf.float32, name=IMAGES),
            tf.TensorSpec((1, 2), tf.int32, name=IMAGE_SIZES),
        ),
        autograph=False,
    )
    def read(images: tf.Tensor, image_sizes: tf.Tensor) -> dict[str, tf.Tensor]:
        return recognize_ids(recognizer, decoding, images, image_sizes)

    return read


def _reason(error: Exception) -> str:
    """Return the line of the converter's message that names the missing operations."""
    lines = str(error).splitlines()
    telling = [
        line for line in lines if line.startswith(("TF Select ops:", "Flex ops:", "Custom ops:"))
    ]
    return " ".join(telling) or next(iter(lines), type(error).__name__)
