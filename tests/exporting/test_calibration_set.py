import numpy as np
import pytest

from attention_ocr.exporting.calibration_set import SAMPLES_OF_A_WIDTH, representative_set, widen
from attention_ocr.settings.image import ImageConfig
from tests import tiny_model

SETTINGS = ImageConfig(image_height=16, max_image_width=96)
WIDTHS = (16, 48, 96)


def test_every_width_sees_images_and_every_image_is_seen():
    files = [*tiny_model.files(7, ["PNG"]), b"no image"]
    samples = representative_set(WIDTHS, files, SETTINGS)
    assert list(samples) == ["read_16", "read_48", "read_96"]
    assert sum(map(len, samples.values())) == 7 + SAMPLES_OF_A_WIDTH * len(WIDTHS)
    for width, inputs in zip(WIDTHS, samples.values(), strict=True):
        assert len(inputs) >= SAMPLES_OF_A_WIDTH
        for entry in inputs:
            assert entry["images"].shape == (1, 16, width, 1)
            assert entry["images"].dtype == np.float32
            height, content_width = entry["image_sizes"][0]
            assert entry["image_sizes"].dtype == np.int32
            assert 1 <= height <= 16
            assert 1 <= content_width <= width
            assert not entry["images"][0, :, content_width:].any()


def test_images_that_cannot_be_read_calibrate_nothing():
    with pytest.raises(ValueError, match="Expected images to calibrate with"):
        representative_set(WIDTHS, [b"", b"no image"], SETTINGS)


def test_ranges_hold_what_the_most_unusual_image_brings_about():
    ranges = {}
    for low, high in ((-0.1, 0.2), (-1.0, 0.1), (0.0, 0.9)):
        widen(ranges, {"images": {"min": np.array([low]), "max": np.array([high])}})
    assert ranges["images"] == {"min": np.array([-1.0]), "max": np.array([0.9])}


def test_a_tensor_that_an_image_does_not_reach_keeps_its_range():
    ranges = {"wide": {"min": np.array([0.0]), "max": np.array([1.0])}, "narrow": {}}
    widen(ranges, {"wide": {}, "narrow": {"min": np.array([2.0]), "max": np.array([3.0])}})
    assert ranges["wide"]["max"] == [1.0]
    assert ranges["narrow"]["min"] == [2.0]
