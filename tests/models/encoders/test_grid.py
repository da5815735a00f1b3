import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.encoders.grid import ConvolutionUnit, relu_on_content, valid_cells


def test_partially_covered_cells_are_valid():
    sizes = tf.constant([[16, 24], [16, 17], [9, 16], [8, 1], [1, 5]])
    cells = valid_cells(sizes, 2, tf.constant(6), (8, 4))
    assert cells.shape == (5, 2, 6)
    rows_and_columns = [(2, 6), (2, 5), (2, 4), (1, 1), (1, 2)]
    for cell, (num_rows, num_columns) in zip(cells.numpy(), rows_and_columns, strict=True):
        expected = np.zeros((2, 6), bool)
        expected[:num_rows, :num_columns] = True
        np.testing.assert_array_equal(cell, expected)


@pytest.fixture
def unit():
    unit = ConvolutionUnit(3, 3, (1, 1))
    unit(tf.zeros((1, 4, 4, 2)), tf.ones((1, 4, 4, 1)))
    random = np.random.default_rng(0)
    unit.convolution.kernel.assign(random.normal(size=(3, 3, 2, 3)))
    unit.normalization.beta.assign([1.0, -1.0, 0.5])
    unit.normalization.moving_mean.assign([0.1, 0.2, -0.3])
    return unit


def test_outputs_on_the_padding_are_zero(unit):
    inputs = np.random.default_rng(1).normal(size=(2, 4, 6, 2)).astype(np.float32)
    cells = np.zeros((2, 4, 6, 1), bool)
    cells[0, :3, :5] = cells[1, :4, :2] = True
    for training in (False, True):
        outputs = unit(inputs, cells, training=training).numpy()
        np.testing.assert_array_equal(outputs[~cells[..., 0]], 0.0)
        assert np.all(outputs >= 0.0)
        assert outputs[0, :3, :5].max() > 0.0


def test_it_is_a_convolution_normalised_and_rectified(unit):
    inputs = np.random.default_rng(2).normal(size=(1, 4, 5, 2)).astype(np.float32)
    outputs = unit(inputs, np.ones((1, 4, 5, 1), bool))
    padded = np.pad(inputs[0], ((1, 1), (1, 1), (0, 0)))
    kernel = unit.convolution.kernel.numpy()
    expected = np.zeros((4, 5, 3))
    for row in range(4):
        for column in range(5):
            window = padded[row : row + 3, column : column + 3]
            expected[row, column] = np.einsum("ijc,ijcd->d", window, kernel)
    expected = (expected - [0.1, 0.2, -0.3]) / np.sqrt(1.0 + 1e-3) + [1.0, -1.0, 0.5]
    np.testing.assert_allclose(outputs[0], np.maximum(expected, 0.0), atol=1e-5)


def test_without_activation_negative_values_stay():
    unit = ConvolutionUnit(4, 1, activate=False)
    inputs = np.random.default_rng(3).normal(size=(2, 3, 4, 5)).astype(np.float32)
    outputs = unit(inputs, np.ones((2, 3, 4, 1), bool))
    assert float(tf.reduce_min(outputs)) < 0.0


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_relu_on_content_has_the_gradient_of_its_two_operations(dtype):
    inputs = tf.cast(tf.random.stateless_normal((3, 4, 8, 5), (1, 2)), dtype)
    sizes = tf.constant([[4, 8], [4, 3], [2, 8]])
    cells = tf.expand_dims(valid_cells(sizes, 4, tf.constant(8), (1, 1)), -1)
    upstream = tf.cast(tf.random.stateless_normal(inputs.shape, (3, 4)), dtype)
    found = []
    for training in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = relu_on_content(inputs, cells, training)
        found.append((outputs, tape.gradient(outputs, inputs, upstream)))
    for fast, plain in zip(*found, strict=True):
        np.testing.assert_array_equal(tf.cast(fast, tf.float32), tf.cast(plain, tf.float32))
    assert (found[0][1].numpy() == 0).mean() > 0.5


def test_without_cells_a_convolution_leaves_the_padding():
    unit = ConvolutionUnit(4, activate=False)
    inputs = tf.random.stateless_normal((1, 4, 8, 3), (1, 2))
    cells = tf.expand_dims(valid_cells(tf.constant([[4, 5]]), 4, tf.constant(8), (1, 1)), -1)
    whole, masked = unit(inputs, None).numpy(), unit(inputs, cells).numpy()
    np.testing.assert_array_equal(masked[:, :, :5], whole[:, :, :5])
    assert (masked[:, :, 5:] == 0).all()
    assert (whole[:, :, 5:] != 0).any()
