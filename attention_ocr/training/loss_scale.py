"""Loss scaling: gradients that float16 would round to zero, made larger and small again."""

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

LossScaleOptimizer = keras.optimizers.LossScaleOptimizer

SMALLEST_SCALE = 2.0**-14
"""Below it, gradients are not finite whatever the scale: the run has failed."""


def with_loss_scale(
    optimizer: keras.Optimizer, precision: str, variables: Sequence[keras.Variable]
) -> keras.Optimizer:
    """Return an optimiser that scales the loss, if the precision needs it.

    The scale grows twofold after 2,000 finite steps in a row; a step whose gradients are not finite
    is left out and halves it (Micikevicius et al., 2018, section 3.2).

    Args:
        optimizer: what moves the weights, its slots made.
        precision: of the computation, see `training.devices.resolve_precision`.
        variables: what is trained.
    """
    if precision != "float16":
        return optimizer
    scaled = LossScaleOptimizer(optimizer)
    scaled.build(list(variables))
    return scaled


def unscaled_optimizer(optimizer: keras.Optimizer) -> keras.Optimizer:
    """Return the optimiser inside one that scales the loss, whose variables every run has."""
    return optimizer.inner_optimizer if isinstance(optimizer, LossScaleOptimizer) else optimizer


def scale_loss(optimizer: keras.Optimizer, loss: tf.Tensor) -> tf.Tensor:
    """Return the loss times the scale."""
    return optimizer.scale_loss(loss) if isinstance(optimizer, LossScaleOptimizer) else loss


def scale_of(optimizer: keras.Optimizer) -> tf.Tensor | None:
    """Return the scale, float32 scalar; none of an optimiser that does not scale."""
    return optimizer.dynamic_scale.value if isinstance(optimizer, LossScaleOptimizer) else None


def has_vanished(values: Mapping[str, tf.Tensor]) -> bool:
    """Tell whether a step has scaled its loss by so little that training has failed."""
    return float(values.get("loss_scale", SMALLEST_SCALE)) < SMALLEST_SCALE


def numbers_of(optimizer: keras.Optimizer) -> dict[str, float]:
    """Return the state of the scale for a checkpoint."""
    if not isinstance(optimizer, LossScaleOptimizer):
        return {}
    return {
        "loss_scale": float(optimizer.dynamic_scale.numpy()),
        "finite_steps": float(optimizer.step_counter.numpy()),
    }


def go_on_with(optimizer: keras.Optimizer, numbers: Mapping[str, float]) -> None:
    """Set the state of the scale to that of a checkpoint, if it has one."""
    if isinstance(optimizer, LossScaleOptimizer) and "loss_scale" in numbers:
        optimizer.dynamic_scale.assign(numbers["loss_scale"])
        optimizer.step_counter.assign(int(numbers["finite_steps"]))
