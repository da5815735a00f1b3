"""Schedules of the scheduled-sampling probability."""

import math
from collections.abc import Callable

import tensorflow as tf

from attention_ocr.settings.training import TrainingConfig


def sampling_schedule(settings: TrainingConfig) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """Return the probability of feeding a sampled character, as a function of the step.

    It rises from 0 towards `sampling_final` = f over `sampling_steps` = L steps, by one of the
    schedules of Bengio et al., 2015, section 2.4, for the probability of the true character:

    - `linear`: f i / L, and f from step L on;
    - `exponential`: 1 - k^i with k^L = 1 - f, and f from step L on;
    - `inverse_sigmoid`: f (1 - k / (k + exp(i / k))) with k ln k = L / 2, half of f at L / 2.

    Args:
        settings: Training settings.

    Returns:
        A function from the step, an integer scalar counted from 0, to a float32 scalar; None if
        nothing is sampled.
    """
    final, length = settings.sampling_final, float(settings.sampling_steps)
    if settings.scheduled_sampling == "none":
        return None
    if settings.scheduled_sampling == "inverse_sigmoid":
        k = _scale(length / 2)
        # 1 - k / (k + exp(i / k)) is the sigmoid of i / k - ln k.
        return lambda step: final * tf.sigmoid(tf.cast(step, tf.float32) / k - math.log(k))

    def share(step: tf.Tensor) -> tf.Tensor:
        return tf.minimum(tf.cast(step, tf.float32) / length, 1.0)

    if settings.scheduled_sampling == "linear":
        return lambda step: final * share(step)
    return lambda step: 1.0 - (1.0 - final) ** share(step)


def _scale(middle: float) -> float:
    """Return the k > 1 with `k ln k = middle`, by Newton's method."""
    k = 1.0 + middle
    for _ in range(50):
        k -= (k * math.log(k) - middle) / (math.log(k) + 1.0)
    return k
