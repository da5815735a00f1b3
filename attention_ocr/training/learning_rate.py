"""The learning rate of each step."""

import math
from typing import Any

import keras
import tensorflow as tf


class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise from 0 to the peak, then a fall to a fraction of it, at which the rate stays.

    The fall is half a cosine (`cosine`; Loshchilov and Hutter, 2017), by the same factor in every
    step (`exponential`), or none (`constant`).

    Args:
        shape: `cosine`, `exponential` or `constant`.
        peak: of the rate.
        warmup_steps: of the rise; 0 starts at the peak.
        steps: of the whole run, the rise included.
        final: fraction of the peak at which the fall ends, at `steps`.
    """

    def __init__(
        self, shape: str, peak: float, warmup_steps: int, steps: int, final: float
    ) -> None:
        self.shape = shape
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.steps = steps
        self.final = final

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step = tf.cast(step, tf.float32)
        fallen = (step - self.warmup_steps) / (self.steps - self.warmup_steps)
        fallen = tf.clip_by_value(fallen, 0.0, 1.0)
        if self.shape == "cosine":
            share = self.final + (1.0 - self.final) * (1.0 + tf.cos(math.pi * fallen)) / 2.0
        elif self.shape == "exponential":
            share = self.final**fallen
        else:
            share = tf.ones_like(fallen)
        if self.warmup_steps:
            share = tf.where(step < self.warmup_steps, step / self.warmup_steps, share)
        return self.peak * share

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return dict(vars(self))
