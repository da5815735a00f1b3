"""The loss on validation data, by teacher forcing, to compare with the training loss."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import tensorflow as tf

from attention_ocr.data.pipeline import with_targets
from attention_ocr.models.build import make_recognition_loss
from attention_ocr.models.losses import loss_normalizer
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset
from attention_ocr.training.step import Batch, input_signature


class ValidationLoss:
    """Computes the recognition loss of evaluation batches.

    Examples that training would skip do not count: unreadable images, and labels over `max_length`.

    Args:
        recognizer: The network.
        config: Its settings.
        charset: Its charset.
    """

    def __init__(self, recognizer: Recognizer, config: Config, charset: Charset) -> None:
        loss = make_recognition_loss(config)
        self._charset, self._max_length = charset, config.model.max_length
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._total = 0.0

        @tf.function(input_signature=(input_signature(config),))
        def losses(batch: Batch) -> dict[str, tf.Tensor]:
            normalizer = loss_normalizer(batch, config.training.loss_reduction)
            outputs = recognizer(batch, training=False)
            return loss(outputs, batch, normalizer) | {"normalizer": normalizer}

        self._losses = losses
        self._names = tuple(input_signature(config))

    @property
    def graph(self) -> tf.Graph:
        """The graph from images and labels to the loss."""
        return self._losses.get_concrete_function().graph

    def watching(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield batches of `evaluation_batches`, and add up their losses; starts from zero."""
        self._sums.clear()
        self._total = 0.0
        for batch in batches:
            self._add(batch)
            yield batch

    def values(self) -> dict[str, float]:
        """Return the mean loss and its parts; nothing if no example counted."""
        if not self._total:
            return {}
        return {name: total / self._total for name, total in self._sums.items()}

    def _add(self, batch: Batch) -> None:
        fits = tf.strings.length(batch["text"], unit="UTF8_CHAR") <= self._max_length
        usable = tf.where(batch["readable"] & fits)[:, 0]
        if not len(usable):
            return
        chosen = {
            name: tf.gather(batch[name], usable) for name in ("images", "image_sizes", "text")
        }
        taught = with_targets(chosen, self._charset)
        losses = self._losses({name: taught[name] for name in self._names})
        normalizer = float(losses.pop("normalizer"))
        self._total += normalizer
        for name, value in losses.items():
            self._sums[name] += normalizer * float(value)
