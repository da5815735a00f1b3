"""Muon for kernels of any rank."""

from inspect import signature
from typing import Any

import keras
import tensorflow as tf

from attention_ocr.training.fused_adam import apply_adam

HAS_MUON = "adam_weight_decay" in signature(keras.optimizers.Muon).parameters
"""Whether Keras's Muon is as it has been since 3.15; earlier ones train matrices only."""


class FlattenedMuon(keras.optimizers.Muon):
    """Keras's Muon (Jordan et al., 2024), extended to kernels that are not matrices.

    The update of a matrix is its momentum with all singular values brought near 1. A convolution
    kernel `[h, w, in, out]` is treated as the matrix `[h * w * in, out]`, and a kernel of several
    directions, `[directions, in, out]`, as that many matrices; Keras leaves both to Adam. The scale
    gives updates about the length of Adam's, so that Adam's learning rates and weight decay still
    apply (Liu et al., 2025, section 2.2). Embeddings, the projections to logits, biases and
    scales are trained by Adam (Kingma and Ba, 2015), in the kernel that `FusedAdam` uses.

    The iteration that computes the update runs in bfloat16 and takes a few percent of a step.
    """

    def _should_use_adamw(self, variable: keras.Variable) -> bool:
        if len(variable.shape) < 2 or min(as_matrices(variable.shape)[-2:]) == 1:
            return True
        if self.exclude_embeddings and "embedding" in variable.path.lower():
            return True
        return any(name in variable.path for name in self.exclude_layers)

    def _adamw_update_step(
        self,
        gradient: tf.Tensor,
        variable: tf.Variable,
        learning_rate: tf.Tensor,
        momentum: keras.Variable,
        velocity: keras.Variable,
    ) -> None:
        apply_adam(
            variable,
            momentum,
            velocity,
            gradient,
            self.iterations,
            learning_rate,
            (self.adam_beta_1, self.adam_beta_2, self.epsilon),
        )

    def _muon_update_step(
        self,
        gradient: tf.Tensor,
        variable: tf.Variable,
        learning_rate: tf.Tensor,
        momentum: keras.Variable,
    ) -> None:
        shape = as_matrices(variable.shape)
        gradient = tf.cast(gradient, variable.dtype)
        momentum.value.assign(momentum.value * self.momentum + gradient)
        direction = momentum.value
        if self.nesterov:
            direction = gradient + self.momentum * direction
        update = orthogonalize(
            tf.reshape(direction, shape), self.ns_steps, (self.muon_a, self.muon_b, self.muon_c)
        )
        scale = self.rms_rate * max(shape[-2:]) ** 0.5 if self.rms_rate else 1.0
        update = tf.reshape(tf.cast(update, variable.dtype), variable.shape)
        variable.assign_sub(tf.cast(learning_rate, variable.dtype) * scale * update)


def as_matrices(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape in which a kernel is a matrix or a stack of matrices.

    Example:
        >>> as_matrices((3, 3, 16, 32)), as_matrices((2, 8, 32))
        ((144, 32), (2, 8, 32))
    """
    if len(shape) != 4:
        return tuple(shape)
    height, width, inputs, outputs = shape
    return height * width * inputs, outputs


def orthogonalize(
    matrix: tf.Tensor, steps: int, coefficients: tuple[float, float, float]
) -> tf.Tensor:
    """Bring the singular values of matrices near 1 by a quintic Newton-Schulz iteration.

    Args:
        matrix: float [..., n, m].
        steps: Number of iterations.
        coefficients: Coefficients of the polynomial `a x + b x^3 + c x^5`.

    Returns:
        bfloat16 [..., n, m].
    """
    a, b, c = coefficients
    wide = matrix.shape[-2] <= matrix.shape[-1]
    # A tall matrix is transposed, so that the products have the size of its shorter side.
    norm = tf.norm(matrix, axis=(-2, -1), keepdims=True)
    x = tf.cast(matrix / (norm + 1e-7), tf.bfloat16)
    if not wide:
        x = tf.linalg.matrix_transpose(x)
    for _ in range(steps):
        product = tf.matmul(x, x, transpose_b=True)
        x = a * x + tf.matmul(b * product + c * tf.matmul(product, product), x)
    return x if wide else tf.linalg.matrix_transpose(x)


def make_muon(
    learning_rate: Any, weight_decay: float, momentum: float, beta_2: float, epsilon: float
) -> FlattenedMuon:
    """Return the optimiser with one learning rate and one weight decay for Muon and Adam.

    Raises:
        ValueError: If the installed Keras is too old.
    """
    if not HAS_MUON:
        raise ValueError(
            "`optimizer=muon` needs Keras 3.15.1 or later, and with it Python 3.11. "
            f"Received: Keras {keras.__version__}"
        )
    return FlattenedMuon(
        learning_rate,
        weight_decay=weight_decay,
        adam_weight_decay=weight_decay,
        adam_beta_2=beta_2,
        epsilon=epsilon,
        momentum=momentum,
        exclude_layers=["decoder/output", "ctc_head"],
    )
