"""Readers after a fork, and after their files were replaced, cut or deleted."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from attention_ocr.inference.locate import BUNDLED_WEIGHTS
from attention_ocr.inference.reader import load
from tests import tiny_model

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format_version_1"
MODELS = (FIXTURE / "model.tflite", FIXTURE / "model.onnx")
TIMEOUT_S = 120
FILES = tiny_model.files(8, ["PNG"])

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")

PROGRAM = """
import multiprocessing
import sys

import attention_ocr
from tests import tiny_model

path, engine = sys.argv[1:]
reader = attention_ocr.load(None if path == "default" else path, engine=engine)
files = tiny_model.files(8, ["PNG"])


def texts(files):
    try:
        return [reading.text for reading in reader.read(files)]
    except RuntimeError as error:
        return str(error)


def load_again(_):
    try:
        attention_ocr.load(path, engine=engine)
    except RuntimeError as error:
        return str(error)


if __name__ == "__main__":
    expected = texts(files)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        in_child = pool.apply(texts, (files[:2],))
        print("reads" if in_child == expected[:2] else in_child)
        if engine == "tensorflow":
            print(pool.apply(load_again, (0,)))
        # The parent reads on, and a child of the child reads too.
        print(texts(files) == expected)
"""


def run_program(*arguments: object) -> list[str]:
    """Run `PROGRAM` in a separate process; a fork of this one would copy the threads of tests."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(PROGRAM), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


@needs_fork
@pytest.mark.parametrize("model", [*MODELS, "default"])
def test_a_reader_reads_in_a_child_after_a_fork(model):
    assert run_program(model, "auto") == ["reads", "True"]


@needs_fork
@pytest.mark.slow
def test_tensorflow_says_at_once_that_it_does_not_work_after_a_fork(export):
    in_child, loaded_in_child, in_parent = run_program(export, "tensorflow")
    for message in (in_child, loaded_in_child):
        assert "TensorFlow does not work in a process that was forked" in message
        assert "spawn" in message
    assert in_parent == "True"


@pytest.fixture(params=["model.tflite", "model.onnx"])
def copy(request, tmp_path) -> Path:
    return Path(shutil.copy(FIXTURE / request.param, tmp_path))


def damage_by_replacing(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes((BUNDLED_WEIGHTS / "model_int8.tflite").read_bytes())
    os.replace(other, path)


def damage_in_place(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def damage_by_cutting(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(100)


@pytest.mark.skipif(sys.platform == "win32", reason="a file in use can be neither cut nor deleted")
@pytest.mark.parametrize(
    "damage", [Path.unlink, damage_by_replacing, damage_in_place, damage_by_cutting]
)
def test_what_was_loaded_goes_on_being_used_when_the_file_changes(copy, damage):
    reader = load(copy)
    expected = [reading.text for reading in load(FIXTURE / copy.name).read(FILES)]
    assert reader.read(FILES[0])[0].text == expected[0]
    damage(copy)
    # Of several at once, each thread opens the model for itself.
    assert [reading.text for reading in reader.read(FILES * 4)] == expected * 4


@pytest.mark.skipif(sys.platform == "win32", reason="a file in use cannot be deleted")
@pytest.mark.parametrize("engine", ["auto", "tensorflow"])
@pytest.mark.parametrize("kind", ["work directory", "export"])
def test_a_model_of_many_files_reads_on_when_they_are_gone(
    work_dir, export, tmp_path, kind, engine
):
    source = work_dir if kind == "work directory" else export
    folder = Path(shutil.copytree(source, tmp_path / "model"))
    reader = load(folder, engine=engine)
    shutil.rmtree(folder)
    expected = [reading.text for reading in load(source).read(FILES)]
    assert [reading.text for reading in reader.read(FILES)] == expected
