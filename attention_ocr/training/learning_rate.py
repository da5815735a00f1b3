"""The learning rate of each step."""

import math
from typing import Any

import keras
import tensorflow as tf


class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise from 0 to the peak, then a fall to a fraction of it, at which the rate stays.

    The fall is half a cosine (`cosine`; Loshchilov and Hutter, 2017), by the same factor in every
    step (`exponential`), or none (`constant`). In a `trapezoid` the rate stays at its peak until
    the last `decay_steps` and falls there by one minus a square root (Hägele et al., 2024, section
    3): the run can then be prolonged until the fall begins.

    Args:
        shape: `cosine`, `exponential`, `constant` or `trapezoid`.
        peak: of the rate.
        warmup_steps: of the rise; 0 starts at the peak.
        steps: of the whole run, the rise included.
        final: fraction of the peak at which the fall ends, at `steps`.
        decay_steps: of the fall of a `trapezoid`.
    """

    def __init__(
        self,
        shape: str,
        peak: float,
        warmup_steps: int,
        steps: int,
        final: float,
        decay_steps: int = 0,
    ) -> None:
        self.shape = shape
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.steps = steps
        self.final = final
        self.decay_steps = decay_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step = tf.cast(step, tf.float32)
        fallen = (step - self.warmup_steps) / (self.steps - self.warmup_steps)
        fallen = tf.clip_by_value(fallen, 0.0, 1.0)
        if self.shape == "cosine":
            share = self.final + (1.0 - self.final) * (1.0 + tf.cos(math.pi * fallen)) / 2.0
        elif self.shape == "exponential":
            share = self.final**fallen
        elif self.shape == "trapezoid":
            fallen = (step - (self.steps - self.decay_steps)) / self.decay_steps
            share = self.final + (1.0 - self.final) * (
                1.0 - tf.sqrt(tf.clip_by_value(fallen, 0.0, 1.0))
            )
        else:
            share = tf.ones_like(fallen)
        if self.warmup_steps:
            share = tf.where(step < self.warmup_steps, step / self.warmup_steps, share)
        return self.peak * share

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return dict(vars(self))
