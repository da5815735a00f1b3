"""TensorBoard summaries of a run."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hp

from attention_ocr.evaluation.evaluate import Evaluation, Recognize
from attention_ocr.images.graph_fitting import unpad_image
from attention_ocr.settings.config import Config
from attention_ocr.text.escaping import escape_controls, to_json
from attention_ocr.training.tracking import Tracker
from attention_ocr.visualization.overlay import attention_strip, caption

NUM_IMAGES = 8
_NOT_COMPARED = ("eval_every", "checkpoint_every", "summary_every", "keep_checkpoints", "tracker")


class Summaries:
    """Writes scalars, images and text for TensorBoard.

    Args:
        directory: Directory of the event files.
        num_views: Number of views of each image.
        tracker: Receives all scalars as well; closed with the event file.
    """

    def __init__(self, directory: Path, num_views: int = 1, tracker: Tracker | None = None) -> None:
        self._num_views = num_views
        self._tracker = tracker
        self._writer = tf.summary.create_file_writer(str(directory))

    def settings(self, config: Config, step: int, name: str) -> None:
        """Write the settings as text, and as hyperparameters by which runs can be compared.

        Args:
            config: The settings.
            step: Step of the run.
            name: Name of the run among those that it is compared with.
        """
        document = json.dumps(config.to_dict(), indent=2)
        with self._writer.as_default(step):
            tf.summary.text("settings", "\n".join(f"    {line}" for line in document.splitlines()))
            hp.hparams(hyperparameters(config), trial_id=escape_controls(name))

    def graph(self, graph: tf.Graph) -> None:
        """Write the graph of the network."""
        with self._writer.as_default(0):
            tf.summary.graph(graph)

    def training(self, values: dict[str, float], step: int) -> None:
        """Write the scalars of training: losses, learning rate, gradient norm, speed."""
        self._write_scalars("training", values, step)

    def validation(
        self, evaluation: Evaluation, step: int, others: Mapping[str, float] | None = None
    ) -> None:
        """Write the metrics of a validation, and others such as its losses."""
        metrics = dataclasses.asdict(evaluation.metrics)
        names = ("exact_match", "alphanumeric_match", "cer", "wer", "ned")
        values = {name: metrics[name] for name in names} | dict(others or {})
        self._write_scalars("validation", values, step)

    def images(self, recognize: Recognize, batch: dict[str, tf.Tensor], step: int) -> None:
        """Write some images with label and prediction, and the attention over them."""
        images, sizes = batch["images"][:NUM_IMAGES], batch["image_sizes"][:NUM_IMAGES]
        recognition = recognize(images, sizes)
        rows = zip(
            images.numpy(),
            sizes.numpy(),
            batch["text"][:NUM_IMAGES].numpy(),
            recognition.text.numpy(),
            recognition.confidence.numpy(),
            recognition.attention.numpy(),
            strict=True,
        )
        with self._writer.as_default(step):
            for index, (image, size, label, text, confidence, attention) in enumerate(rows):
                prediction = text.decode("utf-8")
                line = (
                    f"{label.decode('utf-8', errors='replace')} | {prediction} ({confidence:.2f})"
                )
                crop = _colour(unpad_image(image, size, self._num_views))
                extent = size / (image.shape[0] // self._num_views, image.shape[1])
                tf.summary.image(f"validation/{index}", caption(crop, line)[None])
                strip = attention_strip(crop, prediction, attention, extent)
                tf.summary.image(f"attention/{index}", caption(strip, line)[None])

    def rectified(
        self,
        rectify: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
        batch: dict[str, tf.Tensor],
        step: int,
    ) -> None:
        """Write some images, each above its rectified image."""
        images, sizes = batch["images"][:NUM_IMAGES], batch["image_sizes"][:NUM_IMAGES]
        rows = zip(images.numpy(), rectify(images, sizes).numpy(), sizes.numpy(), strict=True)
        with self._writer.as_default(step):
            for index, (before, after, size) in enumerate(rows):
                crops = [
                    _colour(unpad_image(image, size, self._num_views)) for image in (before, after)
                ]
                gap = np.full((2, crops[0].shape[1], 3), 255, np.uint8)
                stacked = np.concatenate([crops[0], gap, crops[1]])
                tf.summary.image(f"rectified/{index}", stacked[None])

    def flush(self) -> None:
        """Flush buffered events to disk."""
        self._writer.flush()

    def close(self) -> None:
        """Flush buffered events and close the file."""
        self._writer.close()
        if self._tracker is not None:
            self._tracker.close()

    def _write_scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        with self._writer.as_default(step):
            for name, value in values.items():
                tf.summary.scalar(f"{group}/{name}", value)
        if self._tracker is not None:
            self._tracker.log({f"{group}/{name}": value for name, value in values.items()}, step)


def hyperparameters(config: Config) -> dict[str, bool | int | float | str]:
    """Return the settings by which runs are compared: of network, training and augmentation."""
    sections = (config.image, config.model, config.decoder, config.training, config.augmentation)
    values = {
        name: value
        for section in sections
        for name, value in dataclasses.asdict(section).items()
        if name not in _NOT_COMPARED
    }
    values["batch_size"] = config.data.batch_size
    return {
        name: value if isinstance(value, bool | int | float) else _as_text(value)
        for name, value in values.items()
    }


def _as_text(value: Any) -> str:
    return escape_controls(value) if isinstance(value, str) else to_json(value)


def _colour(image: np.ndarray) -> np.ndarray:
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image
