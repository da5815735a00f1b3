import numpy as np
import pytest
import tensorflow as tf
from scipy.interpolate import RBFInterpolator

from attention_ocr.models.transforms import AffineTransform, ThinPlateSpline

B, H, W, K = 2, 3, 5, 8
RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (B, W)).astype(np.float32)
Y = RANDOM.uniform(-1, 1, (B, H)).astype(np.float32)


@pytest.mark.parametrize("transform", [AffineTransform(), ThinPlateSpline(K)])
def test_parameters_of_zero_displace_nothing(transform):
    parameters = np.zeros((B, transform.num_parameters), np.float32)
    displacements = transform.displacements(parameters, X, Y)
    assert displacements.shape == (B, H, W, 2)
    np.testing.assert_array_equal(displacements, 0.0)


def test_an_affine_transform_is_a_matrix():
    parameters = RANDOM.normal(size=(B, 6)).astype(np.float32)
    displacements = AffineTransform().displacements(parameters, X, Y).numpy()
    for index in range(B):
        matrix = parameters[index].reshape(2, 3)
        for row in range(H):
            for column in range(W):
                place = [X[index, column], Y[index, row], 1.0]
                moved = displacements[index, row, column]
                np.testing.assert_allclose(moved, matrix @ place, atol=1e-5)


@pytest.mark.parametrize("num_points", [4, 8, 20])
def test_a_thin_plate_spline_is_that_of_scipy(num_points):
    transform = ThinPlateSpline(num_points)
    parameters = RANDOM.normal(size=(B, 2 * num_points)).astype(np.float32)
    displacements = transform.displacements(parameters, X, Y).numpy()
    for index in range(B):
        pushed = parameters[index].reshape(num_points, 2)
        spline = RBFInterpolator(
            transform.points, pushed, kernel="thin_plate_spline", smoothing=0.0, degree=1
        )
        places = [(X[index, column], Y[index, row]) for row in range(H) for column in range(W)]
        expected = spline(places).reshape(H, W, 2)
        np.testing.assert_allclose(displacements[index], expected, atol=1e-3)


def test_the_points_of_a_spline_stand_on_the_upper_and_the_lower_edge():
    assert ThinPlateSpline(6).points.tolist() == [
        *([-1.0, -1.0], [0.0, -1.0], [1.0, -1.0]),
        *([-1.0, 1.0], [0.0, 1.0], [1.0, 1.0]),
    ]


def test_a_spline_interpolates_its_points_and_has_a_gradient():
    transform = ThinPlateSpline(6)
    parameters = tf.constant(RANDOM.normal(size=(1, 12)), tf.float32)
    x, y = tf.constant([[-1.0, 0.0, 1.0]]), tf.constant([[-1.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch([parameters, x, y])
        displacements = transform.displacements(parameters, x, y)
    np.testing.assert_allclose(
        displacements[0].numpy().reshape(6, 2), parameters.numpy().reshape(6, 2), atol=1e-5
    )
    for gradient in tape.gradient(displacements, [parameters, x, y]):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("num_points", [2, 7])
def test_points_that_cannot_be_two_rows_are_refused(num_points):
    with pytest.raises(ValueError, match=f"even and at least 4. Received: {num_points}"):
        ThinPlateSpline(num_points)
