"""The batches of `benchmarks.training_step` are as the pipeline would make them."""

import numpy as np
import pytest

from attention_ocr.settings.config import Config
from attention_ocr.text.charset import END_ID, PAD_ID, SPECIAL_TOKENS, START_ID
from benchmarks.training_step import IMAGE_SIZE, MODELS, draw_lengths, make_batch

LENGTHS = np.array([1, 4, 2])


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_a_valid_choice_of_settings(model):
    Config.from_values({"batch_size": 4, **MODELS[model]})


def test_lengths_of_a_batch_share_a_bucket():
    config = Config.from_values({"batch_size": 16})
    batches = draw_lengths(config, 12)
    assert [len(batch) for batch in batches] == [16] * 12
    edges = [0, *config.data.bucket_lengths, np.inf]
    for batch in batches:
        # The bucket with the first edge that is not below the lengths.
        (bucket,) = {int(np.searchsorted(edges[1:-1], length)) for length in batch}
        assert edges[bucket] < batch.min() <= batch.max() <= edges[bucket + 1]
    lengths = np.concatenate(batches)
    assert lengths.min() >= 1
    assert lengths.max() <= 23
    assert 7.0 < lengths.mean() < 9.0


def test_lengths_are_the_same_for_every_model():
    config = Config.from_values({"batch_size": 8})
    for one, other in zip(draw_lengths(config, 5), draw_lengths(config, 7), strict=False):
        np.testing.assert_array_equal(one, other)


def test_decoder_inputs_are_the_targets_after_a_start():
    batch = {name: value.numpy() for name, value in make_batch(LENGTHS, 20).items()}
    assert batch["images"].shape == (3, *IMAGE_SIZE, 1)
    assert batch["image_sizes"].tolist() == [list(IMAGE_SIZE)] * 3
    assert batch["targets"].shape == batch["decoder_inputs"].shape == (3, 5)
    np.testing.assert_array_equal(batch["decoder_inputs"][:, 0], START_ID)
    for row, length in enumerate(LENGTHS):
        text = batch["targets"][row, :length]
        assert (text >= len(SPECIAL_TOKENS)).all()
        assert (text < 20).all()
        assert batch["targets"][row, length] == END_ID
        assert (batch["targets"][row, length + 1 :] == PAD_ID).all()
        np.testing.assert_array_equal(batch["decoder_inputs"][row, 1 : length + 1], text)


def test_weights_are_one_up_to_the_end_token():
    weights = make_batch(LENGTHS, 20)["target_weights"].numpy()
    np.testing.assert_array_equal(weights.sum(axis=1), LENGTHS + 1)
    assert set(np.unique(weights)) == {0.0, 1.0}


def test_images_are_noise_in_the_range_of_the_network():
    images = make_batch(LENGTHS, 20)["images"].numpy()
    assert -1.0 <= images.min() < -0.9
    assert 0.9 < images.max() <= 1.0
