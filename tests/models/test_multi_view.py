import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.models.multi_view import join_views, split_views
from tests import tiny

VIEWS, B, H, W, D = 3, 2, 4, 5, 2


def test_views_one_below_the_other_become_images():
    images = np.arange(B * VIEWS * H * W).reshape(B, VIEWS * H, W, 1).astype(np.float32)
    views, sizes = split_views(tf.constant(images), tf.constant([[4, 5], [3, 2]]), VIEWS)
    assert views.shape == (B * VIEWS, H, W, 1)
    for index in range(B):
        for view in range(VIEWS):
            expected = images[index, view * H : (view + 1) * H]
            np.testing.assert_array_equal(views[index * VIEWS + view], expected)
    assert sizes.numpy().tolist() == [[4, 5]] * 3 + [[3, 2]] * 3


def test_grids_stand_side_by_side_and_their_padding_at_the_right():
    grid = np.arange(1, B * VIEWS * H * W * D + 1).reshape(B * VIEWS, H, W, D).astype(np.float32)
    cells = np.zeros((B * VIEWS, H, W), bool)
    cells[:VIEWS] = True
    cells[VIEWS:, :3, :2] = True
    grid[~cells] = 0.0
    joined, joined_cells = join_views(tf.constant(grid), tf.constant(cells), VIEWS)
    assert joined.shape == (B, H, VIEWS * W, D)
    np.testing.assert_array_equal(joined[0], np.concatenate(list(grid[:VIEWS]), axis=1))
    narrow = np.concatenate([view[:, :2] for view in grid[VIEWS:]], axis=1)
    np.testing.assert_array_equal(joined[1, :, : VIEWS * 2], narrow)
    np.testing.assert_array_equal(joined[1, :, VIEWS * 2 :], 0.0)
    expected = np.zeros((H, VIEWS * W), bool)
    expected[:3, : VIEWS * 2] = True
    assert joined_cells.numpy()[0].all()
    np.testing.assert_array_equal(joined_cells[1], expected)


@pytest.fixture(scope="module")
def batch():
    one, other = tiny.random_batch(seed=1), tiny.random_batch(seed=2)
    return one | {"images": tf.concat([one["images"], other["images"]], axis=1)}


@pytest.mark.parametrize("coordinates", ["none", "one_hot"])
def test_one_encoder_sees_each_view_separately(batch, coordinates):
    settings = {"sequence_layers": 0, "coordinates": coordinates}
    both = tiny.recognizer(num_views=2, **settings)
    single = tiny.recognizer(**settings)
    for weight, value in zip(single.encoder.weights, both.encoder.get_weights(), strict=True):
        weight.assign(value)
    encoded = both.encode(batch["images"], batch["image_sizes"])
    sizes = batch["image_sizes"]
    views = [
        single.encode(images, sizes)
        for images in (batch["images"][:, :16], batch["images"][:, 16:])
    ]
    assert encoded.feature_grid.shape[1:3] == (2, 24)
    np.testing.assert_array_equal(encoded.column_lengths, 2 * views[0].column_lengths)
    for index, num_columns in enumerate(views[0].column_lengths.numpy()):
        for view, place in zip(views, (0, num_columns), strict=True):
            np.testing.assert_allclose(
                encoded.feature_grid[index, :, place : place + num_columns],
                view.feature_grid[index, :, :num_columns],
                atol=1e-5,
            )


def test_the_rectifier_transforms_each_view(batch):
    recognizer = tiny.recognizer(num_views=2, rectifier="affine")
    bias = recognizer.rectifier.localization.parameters.bias
    bias.assign(tf.constant([0, 0, 1.0, 0, 0, -1.0]))
    rectified = recognizer.rectify(batch["images"], batch["image_sizes"])
    assert rectified.shape == batch["images"].shape
    upper = recognizer.rectifier(batch["images"][:, :16], batch["image_sizes"])
    lower = recognizer.rectifier(batch["images"][:, 16:], batch["image_sizes"])
    np.testing.assert_allclose(rectified, tf.concat([upper, lower], axis=1), atol=1e-6)
    assert np.abs(rectified - batch["images"]).max() > 0.1
