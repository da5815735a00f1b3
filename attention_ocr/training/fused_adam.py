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
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
        )
