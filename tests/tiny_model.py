"""A tiny untrained model in a work directory, and images for it."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from attention_ocr.decoding.context import prepare_decoding
from attention_ocr.exporting.saved_model import save_recognizer
from attention_ocr.inference.engines.saved_model_safety import read_meta_graph
from attention_ocr.inference.engines.signature_names import SERVING_SIGNATURE
from attention_ocr.inference.recognize import recognize
from attention_ocr.inference.serving_function import prepare_encoded
from attention_ocr.inference.work_directory import (
    WEIGHTS_FILE,
    TrainedModel,
    save_weights,
    weight_values,
)
from attention_ocr.models.build import build_recognizer
from attention_ocr.text.charset import Charset
from tests import tiny

TEXTS = ("a", "b01", "c", "3a2b1c", "02", "", "1c0b")
"""Labels of the data set in every work directory of this module."""


def write_work_dir(folder: Path, charset: Charset = tiny.CHARSET, **values: Any) -> Path:
    """Write a work directory whose model predicts different texts for different images.

    Args:
        folder: Folder to create; its `words/` holds labelled images, the evaluation data.
        charset: Charset of the model.
        values: Settings that replace some of the tiny ones.
    """
    labels = tiny.write_label_file(folder / "words", TEXTS)
    config = tiny.config(**{"train_data": str(labels), "eval_data": str(labels), **values})
    config.save(folder)
    charset.save(folder)
    recognizer = build_recognizer(config, charset)
    # With the initial weights, all images would have the same prediction.
    save_weights(
        {
            name: value * 4.0 if name.endswith("kernel") else value
            for name, value in weight_values(recognizer).items()
        },
        folder / WEIGHTS_FILE,
    )
    return folder


def check_export(model: TrainedModel, folder: Path) -> None:
    """Export a model; the loaded export predicts the same as the model in memory."""
    save_recognizer(model, folder)
    # Unsafe operations are refused; an export must not contain any.
    read_meta_graph(folder)
    exported = tf.saved_model.load(str(folder)).signatures[SERVING_SIGNATURE]
    encoded_files = tf.constant(files(3))
    images, sizes, _ = prepare_encoded(encoded_files, model.config.image)
    decoding = prepare_decoding(model.config, model.charset)
    expected = recognize(model.recognizer, decoding, images, sizes)
    # Any batch size: one image is read like several.
    for rows in (slice(0, 3), slice(1, 2)):
        outputs = exported(encoded_files[rows])
        np.testing.assert_array_equal(outputs["text"], expected.text[rows])
        np.testing.assert_allclose(outputs["confidence"], expected.confidence[rows], atol=1e-4)


def encoded(image: np.ndarray, file_format: str = "PNG", **options: Any) -> bytes:
    """Return the bytes of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format=file_format, **options)
    return buffer.getvalue()


def images(num_images: int = 9, seed: int = 0) -> list[np.ndarray]:
    """Return images of noise, uint8 [h, w, 3], of mixed sizes."""
    random = np.random.default_rng(seed)
    sizes = random.integers((7, 9), (40, 150), (num_images, 2))
    return [random.integers(0, 256, (*size, 3), np.uint8) for size in sizes]


def files(
    num_images: int = 9, formats: Sequence[str] = ("PNG", "JPEG", "BMP", "GIF")
) -> list[bytes]:
    """Return image files of mixed sizes and formats."""
    return [
        encoded(image, formats[index % len(formats)])
        for index, image in enumerate(images(num_images))
    ]
