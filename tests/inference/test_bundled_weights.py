import dataclasses
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import attention_ocr
from attention_ocr.cli.main import main
from attention_ocr.inference.engines.metadata import appended_metadata, check_source_digest
from attention_ocr.inference.locate import LANGUAGE_MODEL_FILE
from attention_ocr.inference.reader import load
from attention_ocr.inference.work_directory import BUNDLED_WEIGHTS, WEIGHTS_FILE
from attention_ocr.settings.formats import FILES
from attention_ocr.settings.second_looks import RECOMMENDED
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import parse_options
from attention_ocr.text.charset import ASCII

LIMIT_MB = 10


@pytest.fixture(scope="module")
def words():
    """Words that the training never drew: images uint8 [h, w, 3] and their texts."""
    options = {"kinds": "words", "difficulty": "0.2", "fonts": "bundled", "part": "eval"}
    renderer = Renderer(parse_options(options))
    return [renderer.render(index) for index in range(60)]


@pytest.fixture(scope="module")
def reader():
    return attention_ocr.load()


def test_the_weights_of_the_package_are_small():
    files = [path for path in BUNDLED_WEIGHTS.iterdir() if path.is_file()]
    assert {WEIGHTS_FILE, LANGUAGE_MODEL_FILE, FILES["litert_int8"]} < {f.name for f in files}
    # A wheel is a ZIP archive.
    packed = sum(len(zlib.compress(path.read_bytes())) for path in files)
    assert packed < LIMIT_MB * 1e6


def test_the_fastest_engine_reads_the_same_weights():
    path = BUNDLED_WEIGHTS / FILES["litert_int8"]
    assert path.stat().st_size < LIMIT_MB * 1e6
    check_source_digest(path, appended_metadata(path, path.read_bytes()), BUNDLED_WEIGHTS)


def test_second_looks_are_taken_however_the_weights_are_opened(reader):
    assert reader.config.second_looks == RECOMMENDED
    for place in (BUNDLED_WEIGHTS, BUNDLED_WEIGHTS / FILES["litert_int8"]):
        assert attention_ocr.load(place).config.second_looks == RECOMMENDED


def test_a_model_by_its_path_reads_what_the_package_reads(reader, words):
    upside_down = [np.ascontiguousarray(image[::-1, ::-1]) for image, _ in words[:10]]
    expected = [(reading.text, reading.confidence) for reading in reader.read(upside_down)]
    for place in (BUNDLED_WEIGHTS, BUNDLED_WEIGHTS / FILES["litert_int8"]):
        readings = attention_ocr.load(place).read(upside_down)
        assert [(reading.text, reading.confidence) for reading in readings] == expected
    once = attention_ocr.load(BUNDLED_WEIGHTS, second_looks=False).read(upside_down)
    assert [reading.text for reading in once] != [text for text, _ in expected]


def narrowed(image: np.ndarray) -> np.ndarray:
    """Return an image whose letters are condensed to a quarter of their width."""
    return cv2.resize(image, None, fx=0.24, fy=1.0, interpolation=cv2.INTER_AREA)


def test_other_widths_read_more_condensed_words(words):
    images = [narrowed(image) for image, _ in words]
    once = dataclasses.replace(RECOMMENDED, widths_below=0.0)
    right = [
        sum(
            reading.text == text
            for reading, (_, text) in zip(
                attention_ocr.load(second_looks=looks).read(images), words, strict=True
            )
        )
        for looks in (once, RECOMMENDED)
    ]
    assert right[1] > right[0]


def drawn(text: str, size: int, margin: int) -> np.ndarray:
    """Return a text in dark print on light paper, cut out tightly: uint8 [h, w, 3]."""
    font = ImageFont.load_default(size=size)
    left, top, right, bottom = map(int, font.getbbox(text))
    box = (right - left + 2 * margin, bottom - top + 2 * margin)
    image = Image.new("RGB", box, (235, 235, 230))
    ImageDraw.Draw(image).text((margin - left, margin - top), text, (20, 20, 20), font)
    return np.asarray(image)


