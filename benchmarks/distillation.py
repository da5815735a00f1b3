"""Knowledge distillation: training with the soft predictions of a teacher and the labels.

If the teacher reads an image as labelled, its distributions over the characters are additional
targets of the attention decoder, at a temperature (Hinton et al., 2015, section 2); otherwise the
label is the only target.
"""

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from attention_ocr.data.sources import Walk, open_source
from attention_ocr.models.losses import loss_normalizer
from attention_ocr.models.recognizer import Recognizer
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import ASCII, SPECIAL_TOKENS
from attention_ocr.training.losses import make_loss
from attention_ocr.training.optimization import AveragedWeights, clip_gradients
from attention_ocr.training.step import Batch, input_signature

SOFT = Path(__file__).with_name("peers") / "soft.py"

NUM_SPECIAL = len(SPECIAL_TOKENS)


class TeacherReading(NamedTuple):
    """The teacher's prediction for an image.

    Attributes:
        key: Key of the image.
        label: Its label.
        text: The teacher's text.
        log_probabilities: Float16 [characters, 94] of `text`, in nats.
    """

    key: str
    label: str
    text: str
    log_probabilities: np.ndarray


def ask_teacher(source: str, folder: Path, python: str) -> None:
    """Write the teacher's predictions for all images of a source to a folder, once.

    Args:
        source: A finite source.
        folder: Output folder for the images, `labels.tsv` with the teacher's texts as labels,
            without empty and non-ASCII ones, and finally `readings.npz`.
        python: Interpreter of the peers' environment (`benchmarks/peers/requirements.txt`).

    Raises:
        OSError: If the teacher failed; the message has its last line.
    """
    if (folder / "readings.npz").exists():
        return
    (folder / "images").mkdir(parents=True, exist_ok=True)
    paths, named = [], []
    for index, row in enumerate(open_source(source).files(Walk()).as_numpy_iterator()):
        paths.append(folder / "images" / f"{index}.png")
        paths[-1].write_bytes(row["encoded"])
        named.append((row["key"].decode("utf-8"), row["text"].decode("utf-8")))
    (folder / "named.json").write_text(json.dumps(named), encoding="utf-8")
    written = folder / "unfinished.npz"
    lines = "".join(f"{path.resolve()}\n" for path in paths)
    result = subprocess.run(
        [python, str(SOFT), str(written)], input=lines, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        said = result.stderr.strip().splitlines()
        raise OSError(f"The teacher failed: {said[-1] if said else 'it said nothing'}")
    with np.load(written) as readings:
        texts = readings["texts"].tolist()
    (folder / "labels.tsv").write_text(
        "".join(
            f"images/{path.name}\t{text}\n"
            for path, text in zip(paths, texts, strict=True)
            if text and set(text) <= set(ASCII)
        ),
        encoding="utf-8",
    )
    written.replace(folder / "readings.npz")


def teacher_readings(folder: Path) -> list[TeacherReading]:
    """Load the output of `ask_teacher`."""
    named = json.loads((folder / "named.json").read_text(encoding="utf-8"))
    with np.load(folder / "readings.npz") as readings:
        texts, lengths = readings["texts"].tolist(), readings["lengths"]
        parts = np.split(readings["log_probabilities"], np.cumsum(lengths)[:-1])
    return [
        TeacherReading(key, label, text, part)
        for (key, label), text, part in zip(named, texts, parts, strict=True)
    ]


class Teacher:
    """Soft targets of the ASCII images that the teacher reads as labelled.

    Args:
        readings: Predictions for all images.
        temperature: Divisor of its logits, above 0.

    Raises:
        ValueError: If two images have the same key and label.
    """

    def __init__(self, readings: Iterable[TeacherReading], temperature: float) -> None:
        self.temperature = temperature
        self._probabilities: dict[tuple[str, str], np.ndarray] = {}
        for reading in readings:
            name = (reading.key, reading.label)
            if name in self._probabilities:
                raise ValueError(f"Expected unique pairs of key and label. Received twice: {name}")
            # A space has no class among the 94.
            if reading.text == reading.label and set(reading.text) <= set(ASCII):
                self._probabilities[name] = reading.log_probabilities
        self.num_right = len(self._probabilities)

    def soft_targets(self, batch: Mapping[str, tf.Tensor]) -> np.ndarray:
        """Return distributions, float32 [B, T, 94], zero where there is no soft target.

        Args:
            batch: `key` and `text` string [B], and `targets` int32 [B, T].
        """
        shape = tuple(batch["targets"].shape)
        targets = np.zeros((*shape, len(ASCII)), np.float32)
        names = zip(batch["key"].numpy(), batch["text"].numpy(), strict=True)
        for target, (key, text) in zip(targets, names, strict=True):
            soft = self._probabilities.get((key.decode("utf-8"), text.decode("utf-8")))
            if soft is not None:
                scores = np.exp(soft.astype(np.float32) / self.temperature)
                target[: len(soft)] = scores / scores.sum(axis=1, keepdims=True)
        return targets


def distillation_change(
    logits: tf.Tensor, targets: tf.Tensor, soft_targets: tf.Tensor, share: float, temperature: float
) -> tf.Tensor:
    """Return the change of the summed cross-entropy by soft targets, in nats.

    At characters with a soft target, `share` of the cross-entropy with the label is replaced by
    that with the soft target, over characters only, times the squared temperature, which preserves
    the gradient's magnitude (Hinton et al., 2015, section 2).

    Args:
        logits: Float [B, T, V], the ASCII characters after the special tokens.
        targets: Int32 [B, T].
        soft_targets: Float32 [B, T, 94], zero where there is none.
        share: Share of the soft loss, in [0, 1].
        temperature: Divisor of the logits.

    Returns:
        Float32 scalar.
    """
    logits = tf.cast(logits, tf.float32)
    is_soft = tf.reduce_sum(soft_targets, axis=-1)
    hard = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    characters = tf.nn.log_softmax(logits[..., NUM_SPECIAL:] / temperature)
    soft = -tf.reduce_sum(soft_targets * characters, axis=-1)
    return share * tf.reduce_sum(temperature**2 * soft - is_soft * hard)


def make_distilling_step(
    teacher: Teacher,
    share: float,
    strategy: tf.distribute.Strategy,
    recognizer: Recognizer,
    optimizer: keras.Optimizer,
    averages: AveragedWeights,
    config: Config,
) -> Callable[[Batch], dict[str, tf.Tensor]]:
    """Return the training step of `training.step` with a teacher, on one device.

    A separate implementation, as the package's step has no input for soft targets.

    Args:
        teacher: Soft targets of the images.
        share: See `distillation_change`.
        strategy: Unused.
        recognizer: A recogniser with a decoder.
        optimizer: Optimizer of its trainable variables.
        averages: Averages of its weights.
        config: Settings.
    """
    del strategy
    variables = recognizer.trainable_variables
    loss = make_loss(config, variables)
    soft_signature = tf.TensorSpec((None, None, len(ASCII)), tf.float32)

    @tf.function(input_signature=(input_signature(config), soft_signature))
    def train_step(batch: Batch, soft_targets: tf.Tensor) -> dict[str, tf.Tensor]:
        normalizer = loss_normalizer(batch, config.training.loss_reduction)
        with tf.GradientTape() as tape:
            outputs = recognizer(batch, training=True)
            losses = loss(outputs, batch, normalizer=normalizer)
            change = distillation_change(
                outputs["logits"], batch["targets"], soft_targets, share, teacher.temperature
            )
            losses["loss"] += config.model.attention_weight * change / normalizer
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(losses["loss"], variables)]
        gradients, _ = clip_gradients(gradients, config.training)
        optimizer.apply(gradients, variables)
        averages.update(optimizer.iterations)
        return losses

    def distilling_step(batch: Batch) -> dict[str, tf.Tensor]:
        inputs = {name: batch[name] for name in input_signature(config)}
        return train_step(inputs, teacher.soft_targets(batch))

    return distilling_step
