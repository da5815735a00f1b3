import dataclasses
import shutil
from pathlib import Path

import pytest

import attention_ocr
from attention_ocr.cli.main import main
from attention_ocr.inference.engines.metadata import (
    ModelMetadata,
    append_metadata,
    appended_metadata,
    make_metadata,
)
from attention_ocr.settings.config import Config
from attention_ocr.settings.second_looks import RECOMMENDED, SecondLooksConfig
from tests import tiny, tiny_model

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format_version_1"
LOOKS = SecondLooksConfig(widths_below=0.9, widths=(1.3,))


def _notes_of(path: Path) -> ModelMetadata:
    return appended_metadata(path, path.read_bytes())


@pytest.fixture
def work_dir(tmp_path):
    """A work directory with a LiteRT file of some model beside it."""
    folder = tiny_model.write_work_dir(tmp_path / "run")
    shutil.copy(FIXTURE / "model.tflite", folder)
    return folder


def test_the_settings_of_an_old_model_are_shown_and_all_off(work_dir, capsys):
    before = (work_dir / "config.json").read_bytes()
    assert main(["second-looks", str(work_dir)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == ["--rotate_tall_below=0.0", "--widths_below=0.0"]
    assert (work_dir / "config.json").read_bytes() == before


def test_what_is_shown_sets_the_same_again(work_dir, tmp_path, capsys):
    assert main(["second-looks", str(work_dir), "--recommended"]) == 0
    shown = capsys.readouterr().out.splitlines()
    other = Path(shutil.copy(FIXTURE / "model.tflite", tmp_path))
    assert main(["second-looks", str(other), *shown]) == 0
    assert _notes_of(other).config.second_looks == RECOMMENDED


def test_a_work_directory_is_changed_with_the_files_beside_it(work_dir):
    assert main(["second-looks", str(work_dir), "--widths_below=0.9", "--widths=1.3"]) == 0
    assert Config.load(work_dir).second_looks == LOOKS
    assert _notes_of(work_dir / "model.tflite").config.second_looks == LOOKS
    assert main(["second-looks", str(work_dir), "--deskew_below=0.5"]) == 0
    assert Config.load(work_dir).second_looks == dataclasses.replace(LOOKS, deskew_below=0.5)


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
def test_the_model_in_a_changed_file_stays_as_it_is(tmp_path, name):
    path = Path(shutil.copy(FIXTURE / name, tmp_path))
    old = attention_ocr.load(path).config
    images = tiny_model.images(4)
    expected = [reading.text for reading in attention_ocr.load(path).read(images)]
    assert main(["second-looks", str(path), "--widths_below=0.9", "--widths=1.3"]) == 0
    assert attention_ocr.load(path).config == dataclasses.replace(old, second_looks=LOOKS)
    once = attention_ocr.load(path, second_looks=False).read(images)
    assert [reading.text for reading in once] == expected


def test_what_is_changed_back_is_the_same_file_again(tmp_path):
    path = Path(shutil.copy(FIXTURE / "model.onnx", tmp_path))
    assert main(["second-looks", str(path), "--widths_below=0"]) == 0
    before = path.read_bytes()
    assert main(["second-looks", str(path), "--widths_below=0.5"]) == 0
    assert path.read_bytes() != before
    assert main(["second-looks", str(path), "--widths_below=0"]) == 0
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("model.tflite", ["--deskew_below=2"], "`deskew_below` must be a confidence"),
        ("model.tflite", ["--widths=one"], "--widths must be numbers. Received: ['one']"),
        ("model.onnx", ["--deskew_below=2"], "`deskew_below` must be a confidence"),
        ("readings.json", [], "is not a directory"),
    ],
)
def test_what_cannot_be_changed_is_named_and_left(tmp_path, name, arguments, message, capsys):
    path = Path(shutil.copy(FIXTURE / name, tmp_path))
    before = path.read_bytes()
    assert main(["second-looks", str(path), *arguments]) == 1
    assert message in capsys.readouterr().err
    assert path.read_bytes() == before


def test_the_metadata_of_a_new_file_hold_the_second_looks_of_the_model(tmp_path):
    config = tiny.config(widths_below=0.9, widths=(1.3,))
    path = tmp_path / "model.tflite"
    append_metadata(b"model", make_metadata("litert", config, tiny.CHARSET), path)
    assert _notes_of(path).config.second_looks == LOOKS


@pytest.mark.slow
def test_an_export_keeps_the_second_looks_of_the_model_or_those_it_is_told(tmp_path):
    work_dir = tiny_model.write_work_dir(tmp_path / "run", widths_below=0.9, widths=(1.3,))
    first = attention_ocr.export(work_dir, tmp_path / "served")
    assert attention_ocr.load(first).config.second_looks == LOOKS
    second = attention_ocr.export(work_dir, tmp_path / "served", second_looks={"widths_below": 0.5})
    looks = dataclasses.replace(LOOKS, widths_below=0.5)
    assert attention_ocr.load(tmp_path / "served").config.second_looks == looks
    assert Config.load(second).second_looks == looks
