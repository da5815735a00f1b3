"""The programs of examples/cpp, built here, against Python."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from attention_ocr.exporting.export import write_format
from attention_ocr.images.formats import STATUS_NOT_IN_GRAPH, STATUS_UNSUPPORTED
from attention_ocr.inference.reader import load
from attention_ocr.inference.work_directory import load_trained_model
from attention_ocr.text.charset import Charset
from tests import tiny_model
from tests.image_files import LOSSLESS

SOURCES = Path(__file__).parents[2] / "examples" / "cpp"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cmake") is None, reason="there is no cmake"),
    pytest.mark.skipif(
        not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="there is no C++ compiler"
    ),
]

NOT_DECODED = "unreadable image: not a PNG or JPEG file"
"""Status that `read_onnx` prints for files of other formats, and for what is no image."""

KINDS = {
    "gray": {},
    "narrow": {"narrow_stretch": 1.7},
    "views in colour": {"image_channels": 3, "num_views": 2, "max_image_width": 48},
}


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """The folder of the programs."""
    folder = tmp_path_factory.mktemp("build")
    for command in (["-S", SOURCES, "-B", folder], ["--build", folder]):
        subprocess.run(["cmake", *command], check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture(scope="module", params=KINDS)
def version(request, tmp_path_factory):
    """An export of both formats, whose charset holds a tab and a class of two glyphs."""
    folder = tmp_path_factory.mktemp("model")
    charset = Charset(["a", "\t", "é", "0", "字"], {"A": "a"})
    work_dir = tiny_model.write_work_dir(folder, charset, **KINDS[request.param])
    for form in ("saved_model", "onnx"):
        write_format(form, load_trained_model(work_dir), folder / "1")
    return folder / "1"


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Image files of all kinds, and what is none."""
    folder = tmp_path_factory.mktemp("images")
    files = dict(enumerate(tiny_model.files(6)))
    files |= {name: file for name, (file, _) in LOSSLESS.items() if "PNG" in name}
    whole = files[0]
    files |= {"text": b"no image", "cut short": whole[: len(whole) // 2], "empty": b""}
    for name, file in files.items():
        (folder / f"{name}.bin").write_bytes(file)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def readings(version, paths):
    """What Python reads in them."""
    return load(version, engine="tensorflow").read(paths)


@pytest.mark.parametrize(
    ("program", "form"), [("read_saved_model", "."), ("read_onnx", "model.onnx")]
)
def test_the_program_reads_what_python_reads(
    build, version, paths, readings, tmp_path, program, form
):
    executable = build / program
    if not executable.exists():
        pytest.skip(f"{program} is not built: its libraries are not there, see its README.md")
    missing = tmp_path / "missing.png"
    command = [executable, version / form, *paths, missing]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    run = subprocess.run(command, check=False, env=environment, capture_output=True, timeout=120)
    lines = [line.split("\t") for line in run.stdout.decode("utf-8").splitlines()]
    assert run.returncode == 1
    assert lines.pop() == [str(missing), "", "0.0000", "no such file"]
    assert [path for path, *_ in lines] == [str(path) for path in paths]
    assert len({reading.text for reading in readings}) > 3
    for path, line, reading in zip(paths, lines, readings, strict=True):
        _, text, confidence, status = line
        if program == "read_onnx" and path.read_bytes()[:2] in (b"BM", b"GI"):
            assert line[1:] == ["", "0.0000", NOT_DECODED]
            continue
        assert text == reading.text.replace("\t", "\\t")
        assert float(confidence) == pytest.approx(reading.confidence, abs=1e-3)
        if status == STATUS_NOT_IN_GRAPH:
            # A graph cannot tell what Python decodes besides from what nobody does.
            assert reading.error.startswith("unreadable image: not a")
            continue
        if status == NOT_DECODED:
            assert reading.error == STATUS_UNSUPPORTED
            continue
        assert status == (reading.error or "ok")
    unreadable = [path.stem for path, reading in zip(paths, readings, strict=True) if reading.error]
    assert {"cut short", "empty", "text"} <= set(unreadable)


@pytest.mark.parametrize("program", ["read_saved_model", "read_onnx"])
def test_a_model_that_is_not_there_is_named(build, tmp_path, program):
    if not (build / program).exists():
        pytest.skip(f"{program} is not built: its libraries are not there, see its README.md")
    command = [build / program, tmp_path / "nothing", tmp_path / "word.png"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert run.stdout == ""
    assert str(tmp_path / "nothing") in run.stderr.splitlines()[-1]
