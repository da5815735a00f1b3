import numpy as np
import tensorflow as tf

from attention_ocr.models.encoders.resnet import ResNetEncoder


def test_it_has_the_parameters_of_the_original():
    encoder = ResNetEncoder()
    grid, _ = encoder(tf.zeros((1, 32, 112, 1)), np.array([[32, 100]], np.int32))
    # One row, as in the original; its 26 columns of 100 pixels become 25, see the docstring.
    assert grid.shape == (1, 1, 28, 512)
    # ResNet_FeatureExtractor(1) of the deep-text-recognition-benchmark (44.3 million in table 4 of
    # Baek et al., 2019): 44,239,136 in convolutions, 2 for each of 12,384 normalised channels.
    counts = {"kernel": 0, "gamma": 0, "beta": 0}
    for weight in encoder.trainable_weights:
        counts[weight.path.rsplit("/", 1)[1]] += int(np.prod(weight.shape))
    assert counts == {"kernel": 44_239_136, "gamma": 12_384, "beta": 12_384}
    convolutions = [weight for weight in encoder.trainable_weights if "kernel" in weight.path]
    # 29, and a shortcut for each block that widens.
    assert len(convolutions) == 29 + 3


def test_higher_images_get_more_rows():
    encoder = ResNetEncoder(width=0.125)
    grid, cells = encoder(tf.ones((1, 64, 32, 3)), np.array([[40, 30]], np.int32))
    assert grid.shape == (1, 2, 8, 64)
    assert cells.numpy().sum() == 2 * 8
