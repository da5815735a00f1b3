import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.build import make_encoder
from attention_ocr.models.encoders.recursive import RecursiveEncoder, RecursiveUnit
from tests import tiny

B, H, W, D, CHANNELS = 2, 3, 5, 4, 6


def convolve(inputs: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the "same" 3x3 convolution of `inputs` [H, W, D]."""
    padded = np.pad(inputs, ((1, 1), (1, 1), (0, 0)))
    height, width = inputs.shape[:2]
    windows = [
        padded[row : row + height, column : column + width] @ kernel[row, column]
        for row in range(3)
        for column in range(3)
    ]
    return np.sum(windows, axis=0)


def test_it_applies_the_same_convolution_to_its_own_output():
    unit = RecursiveUnit(CHANNELS, iterations=3)
    random = np.random.default_rng(0)
    inputs = random.normal(size=(B, H, W, D)).astype(np.float32)
    cells = np.ones((B, H, W, 1), bool)
    cells[1, :, 3:] = False
    inputs *= cells
    outputs = unit(inputs, cells)
    kernels = {w.path.split("/")[-2]: w.numpy() for w in unit.weights if "kernel" in w.path}
    scale = 1.0 / np.sqrt(1.0 + 1e-3)
    for image, cell, output in zip(inputs, cells, outputs.numpy(), strict=True):
        features = np.maximum(convolve(image, kernels["convolution"]) * scale, 0.0) * cell
        for _ in range(3):
            features = np.maximum(convolve(features, kernels["shared"]) * scale, 0.0) * cell
        np.testing.assert_allclose(output, features, rtol=1e-4, atol=1e-4)


def test_more_iterations_add_no_convolution():
    sizes = np.array([[16, 16]], np.int32)
    kernels = []
    for iterations in (1, 4):
        encoder = RecursiveEncoder(width=0.125, iterations=iterations)
        encoder(tf.zeros((1, 16, 16, 1)), sizes)
        kernels.append([w.shape for w in encoder.weights if w.path.endswith("kernel")])
        assert len(encoder.weights) == 8 + 4 * 4 * (1 + iterations)
    assert kernels[0] == kernels[1]
    assert len(kernels[0]) == 8


def test_the_iterations_are_a_setting():
    config = tiny.config(encoder="recursive", encoder_iterations=3)
    encoder = make_encoder(config)
    assert [len(unit.normalizations) for unit in encoder.units] == [3, 3, 3, 3]
    with pytest.raises(ValueError, match="`encoder_iterations` must be 2 for `encoder=vgg`"):
        tiny.config(encoder="vgg", encoder_iterations=3)
    with pytest.raises(ValueError, match="`encoder_iterations` must be above 0"):
        tiny.config(encoder="recursive", encoder_iterations=0)
