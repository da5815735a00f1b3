import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.encoders.grid import FusedBatchNormalization
from attention_ocr.models.encoders.residual import ResidualUnit
from tests import tiny

B, H, W, D = 3, 4, 6, 8


def random(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


INPUTS = 2.0 * random(B, H, W, D, seed=0) + random(D, seed=1)
COEFFICIENTS = random(B, H, W, D, seed=2)
WEIGHTS = [np.abs(random(D, seed=seed)) + 0.5 for seed in (3, 4, 5, 6)]


def run(layer: keras.layers.Layer, training: bool) -> dict[str, np.ndarray]:
    """Return the outputs, the gradients and the weights after one call."""
    inputs = tf.cast(INPUTS, layer.compute_dtype)
    layer(inputs)
    layer.set_weights(WEIGHTS)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = tf.cast(layer(inputs, training=training), tf.float32)
        loss = tf.reduce_sum(outputs * COEFFICIENTS)
    values = {"outputs": outputs, "moving_mean": layer.weights[2], "variance": layer.weights[3]}
    gradients = tape.gradient(loss, [inputs, *layer.trainable_variables])
    values |= {f"gradient {index}": gradient for index, gradient in enumerate(gradients)}
    return {name: np.asarray(tf.cast(value, tf.float32)) for name, value in values.items()}


@pytest.mark.parametrize("training", [False, True])
def test_it_equals_keras(training):
    options = {"momentum": 0.9, "epsilon": 1e-3}
    expected = run(keras.layers.BatchNormalization(**options), training)
    for name, value in run(FusedBatchNormalization(**options), training).items():
        np.testing.assert_allclose(value, expected[name], atol=2e-5, err_msg=name)


def test_bfloat16_keeps_the_statistics_in_float32():
    with tiny.computing_in("bfloat16"):
        low = FusedBatchNormalization()
    assert low(INPUTS).dtype == tf.bfloat16
    exact, values = run(FusedBatchNormalization(), True), run(low, True)
    assert {weight.dtype for weight in low.weights} == {"float32"}
    for name, value in values.items():
        np.testing.assert_allclose(value, exact[name], rtol=0.02, atol=0.2, err_msg=name)
    np.testing.assert_allclose(values["variance"], exact["variance"], rtol=1e-3)


def test_a_shortcut_sees_the_first_pixel_of_each_window():
    unit = ResidualUnit(5, strides=(2, 2))
    cells = np.ones((B, H // 2, W // 2, 1), bool)
    unit(INPUTS, cells)
    for convolution in (unit.first, unit.second):
        convolution.convolution.kernel.assign(tf.zeros_like(convolution.convolution.kernel))
    outputs = unit(INPUTS, cells)
    kernel = unit.shortcut.convolution.kernel.numpy()[0, 0]
    expected = INPUTS[:, ::2, ::2] @ kernel / np.sqrt(1.0 + 1e-3)
    np.testing.assert_allclose(outputs, np.maximum(expected, 0.0), atol=1e-4)
