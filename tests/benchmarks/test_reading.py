"""The pairs of `benchmarks.reading` time what their names say."""

import numpy as np
import pytest

import attention_ocr
from benchmarks import measure, reading
from benchmarks.words import write_images
from tests import tiny_model


@pytest.fixture
def pairs(monkeypatch):
    """Call both ways of each pair once instead of timing them; return what they were called."""
    timed = []

    def time_pair(first, second, count, rounds, run_length=1):
        for item in range(count):
            first(item)
            second(item)
        timed.append((count, rounds, run_length))
        return {"CPU ms": 1.0, "beside ms": 2.0, "ratio": 0.5}

    monkeypatch.setattr(measure, "time_pair", time_pair)
    return timed


class ScriptedReader:
    def __init__(self):
        self.images = []

    def read(self, image):
        self.images.append(image)


def test_arrays_are_the_pixels_of_the_files_beside_them(pairs):
    files = tiny_model.files(3, ["PNG"])
    readers = {"one": ScriptedReader(), "two": ScriptedReader()}
    rows = list(reading.array_pairs(readers, files, 7))
    assert [row["pair, one word"] for row in rows] == [
        "one: array beside file",
        "two: array beside file",
    ]
    assert pairs == [(3, 7, 1)] * 2
    for reader in readers.values():
        assert reader.images[1::2] == list(files)
        for array, file in zip(reader.images[::2], files, strict=True):
            np.testing.assert_array_equal(array, reading.decode(file))


def test_the_bare_interpreter_has_the_inputs_of_the_reader(pairs, tmp_path):
    files = [path.read_bytes() for path in write_images(tmp_path, 2)]
    rows = list(reading.bare_pairs(files, 3))
    assert len({row["pair, one word"] for row in rows}) == 6
    assert pairs == [(2, 3, 1), (2, 3, 2)] * 3
    assert {row["ratio"] for row in rows} == {0.5}


def test_an_image_takes_one_pass_or_as_many_as_it_is_read_again():
    once = attention_ocr.load(engine="litert", second_looks=False)
    word = np.full((32, 100, 3), 255, np.uint8)
    word[8:24, 10:90:9] = 0
    ((image, size),) = reading.inputs_of(once, once.engine, word)
    assert image.dtype == np.float32
    assert image.shape[0] == 32
    assert size.tolist()[0] == 32
    looking = attention_ocr.load(engine="litert", second_looks=True)
    passes = reading.inputs_of(looking, looking.engine.engine, word)
    assert len(passes) > 1
    np.testing.assert_array_equal(passes[0][0], image)
    # The engine is as it was.
    assert looking.engine.engine.num_threads == once.engine.num_threads
    assert "run" not in vars(looking.engine.engine)
