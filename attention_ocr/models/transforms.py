"""Learnable transforms of the plane, as displacements of every pixel.

Coordinates are relative to each image: x and y run from -1 at its left and upper edge to 1 at its
right and lower edge, whatever its size. The pixel at (x, y) of the result is sampled at
(x + dx, y + dy). Parameters of zero give displacements of exactly zero.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="attention_ocr")
class AffineTransform:
    """Rotates, scales, shears and shifts (Jaderberg et al., 2015, equation 1).

    (dx, dy) = M (x, y, 1), where M has two rows: the affine matrix without the identity.
    """

    num_parameters = 6

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AffineTransform":
        """Build the transform from the result of `get_config`."""
        return cls(**config)

    def displacements(self, parameters: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Return the displacement of every pixel.

        Args:
            parameters: float32 [B, 6], M row by row.
            x: float32 [B, W], coordinates of the columns.
            y: float32 [B, H], coordinates of the rows.

        Returns:
            float32 [B, H, W, 2], dx and dy.
        """
        matrix = tf.reshape(parameters, (-1, 1, 2, 3))
        along = matrix[..., 0] * x[..., None]  # [B, W, 2]
        down = matrix[..., 1] * y[..., None] + matrix[..., 2]  # [B, H, 2]
        return along[:, None] + down[:, :, None]


@keras.saving.register_keras_serializable(package="attention_ocr")
class ThinPlateSpline:
    """Thin-plate spline (Bookstein, 1989).

    The control points are evenly spaced along the upper and the lower edge of the result (Shi et
    al., 2016, section 3.1); the parameters are their displacements. The spline is linear in them:
    f(p) = a + B p + sum of w_k phi(|p - c_k|), phi(r) = r^2 ln r, and w, a, B are a constant
    matrix times the displacements.

    Args:
        num_points: K, number of control points, even and at least 4.
    """

    def __init__(self, num_points: int) -> None:
        if num_points < 4 or num_points % 2:
            raise ValueError(f"`num_points` must be even and at least 4. Received: {num_points}")
        self.num_points = num_points
        self.num_parameters = 2 * num_points
        places = np.linspace(-1.0, 1.0, num_points // 2)
        self.points = np.array([(x, y) for y in (-1.0, 1.0) for x in places])
        between = ((self.points[:, None] - self.points) ** 2).sum(axis=-1)
        linear = np.concatenate([np.ones((num_points, 1)), self.points], axis=1)
        system = np.zeros((num_points + 3, num_points + 3))
        system[:num_points, :num_points] = between * np.log(np.where(between > 0, between, 1.0))
        system[:num_points, num_points:] = linear
        system[num_points:, :num_points] = linear.T
        self.solver = np.linalg.inv(system)[:, :num_points].astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"num_points": self.num_points}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ThinPlateSpline":
        """Build the transform from the result of `get_config`."""
        return cls(**config)

    def displacements(self, parameters: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Return the displacement of every pixel.

        Args:
            parameters: float32 [B, 2K], dx and dy of each point, interleaved.
            x: float32 [B, W], coordinates of the columns.
            y: float32 [B, H], coordinates of the rows.

        Returns:
            float32 [B, H, W, 2], dx and dy.
        """
        num_points = self.num_points
        at_points = tf.reshape(parameters, (-1, num_points, 2))
        coefficients = tf.einsum("ck,bkd->bcd", tf.constant(self.solver), at_points)
        bends, shift, along, down = tf.split(coefficients, (num_points, 1, 1, 1), axis=1)
        points = tf.constant(self.points, tf.float32)
        squares = (
            tf.square(x[..., None] - points[:, 0])[:, None]
            + tf.square(y[..., None] - points[:, 1])[:, :, None]
        )  # [B, H, W, K]
        # r^2 ln r^2 is twice phi, as in the system that gave the coefficients; it is 0 at r = 0.
        # ONNX has no `xlogy`.
        basis = squares * tf.math.log(tf.maximum(squares, np.finfo(np.float32).tiny))
        shape = tf.shape(basis)
        bent = tf.matmul(tf.reshape(basis, (shape[0], -1, num_points)), bends)
        straight = (along * x[..., None])[:, None] + (shift + down * y[..., None])[:, :, None]
        return straight + tf.reshape(bent, (shape[0], shape[1], shape[2], 2))
