import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.inference.work_directory import TrainedModel
from attention_ocr.visualization.rectified import rectify_images
from tests import tiny, tiny_model


def model(**values: object) -> TrainedModel:
    config = tiny.config(**values)
    return TrainedModel(config, tiny.CHARSET, tiny.recognizer(**values))


def test_images_come_in_pairs_of_their_own_size():
    untrained = model(rectifier="tps", rectifier_points=6)
    wide, high = np.zeros((8, 24, 3), np.uint8), np.full((40, 20, 3), 200, np.uint8)
    wide[:, 12:] = 255
    pairs = rectify_images(untrained, [wide, tiny_model.encoded(high)])
    assert [before.shape for before, _ in pairs] == [(16, 48, 1), (16, 8, 1)]
    for before, after in pairs:
        np.testing.assert_array_equal(after, before)
    assert pairs[0][0][0, 0, 0] == 0
    assert pairs[0][0][0, -1, 0] == 255
    assert np.all(pairs[1][0] == 200)


def test_the_learnt_rectification_is_visible():
    trained = model(rectifier="affine")
    bias = trained.recognizer.rectifier.localization.parameters.bias
    # A shift by half the half width: the image moves a quarter of its width to the left.
    bias.assign(tf.constant([0, 0, 10 * np.arctanh(0.5), 0, 0, 0]))
    image = np.zeros((16, 32, 3), np.uint8)
    image[:, 16:] = 255
    ((before, after),) = rectify_images(trained, [image])
    assert list(before[3, :, 0]).index(255) == 16
    assert list(after[3, :, 0]).index(255) == 8


def test_an_image_that_cannot_be_rectified_is_named(tmp_path):
    with pytest.raises(ValueError, match="model with a rectifier. Received: rectifier='none'"):
        rectify_images(model(), [])
    untrained = model(rectifier="affine")
    assert rectify_images(untrained, []) == []
    with pytest.raises(ValueError, match="Image 0 cannot be opened: .*nothing.png"):
        rectify_images(untrained, [tmp_path / "nothing.png"])
    with pytest.raises(ValueError, match="Image 1 cannot be read: unreadable image: not a PNG"):
        rectify_images(untrained, [np.zeros((3, 3), np.uint8), b"no image"])
