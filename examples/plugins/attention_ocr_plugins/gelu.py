"""The activation of the perceptrons."""

import keras
import tensorflow as tf


def gelu(values: tf.Tensor) -> tf.Tensor:
    """Return the Gaussian error linear unit by its tanh form (Hendrycks and Gimpel, 2016).

    The error function of the exact form cannot be exported: ONNX has no `Erfc`.
    """
    return keras.activations.gelu(values, approximate=True)
