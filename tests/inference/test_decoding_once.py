"""A file is decoded once for warnings, reading and second looks; pixels are never packed."""

import cv2
import numpy as np
import pytest

from attention_ocr.images import decode as decode_module
from attention_ocr.images import image as image_module
from attention_ocr.images.decode import decode
from attention_ocr.inference.reader import load
from tests import tiny_model
from tests.inference.engines.test_files import FIXTURE

FILES = tiny_model.files(4, ["PNG"])
ALL_LOOKS = {
    "rotate_tall_below": 1.0,
    "widths_below": 1.0,
    "deskew_below": 1.0,
    "rotate_180_below": 1.0,
}


def inputs_of(images):
    """Read with every second look, and return all inputs of the network."""
    reader = load(FIXTURE / "model.tflite", second_looks=ALL_LOOKS)
    engine = reader.engine.engine
    engine.num_threads = 1
    run, inputs = engine.run, []

    def recording(image, image_size):
        inputs.append((image.copy(), image_size.copy()))
        return run(image, image_size)

    engine.run = recording
    return reader.read(images), inputs


@pytest.fixture
def decoded(monkeypatch):
    """How many files were decoded; a test that packs pixels as a file fails."""
    calls = []

    def decode_with_size(*args):
        calls.append(args)
        return decode_module.decode_with_size(*args)

    def imencode(*_):
        raise AssertionError("Pixels were packed as a file.")

    monkeypatch.setattr(image_module, "decode_with_size", decode_with_size)
    monkeypatch.setattr(cv2, "imencode", imencode)
    return calls


def test_a_file_is_decoded_once_however_often_it_is_looked_at(decoded):
    _, inputs = inputs_of(FILES)
    assert len(inputs) > 3 * len(FILES)
    assert len(decoded) == len(FILES)


def test_an_array_is_not_decoded_and_enters_the_network_as_its_file(decoded):
    from_files, expected = inputs_of(FILES)
    arrays = [decode(file) for file in FILES]
    decoded.clear()
    from_arrays, inputs = inputs_of(arrays)
    assert decoded == []
    for (image, size), (wanted_image, wanted_size) in zip(inputs, expected, strict=True):
        np.testing.assert_array_equal(image, wanted_image)
        np.testing.assert_array_equal(size, wanted_size)
    for reading, wanted in zip(from_arrays, from_files, strict=True):
        assert (reading.text, reading.confidence) == (wanted.text, wanted.confidence)


def test_old_names_of_arguments_are_deprecated():
    with pytest.warns(DeprecationWarning, match="`turn_tall` is deprecated: use `rotate_tall`"):
        reader = load(FIXTURE / "model.tflite", turn_tall=True)
    assert reader.config.second_looks.rotate_tall_below > 0.0
