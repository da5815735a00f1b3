import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.coordinates import OneHotCoordinates, SinusoidalCoordinates

B, H, W, D = 2, 3, 4, 5
GRID = np.random.default_rng(0).normal(size=(B, H, W, D)).astype(np.float32)
CELLS = np.ones((B, H, W), bool)
CELLS[1, 2:] = CELLS[1, :, 3:] = False
GRID[~CELLS] = 0.0


def test_one_hot_coordinates_name_row_and_column():
    grid = OneHotCoordinates(num_columns=6)(GRID, CELLS).numpy()
    assert grid.shape == (B, H, W, D + H + 6)
    np.testing.assert_array_equal(grid[..., :D], GRID)
    for row in range(H):
        for column in range(W):
            expected = np.zeros(H + 6)
            expected[[row, H + column]] = 1.0
            np.testing.assert_array_equal(grid[0, row, column, D:], expected)
    np.testing.assert_array_equal(grid[~CELLS], 0.0)


def test_sinusoidal_coordinates_are_those_of_the_paper_for_each_axis():
    grid = SinusoidalCoordinates(channels=8)(GRID, CELLS).numpy()
    assert grid.shape == (B, H, W, D + 8)
    np.testing.assert_array_equal(grid[..., :D], GRID)
    for row in range(H):
        for column in range(W):
            # Four channels an axis: frequencies 1 and 10000^(-2/4) = 1/100.
            expected = [
                wave(position / divisor)
                for position in (row, column)
                for divisor in (1.0, 100.0)
                for wave in (np.sin, np.cos)
            ]
            np.testing.assert_allclose(grid[0, row, column, D:], expected, atol=1e-6)
    np.testing.assert_array_equal(grid[~CELLS], 0.0)


def test_channels_that_do_not_divide_among_axes_and_waves_are_refused():
    with pytest.raises(ValueError, match="`channels` must be divisible by 4. Received: 6"):
        SinusoidalCoordinates(channels=6)


@pytest.mark.parametrize("layer", [OneHotCoordinates(6), SinusoidalCoordinates(8)])
def test_a_graph_of_unknown_sizes_equals_eager_and_knows_its_depth(layer):
    run = tf.function(
        layer,
        input_signature=(
            tf.TensorSpec((None, H, None, D), tf.float32),
            tf.TensorSpec((None, H, None), tf.bool),
        ),
    )
    np.testing.assert_allclose(run(GRID, CELLS), layer(GRID, CELLS), atol=1e-6)
    depth = layer(GRID, CELLS).shape[-1]
    assert run.get_concrete_function().structured_outputs.shape.as_list() == [None, H, None, depth]
