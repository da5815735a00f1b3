"""Adam with one fused operation per variable."""

import keras
import tensorflow as tf


class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam (Kingma and Ba, 2015), with TensorFlow's fused kernel for the update.

    Keras computes the update in a dozen operations per variable, which on a CPU cost as much as a
    layer of the network. The arithmetic, the variables and so the checkpoints are the same. With
    `weight_decay` it is AdamW (Loshchilov and Hutter, 2019). AMSGrad is not supported.
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
        variable: Trained variable.
        momentum: Moving average of its gradients.
        velocity: Moving average of the squared gradients.
        gradient: Gradient of the variable, of any dtype, sparse or dense.
        iterations: Number of earlier updates.
        learning_rate: Learning rate of this update.
        settings: beta_1, beta_2 and epsilon.
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
