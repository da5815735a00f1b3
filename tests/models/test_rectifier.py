import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import map_coordinates

from attention_ocr.models.rectifier import Rectifier, thumbnails
from attention_ocr.models.transforms import AffineTransform, ThinPlateSpline
from attention_ocr.training.optimization import AveragedWeights
from tests import tiny

B, H, W = 3, 32, 48
SIZES = np.array([[32, 48], [32, 17], [9, 40]], np.int32)
TRANSFORMS = {"affine": AffineTransform, "tps": lambda: ThinPlateSpline(8)}


def noise(width: int = W, channels: int = 1) -> np.ndarray:
    images = np.random.default_rng(0).uniform(-1, 1, (B, H, W, channels)).astype(np.float32)
    for image, (image_height, image_width) in zip(images, SIZES, strict=True):
        image[image_height:] = 0.0
        image[:, image_width:] = 0.0
    return np.pad(images, ((0, 0), (0, 0), (0, width - W), (0, 0)))


@pytest.fixture(params=TRANSFORMS)
def rectifier(request):
    keras.utils.set_random_seed(0)
    rectifier = Rectifier(TRANSFORMS[request.param]())
    rectifier(noise(), SIZES)
    return rectifier


def bend(rectifier: Rectifier, scale: float = 1.0) -> Rectifier:
    """Give the last layer weights like those of a trained one."""
    layer = rectifier.localization.parameters
    random = np.random.default_rng(1)
    layer.kernel.assign(random.normal(scale=scale, size=layer.kernel.shape))
    layer.bias.assign(random.normal(scale=scale, size=layer.bias.shape))
    return rectifier


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("training", [False, True])
def test_at_first_every_image_passes_bit_exactly_unchanged(precision, training):
    for make in TRANSFORMS.values():
        with tiny.computing_in(precision):
            rectifier = Rectifier(make())
        rectified = rectifier(noise(), SIZES, training=training)
        assert rectified.dtype == tf.float32
        np.testing.assert_array_equal(rectified, noise())


def test_known_parameters_sample_known_positions(rectifier):
    layer = rectifier.localization.parameters
    layer.kernel.assign(tf.zeros_like(layer.kernel))
    # A shift by 0.2 of the half width and -0.3 of the half height, in each family.
    shift = {6: [0, 0, 0.2, 0, 0, -0.3], 16: [0.2, -0.3] * 8}[layer.bias.shape[0]]
    layer.bias.assign(10.0 * np.arctanh(shift))
    rectified = rectifier(noise(), SIZES).numpy()
    for image, result, (height, width) in zip(noise(), rectified, SIZES, strict=True):
        rows, columns = np.meshgrid(
            np.arange(height) - 0.3 * height / 2, np.arange(width) + 0.2 * width / 2, indexing="ij"
        )
        expected = map_coordinates(
            image[:height, :width, 0], [rows, columns], order=1, mode="nearest"
        )
        np.testing.assert_allclose(result[:height, :width, 0], expected, atol=1e-3)
        np.testing.assert_array_equal(result[height:], 0.0)
        np.testing.assert_array_equal(result[:, width:], 0.0)


def test_an_image_depends_neither_on_its_batch_nor_on_its_padding(rectifier):
    bend(rectifier)
    rectified = rectifier(noise(), SIZES)
    assert np.abs(rectified - noise()).max() > 0.1
    for index in range(B):
        alone = rectifier(noise(W + 32)[index : index + 1], SIZES[index : index + 1])
        np.testing.assert_allclose(alone[0, :, :W], rectified[index], atol=1e-3)
        np.testing.assert_array_equal(alone[0, :, W:], 0.0)


def test_a_graph_of_unknown_sizes_equals_eager(rectifier):
    bend(rectifier)
    run = tf.function(
        rectifier,
        input_signature=(
            tf.TensorSpec((None, H, None, 1), tf.float32),
            tf.TensorSpec((None, 2), tf.int32),
        ),
    )
    np.testing.assert_allclose(run(noise(), SIZES), rectifier(noise(), SIZES), atol=1e-3)
    shape = run.get_concrete_function().structured_outputs.shape
    assert shape.as_list() == [None, H, None, 1]


def test_every_variable_gets_a_gradient(rectifier):
    bend(rectifier, scale=0.1)
    with tf.GradientTape() as tape:
        rectified = rectifier(noise(), SIZES, training=True)
        loss = tf.reduce_sum(rectified * np.random.default_rng(2).normal(size=rectified.shape))
    gradients = tape.gradient(loss, rectifier.trainable_variables)
    for variable, gradient in zip(rectifier.trainable_variables, gradients, strict=True):
        assert float(tf.reduce_max(tf.abs(gradient))) > 0.0, variable.path


def test_it_learns_to_undo_a_shift():
    keras.utils.set_random_seed(0)
    wave = np.sin(np.linspace(0, 4 * np.pi, W))[None, None, :, None]
    target = np.broadcast_to(wave, (B, H, W, 1)).astype(np.float32)
    shifted = np.roll(target, 3, axis=2)
    sizes = np.array([[H, W]] * B, np.int32)
    rectifier = Rectifier(AffineTransform())
    rectifier(shifted, sizes)
    optimizer = keras.optimizers.Adam(0.003)

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            rectified = rectifier(shifted, sizes, training=True)
            # The edge has no source in the shifted image.
            loss = tf.reduce_mean(tf.square(rectified - target)[:, :, 4:-4])
        gradients = tape.gradient(loss, rectifier.trainable_variables)
        optimizer.apply(gradients, rectifier.trainable_variables)
        return loss

    losses = [float(step()) for _ in range(60)]
    assert losses[-1] < 0.05 * losses[0]


def test_a_thumbnail_shows_the_image_without_its_padding():
    images = np.zeros((2, 32, 160, 1), np.float32)
    images[0, :, :128] = images[1, :8, :32] = 0.5
    small = thumbnails(tf.constant(images), tf.constant([[32, 128], [8, 32]]))
    assert small.shape == (2, 16, 64, 1)
    np.testing.assert_array_equal(small, 0.5)


def test_averaged_weights_start_as_the_identity_too(rectifier):
    averages = AveragedWeights(rectifier.weights, decay=0.9)
    averages.update(tf.constant(0))
    averages.update(tf.constant(1))
    with averages.swapped_in():
        np.testing.assert_array_equal(rectifier(noise(), SIZES), noise())
