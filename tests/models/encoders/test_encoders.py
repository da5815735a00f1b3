import keras
import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.build import encoder_class, make_encoder
from attention_ocr.models.encoders.keras_application import ApplicationEncoder
from attention_ocr.settings.model import BACKBONE_ENCODERS, ENCODERS
from tests import tiny

HEIGHT, WIDTH = 32, 48
SIZES = np.array([[32, 48], [32, 17], [9, 40]], np.int32)


def noise(num_images: int = 3, width: int = WIDTH, channels: int = 1) -> np.ndarray:
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (num_images, HEIGHT, width, channels)).astype(np.float32)
    for image, (image_height, image_width) in zip(images, SIZES, strict=False):
        image[image_height:] = 0.0
        image[:, image_width:] = 0.0
    return images


def unsettle(layer: keras.layers.Layer) -> None:
    """Give the normalisation statistics values like those of a trained network."""
    random = np.random.default_rng(1)
    for weight in layer.weights:
        if weight.path.endswith(("moving_mean", "beta")):
            weight.assign(random.normal(scale=0.3, size=weight.shape))
        elif weight.path.endswith(("moving_variance", "gamma")):
            weight.assign(random.uniform(0.5, 1.5, size=weight.shape))


def assert_close(grid: tf.Tensor, expected: tf.Tensor) -> None:
    """Compare grids up to the float32 precision of such large sums."""
    expected = np.asarray(expected)
    np.testing.assert_allclose(grid, expected, atol=2e-5 * max(1.0, np.abs(expected).max()))


@pytest.fixture(scope="module", params=sorted(ENCODERS))
def encoder(request):
    keras.utils.set_random_seed(0)
    special = tiny.OF_ENCODER.get(request.param, {})
    encoder = make_encoder(tiny.config(encoder=request.param, **{"image_height": HEIGHT} | special))
    encoder(noise(), SIZES)
    unsettle(encoder)
    return encoder


def test_the_grid_has_the_size_given_by_the_stride(encoder):
    down, across = encoder.stride
    grid, cells = encoder(noise(), SIZES)
    assert grid.shape[:3] == cells.shape == (3, HEIGHT // down, WIDTH // across)
    assert cells.dtype == tf.bool
    for cell, (height, width) in zip(cells.numpy(), SIZES, strict=True):
        assert cell.sum() == -(-height // down) * -(-width // across)
        assert cell[0, 0]


def test_the_grid_is_zero_on_the_padding_and_nonzero_on_the_content(encoder):
    grid, cells = encoder(noise(), SIZES)
    np.testing.assert_array_equal(grid.numpy()[~cells.numpy()], 0.0)
    assert np.abs(grid.numpy()[cells.numpy()]).max(axis=1).min() > 0.0


def test_an_image_depends_neither_on_its_batch_nor_on_its_padding(encoder):
    if isinstance(encoder, ApplicationEncoder):
        pytest.skip("its layers do not mask padding, see its docstring")
    grid, cells = encoder(noise(), SIZES)
    for index in range(3):
        wider = np.pad(noise()[index : index + 1], ((0, 0), (0, 0), (0, 32), (0, 0)))
        alone, cells_alone = encoder(wider, SIZES[index : index + 1])
        num_columns = grid.shape[2]
        assert_close(alone[0, :, :num_columns], grid[index])
        np.testing.assert_array_equal(cells_alone[0, :, :num_columns], cells[index])
        np.testing.assert_array_equal(alone[0, :, num_columns:], 0.0)


def test_a_graph_of_unknown_sizes_equals_eager(encoder):
    run = tf.function(
        encoder,
        input_signature=(
            tf.TensorSpec((None, HEIGHT, None, 1), tf.float32),
            tf.TensorSpec((None, 2), tf.int32),
        ),
    )
    for in_graph, eager in zip(run(noise(), SIZES), encoder(noise(), SIZES), strict=True):
        assert_close(tf.cast(in_graph, tf.float32), tf.cast(eager, tf.float32))
    grid, cells = run.get_concrete_function().structured_outputs
    # The height and depth of the grid have to be static, as rows are concatenated.
    assert grid.shape.as_list()[1] == HEIGHT // encoder.stride[0]
    assert grid.shape.as_list()[3] is not None
    assert cells.shape.rank == 3


def test_every_variable_gets_a_gradient(encoder):
    with tf.GradientTape() as tape:
        grid, _ = encoder(noise(), SIZES, training=True)
        loss = tf.reduce_sum(grid * np.random.default_rng(2).normal(size=grid.shape))
    gradients = tape.gradient(loss, encoder.trainable_variables)
    for variable, gradient in zip(encoder.trainable_variables, gradients, strict=True):
        assert float(tf.reduce_max(tf.abs(gradient))) > 0.0, variable.path


def test_training_updates_the_statistics_and_inference_does_not(encoder):
    def statistics() -> list[np.ndarray]:
        return [weight.numpy() for weight in encoder.non_trainable_weights]

    before = statistics()
    encoder(noise(), SIZES)
    for now, then in zip(statistics(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    encoder(noise(), SIZES, training=True)
    for now, then in zip(statistics(), before, strict=True):
        assert np.abs(now - then).max() > 0.0


@pytest.mark.parametrize("name", sorted(set(ENCODERS) - set(BACKBONE_ENCODERS)))
def test_width_multiplies_the_channels(name):
    depths = []
    for width in (0.125, 0.25):
        encoder = encoder_class(name)(width=width)
        grid, _ = encoder(noise(1, 16, channels=3)[..., :16, :], SIZES[:1])
        depths.append(grid.shape[-1])
    assert depths[1] == 2 * depths[0]
    assert depths[1] == (32 if name.startswith("compact") else 128)


@pytest.mark.parametrize(("depth", "units"), [(0.5, (1, 1, 1)), (1.0, (1, 2, 1)), (2.0, (2, 4, 2))])
def test_depth_multiplies_the_units_of_the_stages(depth, units):
    encoder = make_encoder(tiny.config(encoder="compact_flat", encoder_depth=depth))
    assert encoder.stage_units == units
    assert len(encoder.residual_units) == sum(units)
