"""Optimiser, schedule, and the average of the weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from attention_ocr.settings.training import TrainingConfig
from attention_ocr.training.fused_adamw import FusedAdamW

NOT_DECAYED = ("bias", "beta", "gamma")
"""Names of the variables that weight decay spares."""


def make_optimizer(settings: TrainingConfig, variables: list[keras.Variable]) -> keras.Optimizer:
    """Return AdamW (Loshchilov and Hutter, 2019) with warm-up and cosine, its slots made.

    The rate rises linearly over `warmup_steps` and falls along half a cosine to
    `final_learning_rate` of its peak at `steps` (Loshchilov and Hutter, 2017). Biases and
    normalisation scales do not decay.

    Args:
        settings: of the training.
        variables: what is trained.
    """
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if settings.warmup_steps else settings.learning_rate,
        decay_steps=settings.steps - settings.warmup_steps,
        alpha=settings.final_learning_rate,
        warmup_target=settings.learning_rate if settings.warmup_steps else None,
        warmup_steps=settings.warmup_steps,
    )
    optimizer = FusedAdamW(
        schedule,
        weight_decay=settings.weight_decay,
        beta_2=0.99,
        # Of the mean gradient of a batch the smallest entries are near 1e-7.
        epsilon=1e-8,
    )
    optimizer.exclude_from_weight_decay(
        var_list=[variable for variable in variables if variable.name in NOT_DECAYED]
    )
    optimizer.build(variables)
    return optimizer


class AveragedWeights:
    """Exponential moving average of all weights, the statistics of normalisation included.

    The decay grows with the step, `min(decay, (1 + step) / (10 + step))`, so that the random
    weights of the start are soon forgotten (as `tf.train.ExponentialMovingAverage` does).

    Args:
        weights: what is averaged.
        decay: of the average; 0 keeps the weights themselves.
    """

    def __init__(self, weights: list[keras.Variable], decay: float) -> None:
        self.weights = weights
        self.decay = decay
        self.averages = [
            tf.Variable(weight.value, trainable=False, name=f"average_{index}")
            for index, weight in enumerate(weights)
        ]

    def update(self, step: tf.Tensor) -> None:
        """Move the averages towards the weights after step `step` (from 0)."""
        step = tf.cast(step, tf.float32)
        decay = tf.minimum(self.decay, (1.0 + step) / (10.0 + step))
        for average, weight in zip(self.averages, self.weights, strict=True):
            if not average.dtype.is_floating:
                # A count, as some networks of `keras.applications` keep.
                average.assign(weight.value)
                continue
            average.assign_sub((average - weight.value) * (1.0 - decay))

    def restart(self) -> None:
        """Begin again with the weights as they are."""
        for average, weight in zip(self.averages, self.weights, strict=True):
            average.assign(weight.value)

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Give the network its averages inside the `with` block, and its weights back after it."""
        weights = [tf.identity(weight.value) for weight in self.weights]
        for weight, average in zip(self.weights, self.averages, strict=True):
            weight.assign(average)
        try:
            yield
        finally:
            for weight, value in zip(self.weights, weights, strict=True):
                weight.assign(value)
