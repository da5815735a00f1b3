"""Settings, charsets, images and label files small enough to build in every test."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

from attention_ocr.models.build import build_recognizer
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import END_ID, START_ID, Charset

CHARSET = Charset("abc0123")
"""With the four special tokens V = 11."""

SETTINGS: Mapping[str, Any] = {
    "image_height": 16,
    "max_image_width": 96,
    "encoder_width": 0.25,
    "sequence_units": 8,
    "attention_units": 12,
    "decoder_units": 16,
    "embedding_units": 6,
    "max_length": 6,
    "dropout": 0.0,
    "train_data": "labels.tsv",
    "eval_data": "",
    "batch_size": 4,
    "eval_batch_size": 3,
    "shuffle_buffer": 16,
    "bucket_widths": (),
    "bucket_lengths": (),
    "steps": 10,
    "warmup_steps": 2,
    "eval_every": 5,
    "checkpoint_every": 5,
    "precision": "float32",
    "strategy": "one_device",
}


OF_ENCODER: Mapping[str, Mapping[str, Any]] = {
    "resnet": {"image_height": 32, "encoder_width": 0.125},
    "vgg": {"image_height": 32},
    "inception_v3": {"encoder_width": 1.0, "encoder_layer": "MaxPool_3a_3x3"},
    "application": {
        "encoder_width": 1.0,
        "encoder_backbone": "MobileNetV2",
        "encoder_layer": "block_1_expand_relu",
    },
}
"""What some encoders need on top."""


def config(**values: Any) -> Config:
    """Return tiny settings, with `values` in place of some."""
    return Config.from_values({**SETTINGS, **values})


def recognizer(charset: Charset = CHARSET, **values: Any) -> Recognizer:
    """Build a tiny recogniser, with `values` in place of some settings."""
    return build_recognizer(config(**values), charset)


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Make layers inside the `with` block compute in `precision`, their sublayers included."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


@contextmanager
def running_eagerly() -> Iterator[None]:
    """Run the `tf.function`s called inside the `with` block without tracing them."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def word_image(text: str, height: int = 16) -> np.ndarray:
    """Draw `text` black on white: uint8 [height, w, 3]."""
    font = ImageFont.load_default(size=round(height * 0.8))
    width = round(font.getlength(text)) + 6
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).text((3, height / 2), text, fill="black", font=font, anchor="lm")
    return np.asarray(image)


def write_label_file(folder: Path, texts: Sequence[str], height: int = 16) -> Path:
    """Draw each text into an image `0.png`, `1.png` … and list them in `labels.tsv`."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, text in enumerate(texts):
        Image.fromarray(word_image(text, height)).save(folder / f"{index}.png")
    return write_labels(folder, {f"{index}.png": text for index, text in enumerate(texts)})


def write_labels(folder: Path, text_of: Mapping[str, str]) -> Path:
    """Write `labels.tsv` for images that are there already."""
    path = folder / "labels.tsv"
    lines = [f"{name}\t{text}\n" for name, text in text_of.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def random_batch(
    num_examples: int = 4,
    height: int = 16,
    widths: Sequence[int] = (32, 48, 40, 23),
    lengths: Sequence[int] = (2, 5, 0, 3),
    charset: Charset = CHARSET,
    seed: int = 0,
) -> dict[str, tf.Tensor]:
    """Return a batch as the pipeline makes it, of noise and random texts."""
    random = np.random.default_rng(seed)
    padded_width, num_steps = -(-max(widths) // 16) * 16, max(lengths) + 1
    images = np.zeros((num_examples, height, padded_width, 1), np.float32)
    inputs = np.zeros((num_examples, num_steps), np.int32)
    targets, weights = inputs.copy(), np.zeros((num_examples, num_steps), np.float32)
    for index in range(num_examples):
        width, length = widths[index], lengths[index]
        images[index, :, :width] = random.uniform(-1, 1, (height, width, 1))
        token_ids = random.integers(4, charset.vocabulary_size, length)
        inputs[index, : length + 1] = [START_ID, *token_ids]
        targets[index, : length + 1] = [*token_ids, END_ID]
        weights[index, : length + 1] = 1.0
    sizes = np.array([[height, width] for width in widths[:num_examples]], np.int32)
    return {
        "images": tf.constant(images),
        "image_sizes": tf.constant(sizes),
        "decoder_inputs": tf.constant(inputs),
        "targets": tf.constant(targets),
        "target_weights": tf.constant(weights),
    }
