"""The learning rate of each step."""

import math
from typing import Any

import keras
import tensorflow as tf


class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up from 0 to the peak, then a decay to a fraction of it, which is kept.

    The decay is half a cosine (`cosine`; Loshchilov and Hutter, 2017), a constant factor per step
    (`exponential`), or none (`constant`). In a `trapezoid` the rate stays at its peak until the
    last `decay_steps`, and decays by one minus a square root (Hägele et al., 2024, section 3): the
    run can be extended until the decay begins.

    Args:
        shape: `cosine`, `exponential`, `constant` or `trapezoid`.
        peak: Maximum learning rate.
        warmup_steps: Number of warm-up steps; with 0 the rate starts at the peak.
        steps: Number of steps of the whole run, including warm-up.
        final: Final rate, at `steps`, as a fraction of the peak.
        decay_steps: Number of decay steps of a `trapezoid`.
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
