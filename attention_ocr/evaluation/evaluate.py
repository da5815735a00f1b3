"""Evaluate a recogniser on a complete data set."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from attention_ocr.data.pipeline import ORIGINAL_SIZES
from attention_ocr.data.sources import LEXICON
from attention_ocr.decoding.context import prepare_decoding
from attention_ocr.decoding.temperature import Temperature
from attention_ocr.inference.recognize import RecognitionOutput, recognize
from attention_ocr.io.progress import compiling, progress_bar
from attention_ocr.metrics.accuracy import (
    TextMetrics,
    compute_metrics,
    edit_distance,
    exact_match,
)
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset, normalize

Recognize = Callable[..., RecognitionOutput]
"""A function of images, their sizes and, if batches hold one, the lexicon of each image."""

ReadBatch = Callable[[dict[str, tf.Tensor]], RecognitionOutput]
"""A function of a batch of `data.pipeline.evaluation_batches`."""


class Prediction(NamedTuple):
    """One example of an evaluation.

    Attributes:
        key: Key of the example, a path or an id.
        label: Its label.
        prediction: Predicted text; empty for an unreadable image.
        confidence: Probability of the prediction, in [0, 1].
        shrunk: Whether the image was shrunk because it was too wide.
        readable: Whether the image could be decoded.
        height: Height of the image file in pixels; 0 if unreadable.
        width: Its width.
        source: Source of a mixture that the example comes from; empty for a single source.
    """

    key: str
    label: str
    prediction: str
    confidence: float
    shrunk: bool
    readable: bool
    height: int = 0
    width: int = 0
    source: str = ""

    @property
    def right(self) -> bool:
        """Whether the prediction is the label; not that of an unreadable image."""
        return self.readable and exact_match(self.label, self.prediction)

    @property
    def distance(self) -> int:
        """Edits that turn the label into the prediction."""
        return edit_distance(self.label, self.prediction)


class Evaluation(NamedTuple):
    """The predictions of a data set, in its order, and their metrics."""

    metrics: TextMetrics
    predictions: list[Prediction]


def make_recognize(
    recognizer: Recognizer,
    config: Config,
    charset: Charset,
    temperature: Temperature | None = None,
) -> Recognize:
    """Return `recognize` as one graph for batches of any size and width.

    Args:
        recognizer: The network.
        config: Its settings.
        charset: Its charset.
        temperature: Replaces that of the settings, while it is fitted.

    Raises:
        ValueError: If a file in the decoding settings does not match the model.
        OSError: If a file in the decoding settings cannot be read.
    """
    decoding = prepare_decoding(config, charset, temperature)

    @tf.function(
        input_signature=(
            tf.TensorSpec(
                (None, config.image.input_height, None, config.image.image_channels), tf.float32
            ),
            tf.TensorSpec((None, 2), tf.int32),
        ),
    )
    def read(images: tf.Tensor, image_sizes: tf.Tensor) -> RecognitionOutput:
        return recognize(recognizer, decoding, images, image_sizes)

    return read


def evaluate_batches(
    recognize: Recognize,
    batches: Iterable[dict[str, tf.Tensor]],
    charset: Charset | None = None,
    num_examples: int | None = None,
) -> Evaluation:
    """Recognise every example once and compute the metrics over all of them.

    Args:
        recognize: From `make_recognize` or `image_lexicons.make_lexicon_recognize`.
        batches: From `data.pipeline.evaluation_batches`.
        charset: Charset of the model; glyphs of one class are compared as the character of the
            class. Without it every glyph is distinct.
        num_examples: Number of examples, for the progress bar; None if unknown.

    Returns:
        The metrics and each prediction. An unreadable image has an empty prediction, which is
        wrong whatever its label.
    """
    return evaluation_of(predict(on_batches(recognize), batches, charset, num_examples))


def on_batches(recognize: Recognize) -> ReadBatch:
    """Return `recognize` as a function of batches."""

    def read(batch: dict[str, tf.Tensor]) -> RecognitionOutput:
        lexicons = (batch[LEXICON],) if LEXICON in batch else ()
        return recognize(batch["images"], batch["image_sizes"], *lexicons)

    return read


def predict(
    read: ReadBatch,
    batches: Iterable[dict[str, tf.Tensor]],
    charset: Charset | None = None,
    num_examples: int | None = None,
) -> list[Prediction]:
    """Recognise every example once.

    Args:
        read: Recognises a batch, see `on_batches`.
        batches: As for `evaluate_batches`.
        charset: As for `evaluate_batches`.
        num_examples: As for `evaluate_batches`.
    """
    predictions: list[Prediction] = []
    with progress_bar("evaluating", num_examples) as bar:
        for batch in batches:
            with nullcontext() if predictions else compiling(bar, "the evaluation"):
                predictions += _rows(batch, read(batch), charset)
            bar.update(len(predictions) - bar.n)
    return predictions


def evaluation_of(predictions: list[Prediction]) -> Evaluation:
    """Return predictions with their metrics."""
    metrics = compute_metrics(
        [prediction.label for prediction in predictions],
        [prediction.prediction for prediction in predictions],
        [prediction.readable for prediction in predictions],
    )
    return Evaluation(metrics, predictions)


def _rows(
    batch: dict[str, tf.Tensor], recognition: RecognitionOutput, charset: Charset | None
) -> Iterator[Prediction]:
    rows = zip(
        batch["key"].numpy(),
        batch["text"].numpy(),
        recognition.text.numpy(),
        recognition.confidence.numpy(),
        batch["shrunk"].numpy(),
        batch["readable"].numpy(),
        batch.get(ORIGINAL_SIZES, tf.zeros_like(batch["image_sizes"])).numpy(),
        strict=True,
    )
    fold = charset.fold if charset else normalize
    for key, label, text, confidence, shrunk, readable, size in rows:
        yield Prediction(
            key=key.decode("utf-8", errors="replace"),
            label=fold(label.decode("utf-8", errors="replace")),
            prediction=text.decode("utf-8") if readable else "",
            confidence=float(np.float64(confidence)) if readable else 0.0,
            shrunk=bool(shrunk),
            readable=bool(readable),
            height=int(size[0]) if readable else 0,
            width=int(size[1]) if readable else 0,
        )
