"""A reader and its readings as Python objects: shown, copied, pickled, watched."""

import copy
import dataclasses
import io
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from attention_ocr.cli.main import main
from attention_ocr.images.headers import ImageLimits
from attention_ocr.inference.engines.interface import Reading
from attention_ocr.inference.reader import Reader, load
from tests import tiny_model

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format_version_1"
FILES = tiny_model.files(5, ["PNG"])


def texts(readings: list[Reading]) -> list[str]:
    return [reading.text for reading in readings]


def test_a_reading_is_shown_in_a_line():
    attention = np.zeros((2, 4, 9), np.float32)
    reading = Reading("a\n", 0.98765, (0.99, 0.998), attention, (1.0, 1.0))
    assert repr(reading) == r"Reading('a\n', confidence=0.988)"
    reading = dataclasses.replace(reading, path="word.png", error="unreadable image", slant=10.0)
    assert repr(reading) == (
        r"Reading('a\n', confidence=0.988, error='unreadable image', slant=10.0, path='word.png')"
    )


def test_a_notebook_shows_text_and_confidence_without_markup_of_the_text():
    attention = np.zeros((3, 4, 9), np.float32)
    reading = Reading("a<b", 0.5, (1.0, 0.75, 1.0), attention, (1.0, 1.0), path="<i>.png")
    shown = reading._repr_html_()
    assert "&lt;" in shown
    assert "50.0%" in shown
    assert "75.0%" in shown
    assert "<i>" not in shown
    assert "&lt;i&gt;.png" in shown


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
def test_a_reader_is_shown_in_a_line(name):
    reader = load(FIXTURE / name)
    shown = repr(reader)
    assert str(FIXTURE / name) in shown
    assert {"model.tflite": "LiteRT", "model.onnx": "ONNX"}[name] in shown
    assert "7 characters" in shown
    assert "\n" not in shown
    assert "the bundled model" in repr(load())


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))]
)
def test_a_copied_reader_reads_the_same(copied, monkeypatch, tmp_path):
    monkeypatch.chdir(FIXTURE)
    reader = load("model.tflite", limits=ImageLimits(max_image_pixels=10**6))
    # What was a relative path is found from elsewhere.
    monkeypatch.chdir(tmp_path)
    again = copied(reader)
    assert again is not reader
    assert again.limits == reader.limits
    assert texts(again.read(FILES)) == texts(reader.read(FILES))


def test_a_copy_keeps_the_settings_of_decoding_and_the_version(work_dir, export):
    reader = load(work_dir, decoding="ctc")
    assert pickle.loads(pickle.dumps(reader)).config.decoding.decoding == "ctc"
    of_export = load(export.parent)
    assert of_export.origin.path == str(export)
    assert texts(copy.deepcopy(of_export).read(FILES)) == texts(of_export.read(FILES))


def test_a_reader_of_the_package_goes_to_another_process():
    program = (
        "import pickle, sys, io; reader = pickle.load(sys.stdin.buffer);"
        "sys.stdout.write(repr(reader))"
    )
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        input=pickle.dumps(load()),
        capture_output=True,
        timeout=120,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert result.stdout.decode() == repr(load())


def test_a_reader_of_an_engine_says_why_it_cannot_be_copied(reader):
    own = Reader(reader.engine)
    for copied in (copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="it must come from `load`"):
            copied(own)


def test_progress_is_reported_after_each_batch():
    reader = load(FIXTURE / "model.tflite")
    told: list = []
    reader.read(FILES, batch_size=2, progress=lambda *args: told.append(args))
    assert told == [(2, 5), (4, 5), (5, 5)]
    told.clear()
    reader.read(iter(FILES), batch_size=3, progress=lambda *args: told.append(args))
    assert told == [(3, None), (5, None)]
    told.clear()
    reader.read(io.BytesIO(FILES[0]), progress=lambda *args: told.append(args))
    assert told == [(1, 1)]


def two_words() -> np.ndarray:
    font = ImageFont.load_default(size=40)
    image = Image.new("RGB", (190, 56), "white")
    ImageDraw.Draw(image).text((8, 4), "NO EXIT", fill="black", font=font)
    return np.asarray(image)


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
def test_an_image_of_two_words_is_read_with_a_warning(name):
    reading, word = load(FIXTURE / name).read([two_words(), FILES[0]])
    assert reading.error is None
    assert reading.warning.startswith("looks like several words")
    assert "warning='looks like several words" in repr(reading)
    assert word.warning is None


def test_an_image_alone_has_the_warning_that_it_has_among_others():
    reader = load(FIXTURE / "model.tflite")
    images = [two_words(), FILES[0], np.full((300, 400, 3), 90, np.uint8), b"broken"]
    together = [(reading.warning, reading.error) for reading in reader.read(images)]
    alone = [reader.read(image)[0] for image in images]
    assert [(reading.warning, reading.error) for reading in alone] == together
    starts = [warning and warning.split(";")[0] for warning, _ in together]
    assert starts == ["looks like several words", None, "looks like a page or photo", None]


def test_the_command_warns_of_an_image_of_two_words(tmp_path, capsys):
    path = tmp_path / "words.png"
    Image.fromarray(two_words()).save(path)
    assert main(["read", str(path), f"--model={FIXTURE / 'model.tflite'}", "--format=jsonl"]) == 0
    output, errors = capsys.readouterr()
    warning = json.loads(output)["warning"]
    assert errors == f"attention-ocr read: {path}: {warning}\n"
    assert "crop" in warning
