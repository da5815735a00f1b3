"""Images of a data set with the attention of a model over them, for a page."""

import base64
import dataclasses
import io
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from attention_ocr.data.pipeline import evaluation_batches, explaining
from attention_ocr.data.sources import LEXICON, Source, Walk, open_source
from attention_ocr.evaluation.trained_model import recognize_for
from attention_ocr.images.graph_fitting import unpad_image
from attention_ocr.inference.work_directory import TrainedModel
from attention_ocr.io.progress import compiling, progress_bar
from attention_ocr.visualization.overlay import attention_maps, tint_characters


class ExampleImage(NamedTuple):
    """An image of a data set, as the model sees it.

    Attributes:
        image: The image, a `data:` URL.
        attention: The same with each character's attention in its colour.
        text: The prediction.
        confidences: Probability of each character of `text`, in [0, 1].
    """

    image: str
    attention: str
    text: str
    confidences: tuple[float, ...]


def draw_example_images(
    model: TrainedModel, data: str, indices: Iterable[int]
) -> dict[int, ExampleImage]:
    """Draw some images of a data set.

    Args:
        model: The model.
        data: Source of the data set.
        indices: Positions of the images in the order of an evaluation.

    Returns:
        The images by position.

    Raises:
        ValueError: If the data are damaged.
    """
    chosen = sorted(set(indices))
    if not chosen:
        return {}
    source = _only(open_source(data), chosen)
    read = recognize_for(source, model)
    images: list[ExampleImage] = []
    with explaining(source), progress_bar("drawing", len(chosen)) as bar:
        for batch in evaluation_batches(source, model.config):
            lexicons = (batch[LEXICON],) if LEXICON in batch else ()
            with nullcontext() if images else compiling(bar, "the drawing"):
                recognition = read(batch["images"], batch["image_sizes"], *lexicons)
            rows = zip(
                batch["images"].numpy(),
                batch["image_sizes"].numpy(),
                recognition.text.numpy(),
                recognition.character_confidences.numpy(),
                recognition.attention.numpy(),
                strict=True,
            )
            images += _draw(rows, model.config.image.num_views)
            bar.update(len(images) - bar.n)
    return dict(zip(chosen, images, strict=True))


def _only(source: Source, indices: list[int]) -> Source:
    """Return the examples of a source at some positions, without decoding the others."""
    wanted = tf.constant(indices, tf.int64)

    def rows(walk: Walk) -> tf.data.Dataset:
        numbered = source.rows(walk).enumerate()
        picked = numbered.filter(lambda number, _: tf.reduce_any(number == wanted))
        return picked.map(lambda _, row: row)

    return dataclasses.replace(source, num_examples=len(indices), rows=rows)


def _draw(rows: Iterable[tuple[Any, ...]], num_views: int) -> Iterator[ExampleImage]:
    for image, size, encoded_text, confidences, attention in rows:
        text = encoded_text.decode("utf-8")
        content = unpad_image(image, size, num_views)
        content = np.repeat(content, 3, axis=-1) if content.shape[-1] == 1 else content
        extent = size / (image.shape[0] // num_views, image.shape[1])
        maps = attention_maps(attention[: len(text)], extent, content.shape[:2])
        yield ExampleImage(
            _data_url(content),
            _data_url(tint_characters(content, maps)),
            text,
            tuple(float(value) for value in confidences[: len(text)]),
        )


def _data_url(image: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
