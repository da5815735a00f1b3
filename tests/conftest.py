"""Two logical processors for every test, so that training on several devices can be tested."""

import tensorflow as tf

# Before TensorFlow starts, or never.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
