import numpy as np
import pytest

from attention_ocr.export.calibration_set import SAMPLES_OF_A_WIDTH, representative_set
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
            height, picture_width = entry["image_sizes"][0]
            assert entry["image_sizes"].dtype == np.int32
            assert 1 <= height <= 16
            assert 1 <= picture_width <= width
            assert not entry["images"][0, :, picture_width:].any()


def test_images_that_cannot_be_read_calibrate_nothing():
    with pytest.raises(ValueError, match="Expected images to calibrate with"):
        representative_set(WIDTHS, [b"", b"no image"], SETTINGS)
