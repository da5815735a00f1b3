"""Adam whose update of a variable is one operation."""

import keras
import tensorflow as tf


class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam (Kingma and Ba, 2015), with TensorFlow's fused kernel for the update.

    Keras spells out the update as a dozen operations over each variable, which on a CPU cost as
    much as a layer of the network. The arithmetic and the variables, so the checkpoints, are the
    same. With `weight_decay` it is AdamW (Loshchilov and Hutter, 2019). AMSGrad is not supported.
    """

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        index = self._get_variable_index(variable)
        apply_adam(
            variable,
            self._momentums[index],
            self._velocities[index],
            gradient,
            self.iterations,
            learning_rate,
            (self.beta_1, self.beta_2, self.epsilon),
        )


def apply_adam(
    variable: tf.Variable,
    momentum: keras.Variable,
    velocity: keras.Variable,
    gradient: tf.Tensor,
    iterations: keras.Variable,
    learning_rate: tf.Tensor,
    settings: tuple[float, float, float],
) -> None:
    """Update a variable in one operation.

    Args:
        variable: what is trained.
        momentum: mean of its gradients.
        velocity: mean of their squares.
        gradient: of the variable, of any type and sparse or dense.
        iterations: updates before this one.
        learning_rate: of this update.
        settings: decay of either mean, and what keeps the root from 0.
    """
    beta_1, beta_2, epsilon = settings
    step = tf.cast(iterations + 1, variable.dtype)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=momentum.value.handle,
        v=velocity.value.handle,
        beta1_power=beta_1**step,
        beta2_power=beta_2**step,
        lr=tf.cast(learning_rate, variable.dtype),
        beta1=beta_1,
        beta2=beta_2,
        epsilon=epsilon,
        grad=tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
    )