def test_a_lone_narrow_letter_and_a_word_upside_down_are_read(reader):
    upside_down = np.ascontiguousarray(drawn("PARKING", 40, 8)[::-1, ::-1])
    narrow, word = reader.read([drawn("I", 56, 5), upside_down])
    assert (narrow.text, narrow.quarter_turns) == ("I", 0)
    assert (word.text, word.quarter_turns) == ("PARKING", 2)


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_a_line_too_wide_for_the_network_is_marked_as_shrunk(engine):
    line = drawn("the quick brown fox jumps over the lazy dog today", 40, 8)
    readings = attention_ocr.load(engine=engine).read([line, drawn("PARKING", 40, 8)])
    assert [reading.shrunk for reading in readings] == [True, False]


def test_eight_bit_models_read_like_the_weights(reader, words):
    images = [image for image, _ in words]
    whole = attention_ocr.load(engine="tensorflow").read(images)
    same = [
        fast.text == wanted.text for fast, wanted in zip(reader.read(images), whole, strict=True)
    ]
    assert np.mean(same) >= 0.95


def test_held_out_words_are_read(reader, words):
    assert set(ASCII) == set(reader.charset.characters)
    readings = reader.read([image for image, _ in words])
    right = [reading.text == text for reading, (_, text) in zip(readings, words, strict=True)]
    assert np.mean(right) > 0.85


def test_confidence_is_lower_where_texts_are_wrong(reader):
    options = {"kinds": "words", "difficulty": "1", "fonts": "bundled", "part": "eval"}
    renderer = Renderer(parse_options(options | {"look": "irregular"}))
    words = [renderer.render(index) for index in range(100)]
    readings = reader.read([image for image, _ in words])
    right = np.array(
        [reading.text == text for reading, (_, text) in zip(readings, words, strict=True)]
    )
    confidences = np.array([reading.confidence for reading in readings])
    assert 0 < right.sum() < len(words)
    assert confidences[right].mean() > confidences[~right].mean() + 0.2


def test_images_without_text_give_no_text(reader):
    blank, slope = np.full((48, 160, 3), 255, np.uint8), np.zeros((48, 160, 3), np.uint8)
    slope += np.linspace(0, 255, 160).astype(np.uint8)[:, None]
    for reading in reader.read([blank, 0 * blank, slope]):
        assert reading.error is None
        assert reading.text == ""
        assert reading.confidence > 0.5


def test_the_command_reads_without_a_model(words, tmp_path, capsys):
    image, text = words[0]
    cv2.imwrite(str(tmp_path / "word.png"), image[..., ::-1])
    assert main(["read", str(tmp_path / "word.png")]) == 0
    assert capsys.readouterr().out.split("\t")[1] == text


READ_AND_LIST = """
import sys
import attention_ocr
from attention_ocr.cli.main import main
assert main(["read", sys.argv[1]]) == 0
assert attention_ocr.load().read(sys.argv[1])[0].text == sys.argv[2]
heavy = {"tensorflow", "keras", "tensorboard", "tensorflow_datasets"} & set(sys.modules)
assert not heavy, heavy
"""


def test_reading_does_not_import_tensorflow(words, tmp_path):
    image, text = words[0]
    cv2.imwrite(str(tmp_path / "word.png"), image[..., ::-1])
    result = subprocess.run(
        [sys.executable, "-c", READ_AND_LIST, "word.png", text],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


@pytest.mark.parametrize("engine", ["litert", pytest.param("tensorflow", marks=pytest.mark.slow)])
def test_characters_outside_the_charset_give_no_replacement_character(engine):
    font = ImageFont.load_default(size=40)
    images = []
    for text in ("20°C", "£5", "café", "Ω", "naïve", "½", "Größe", "§7"):
        image = Image.new("RGB", (round(font.getlength(text)) + 20, 60), "white")
        ImageDraw.Draw(image).text((10, 6), text, fill="black", font=font)
        images.append(image)
    readings = load(engine=engine).read(images)
    for reading in readings:
        assert reading.error is None
        assert "\ufffd" not in reading.text
        assert len(reading.character_confidences) == len(reading.text) == len(reading.attention)
    assert any(reading.text for reading in readings)
