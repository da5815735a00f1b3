"""The temperature that calibrates confidences."""

from typing import TypeAlias

import tensorflow as tf

Temperature: TypeAlias = float | tf.Variable
"""A fixed number, or a float32 variable while it is fitted."""


def is_neutral(temperature: Temperature) -> bool:
    """Tell whether a temperature is fixed and changes nothing."""
    return isinstance(temperature, float) and temperature == 1.0


def at_temperature(logits: tf.Tensor, temperature: Temperature) -> tf.Tensor:
    """Divide logits by the temperature, in float32 (Guo et al., 2017, section 4.2)."""
    logits = tf.cast(logits, tf.float32)
    return logits if is_neutral(temperature) else logits / temperature
