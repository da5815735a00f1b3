"""Optimiser, clipping, and the average of the weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import keras
import tensorflow as tf

from attention_ocr.inference.work_directory import weight_name
from attention_ocr.settings.training import DEFAULT_STEPS, TrainingConfig
from attention_ocr.training.flattened_muon import make_muon
from attention_ocr.training.fused_adam import FusedAdam
from attention_ocr.training.initial_weights import has_prefix, matching_names
from attention_ocr.training.learning_rate import LearningRate

NOT_DECAYED = ("bias", "beta", "gamma")
"""Names of variables exempt from weight decay and L2."""


def make_learning_rate(settings: TrainingConfig) -> LearningRate:
    """Return the learning-rate schedule, over `DEFAULT_STEPS` if `steps` is 0."""
    return LearningRate(
        settings.schedule,
        peak=settings.learning_rate,
        warmup_steps=settings.warmup_steps,
        steps=settings.steps or DEFAULT_STEPS,
        final=settings.final_learning_rate,
        decay_steps=settings.decay_steps,
    )


def make_optimizer(settings: TrainingConfig, variables: list[keras.Variable]) -> keras.Optimizer:
    """Return the optimiser with its learning rate, its slots created.

    `adamw` and `muon` have decoupled weight decay (Loshchilov and Hutter, 2019), from which biases
    and normalisation scales are exempt; `adamw` is otherwise `adam` (Kingma and Ba, 2015).

    Args:
        settings: Training settings.
        variables: Trained variables.

    Raises:
        ValueError: If `learning_rate_scales` names weights that are not trained.
    """
    rate = make_learning_rate(settings)
    if settings.optimizer in ("adamw", "adam"):
        optimizer = FusedAdam(
            rate,
            weight_decay=settings.weight_decay if settings.optimizer == "adamw" else None,
            beta_2=0.99,
            # The smallest entries of the mean gradient of a batch are near 1e-7.
            epsilon=1e-8,
        )
        optimizer.exclude_from_weight_decay(
            var_list=[variable for variable in variables if variable.name in NOT_DECAYED]
        )
    elif settings.optimizer == "muon":
        optimizer = make_muon(
            rate, settings.weight_decay, settings.momentum, beta_2=0.99, epsilon=1e-8
        )
        optimizer.exclude_from_weight_decay(
            var_list=[variable for variable in variables if variable.name in NOT_DECAYED]
        )
    elif settings.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=settings.momentum)
    elif settings.optimizer == "rmsprop":
        optimizer = keras.optimizers.RMSprop(rate, momentum=settings.momentum)
    elif settings.optimizer == "adadelta":
        optimizer = keras.optimizers.Adadelta(rate)
    else:
        optimizer = keras.optimizers.Adagrad(rate)
    optimizer.build(variables)
    if factors := settings.learning_rate_factors():
        _scale_learning_rates(optimizer, variables, factors)
    return optimizer


def _scale_learning_rates(
    optimizer: keras.Optimizer, variables: list[keras.Variable], factors: Mapping[str, float]
) -> None:
    """Make the optimiser multiply its rate by the factor of the longest matching prefix.

    Adam and similar optimisers cancel a factor of the gradient, so the rate itself is scaled.
    """
    names = [weight_name(variable) for variable in variables]
    for prefix in factors:
        matching_names(names, prefix)
    scales = [
        next(
            (
                factors[prefix]
                for prefix in sorted(factors, key=len, reverse=True)
                if has_prefix(name, prefix)
            ),
            1.0,
        )
        for name in names
    ]
    update = optimizer.update_step

    def scaled_update(gradient: tf.Tensor, variable: tf.Variable, rate: tf.Tensor) -> None:
        update(gradient, variable, rate * scales[optimizer._get_variable_index(variable)])

    optimizer.update_step = scaled_update


def clip_gradients(
    gradients: list[tf.Tensor], settings: TrainingConfig
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Return the gradients clipped to `clip_norm`, and their global norm before clipping.

    Args:
        gradients: Gradient of each variable.
        settings: Training settings. `clipping` is `global_norm` (Pascanu et al., 2013), which
            limits the norm of all gradients together, or `per_variable`.
    """
    norm = tf.linalg.global_norm(gradients)
    if settings.clip_norm == 0 or settings.clipping == "none":
        return gradients, norm
    limit = settings.clip_norm
    if settings.clipping == "per_variable":
        return [tf.clip_by_norm(gradient, limit) for gradient in gradients], norm
    scale = limit / tf.maximum(norm, limit)
    return [gradient * scale for gradient in gradients], norm


class AveragedWeights:
    """Exponential moving average of all weights, including normalisation statistics.

    The decay grows with the step, `min(decay, (1 + step) / (10 + step))`, so that the random
    initial weights are soon forgotten (as in `tf.train.ExponentialMovingAverage`).

    Args:
        weights: Averaged weights.
        decay: Decay of the average; with 0 it equals the weights.
    """

    def __init__(self, weights: list[keras.Variable], decay: float) -> None:
        self.weights = weights
        self.decay = decay
        self.averages = [
            tf.Variable(weight.value, trainable=False, name=f"average_{index}")
            for index, weight in enumerate(weights)
        ]

    def update(self, step: tf.Tensor) -> None:
        """Update the averages after step `step`, counted from 0."""
        step = tf.cast(step, tf.float32)
        decay = tf.minimum(self.decay, (1.0 + step) / (10.0 + step))
        for average, weight in zip(self.averages, self.weights, strict=True):
            if not average.dtype.is_floating:
                # A counter, as in some networks of `keras.applications`.
                average.assign(weight.value)
                continue
            average.assign_sub((average - weight.value) * (1.0 - decay))

    def restart(self) -> None:
        """Reset the averages to the current weights."""
        for average, weight in zip(self.averages, self.weights, strict=True):
            average.assign(weight.value)

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Use the averages as weights of the network inside the `with` block."""
        weights = [tf.identity(weight.value) for weight in self.weights]
        for weight, average in zip(self.weights, self.averages, strict=True):
            weight.assign(average)
        try:
            yield
        finally:
            for weight, value in zip(self.weights, weights, strict=True):
                weight.assign(value)
