import numpy as np
import tensorflow as tf
from scipy.ndimage import map_coordinates

from attention_ocr.models.sampling import sample_bilinear

B, H, W, C = 3, 6, 9, 2
SIZES = np.array([[6, 9], [4, 5], [1, 1]], np.int32)
RANDOM = np.random.default_rng(0)
# The padding is not zero here, so that sampling it would show.
IMAGES = RANDOM.normal(size=(B, H, W, C)).astype(np.float32)
ROWS = RANDOM.uniform(-3, 8, (B, 4, 7)).astype(np.float32)
COLUMNS = RANDOM.uniform(-3, 12, (B, 4, 7)).astype(np.float32)


def test_it_equals_scipy_on_each_image_and_repeats_its_edges():
    sampled = sample_bilinear(tf.constant(IMAGES), tf.constant(SIZES), ROWS, COLUMNS)
    assert sampled.shape == (B, 4, 7, C)
    for index, (height, width) in enumerate(SIZES):
        for channel in range(C):
            expected = map_coordinates(
                IMAGES[index, :height, :width, channel],
                [ROWS[index], COLUMNS[index]],
                order=1,
                mode="nearest",
            )
            np.testing.assert_allclose(sampled[index, ..., channel], expected, atol=1e-5)


def test_positions_on_pixels_give_exactly_the_pixels():
    rows = np.broadcast_to(np.arange(H, dtype=np.float32)[:, None], (B, H, W))
    columns = np.broadcast_to(np.arange(W, dtype=np.float32), (B, H, W))
    full = tf.constant([[H, W]] * B)
    np.testing.assert_array_equal(sample_bilinear(IMAGES, full, rows, columns), IMAGES)


def test_its_gradient_equals_finite_differences():
    rows, columns = tf.Variable(ROWS), tf.Variable(COLUMNS)

    def total(rows: np.ndarray, columns: np.ndarray) -> tf.Tensor:
        sampled = sample_bilinear(tf.constant(IMAGES), tf.constant(SIZES), rows, columns)
        return tf.reduce_sum(sampled, axis=(-1,))

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(total(rows, columns))
    gradients = tape.gradient(loss, [rows, columns])
    step = 1e-2
    for gradient, shift in zip(gradients, ((step, 0.0), (0.0, step)), strict=True):
        there = total(ROWS + shift[0], COLUMNS + shift[1])
        back = total(ROWS - shift[0], COLUMNS - shift[1])
        slopes = (there - back).numpy() / (2 * step)
        # Where a step crosses a pixel, the surface is not differentiable.
        places = ROWS if shift[0] else COLUMNS
        smooth = np.abs(places - np.round(places)) > step
        np.testing.assert_allclose(gradient.numpy()[smooth], slopes[smooth], atol=1e-3)
        assert np.abs(gradient.numpy()).max() > 0.1
