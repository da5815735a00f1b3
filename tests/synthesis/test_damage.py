import numpy as np
import pytest

from attention_ocr.synthesis.damage import damage, fade, shrink


@pytest.fixture
def stripes():
    """Dark stripes of four pixels on a light ground, 32 pixels high."""
    image = np.full((40, 120, 3), 200, np.uint8)
    image[4:36, ::8] = image[4:36, 1::8] = image[4:36, 2::8] = image[4:36, 3::8] = 60
    return image


def test_damaged_images_keep_their_shape_and_differ(stripes):
    before = stripes.copy()
    damaged = [damage(np.random.default_rng(seed), stripes, 32.0, 4.0, 140.0) for seed in range(40)]
    assert {image.shape for image in damaged} == {stripes.shape}
    assert {image.dtype for image in damaged} == {stripes.dtype}
    assert len({image.tobytes() for image in damaged}) > 35
    np.testing.assert_array_equal(stripes, before)


def test_strokes_still_differ_from_the_ground(stripes):
    for seed in range(60):
        image = shrink(np.random.default_rng(seed), stripes, 32.0, 4.0)
        row = image[20, :, 0].astype(float)
        assert row.max() - row.min() > 40


def test_a_text_of_few_pixels_is_not_shrunk(stripes):
    for seed in range(10):
        image = shrink(np.random.default_rng(seed), stripes, 8.0, 0.7)
        np.testing.assert_array_equal(image, stripes)


def test_fading_leaves_some_contrast(stripes):
    for seed in range(40):
        image, contrast = fade(np.random.default_rng(seed), stripes, 140.0)
        assert np.ptp(image) == pytest.approx(contrast, abs=2)
        assert contrast >= 20
    _, contrast = fade(np.random.default_rng(0), stripes, 15.0)
    assert contrast == pytest.approx(15.0)
