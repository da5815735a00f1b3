"""Validation during training: predictions, and the loss by teacher forcing, from one encoding."""

from collections import defaultdict
from typing import NamedTuple

import tensorflow as tf

from attention_ocr.data.pipeline import with_targets
from attention_ocr.decoding.context import prepare_decoding
from attention_ocr.inference.recognize import RecognitionOutput, recognize_encoded
from attention_ocr.models.build import make_recognition_loss
from attention_ocr.models.losses import loss_normalizer
from attention_ocr.models.recognizer import EncoderOutput, Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset
from attention_ocr.training.step import Batch, input_signature

_TARGETS = ("decoder_inputs", "targets", "target_weights")


class _Graphs(NamedTuple):
    """The network in three graphs, for batches of any size, width and length.

    Attributes:
        encode: From `images` and `image_sizes` to an `EncoderOutput`.
        read: From an `EncoderOutput` to a `RecognitionOutput`.
        losses: From an `EncoderOutput` and targets to the loss, its parts and its `normalizer`.
    """

    encode: tf.types.experimental.PolymorphicFunction
    read: tf.types.experimental.PolymorphicFunction
    losses: tf.types.experimental.PolymorphicFunction


class Validation:
    """Reads evaluation batches, and adds up their recognition loss.

    Each batch is encoded once, for decoding and for the loss. Examples that training would skip do
    not count in the loss: unreadable images, and labels over `max_length`.

    Args:
        recognizer: The network.
        config: Its settings.
        charset: Its charset.

    Raises:
        ValueError: If a file in the decoding settings does not match the model.
        OSError: If a file in the decoding settings cannot be read.
    """

    def __init__(self, recognizer: Recognizer, config: Config, charset: Charset) -> None:
        self._recognizer, self._config, self._charset = recognizer, config, charset
        self._decoding = prepare_decoding(config, charset)
        self._loss = make_recognition_loss(config)
        self._graphs: _Graphs | None = None
        self.reset()

    def reset(self) -> None:
        """Start the loss from zero."""
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._total = 0.0

    def read(self, batch: Batch) -> RecognitionOutput:
        """Recognise a batch of `evaluation_batches`, and add its loss."""
        graphs = self._traced()
        encoded = graphs.encode(batch["images"], batch["image_sizes"])
        self._add(encoded, batch)
        recognition: RecognitionOutput = graphs.read(encoded)
        return recognition

    def recognize(self, images: tf.Tensor, image_sizes: tf.Tensor) -> RecognitionOutput:
        """Recognise images, see `inference.recognize`; the loss stays as it is."""
        graphs = self._traced()
        recognition: RecognitionOutput = graphs.read(graphs.encode(images, image_sizes))
        return recognition

    def losses(self) -> dict[str, float]:
        """Return the mean loss and its parts; nothing if no example counted."""
        if not self._total:
            return {}
        return {name: total / self._total for name, total in self._sums.items()}

    def graph(self) -> tf.Graph:
        """Return the graph from images and targets to the loss, for TensorBoard."""

        @tf.function(input_signature=(input_signature(self._config),))
        def losses(batch: Batch) -> dict[str, tf.Tensor]:
            return self._loss(self._recognizer(batch, training=False), batch)

        return losses.get_concrete_function().graph

    def _add(self, encoded: EncoderOutput, batch: Batch) -> None:
        max_length = self._config.model.max_length
        fits = tf.strings.length(batch["text"], unit="UTF8_CHAR") <= max_length
        usable = tf.where(batch["readable"] & fits)[:, 0]
        if not len(usable):
            return
        chosen = tf.nest.map_structure(lambda part: tf.gather(part, usable), encoded)
        taught = with_targets({"text": tf.gather(batch["text"], usable)}, self._charset)
        losses = self._traced().losses(chosen, {name: taught[name] for name in _TARGETS})
        normalizer = float(losses.pop("normalizer"))
        self._total += normalizer
        for name, value in losses.items():
            self._sums[name] += normalizer * float(value)

    def _traced(self) -> _Graphs:
        """Return the graphs, made when they are first used: a run may have no validation data."""
        if self._graphs is None:
            self._graphs = self._make_graphs()
        return self._graphs

    def _make_graphs(self) -> _Graphs:
        recognizer, reduction = self._recognizer, self._config.training.loss_reduction
        signature = input_signature(self._config)

        @tf.function(input_signature=(signature["images"], signature["image_sizes"]))
        def encode(images: tf.Tensor, image_sizes: tf.Tensor) -> EncoderOutput:
            return recognizer.encode(images, image_sizes)

        outputs = encode.get_concrete_function().structured_outputs
        encoding = tf.nest.map_structure(
            lambda part: tf.TensorSpec(part.shape, part.dtype), outputs
        )

        @tf.function(input_signature=(encoding,))
        def read(encoded: EncoderOutput) -> RecognitionOutput:
            return recognize_encoded(recognizer, self._decoding, encoded)

        @tf.function(input_signature=(encoding, {name: signature[name] for name in _TARGETS}))
        def losses(encoded: EncoderOutput, taught: Batch) -> dict[str, tf.Tensor]:
            normalizer = loss_normalizer(taught, reduction)
            found = self._loss(recognizer.teach(encoded, taught), taught, normalizer)
            return found | {"normalizer": normalizer}

        return _Graphs(encode, read, losses)
