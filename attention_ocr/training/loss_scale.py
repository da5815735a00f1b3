"""Loss scaling, which keeps float16 gradients from underflowing."""

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

LossScaleOptimizer = keras.optimizers.LossScaleOptimizer

MIN_SCALE = 2.0**-14
"""Below it, gradients are not finite at any scale: the run has failed."""


def with_loss_scale(
    optimizer: keras.Optimizer, precision: str, variables: Sequence[keras.Variable]
) -> keras.Optimizer:
    """Return an optimiser that scales the loss, if the precision needs it.

    The scale doubles after 2,000 consecutive finite steps; a step whose gradients are not finite is
    skipped and halves it (Micikevicius et al., 2018, section 3.2).

    Args:
        optimizer: The optimiser, with its slots created.
        precision: Compute dtype, see `training.devices.resolve_precision`.
        variables: Trained variables.
    """
    if precision != "float16":
        return optimizer
    scaled = LossScaleOptimizer(optimizer)
    scaled.build(list(variables))
    return scaled


def unscaled_optimizer(optimizer: keras.Optimizer) -> keras.Optimizer:
    """Return the optimiser without loss scaling, whose variables every run has."""
    return optimizer.inner_optimizer if isinstance(optimizer, LossScaleOptimizer) else optimizer


def scale_loss(optimizer: keras.Optimizer, loss: tf.Tensor) -> tf.Tensor:
    """Return the loss multiplied by the scale."""
    return optimizer.scale_loss(loss) if isinstance(optimizer, LossScaleOptimizer) else loss


def scale_of(optimizer: keras.Optimizer) -> tf.Tensor | None:
    """Return the scale, float32 scalar; None for an optimiser that does not scale."""
    return optimizer.dynamic_scale.value if isinstance(optimizer, LossScaleOptimizer) else None


def has_vanished(values: Mapping[str, tf.Tensor]) -> bool:
    """Return whether the scale of a step is so small that training has failed."""
    return float(values.get("loss_scale", MIN_SCALE)) < MIN_SCALE


def numbers_of(optimizer: keras.Optimizer) -> dict[str, float]:
    """Return the state of the scale for a checkpoint."""
    if not isinstance(optimizer, LossScaleOptimizer):
        return {}
    return {
        "loss_scale": float(optimizer.dynamic_scale.numpy()),
        "finite_steps": float(optimizer.step_counter.numpy()),
    }


def restore(optimizer: keras.Optimizer, numbers: Mapping[str, float]) -> None:
    """Restore the state of the scale from a checkpoint, if it has one."""
    if isinstance(optimizer, LossScaleOptimizer) and "loss_scale" in numbers:
        optimizer.dynamic_scale.assign(numbers["loss_scale"])
        optimizer.step_counter.assign(int(numbers["finite_steps"]))
