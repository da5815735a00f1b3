import shutil
from pathlib import Path

import pytest

from attention_ocr.cli.main import main
from attention_ocr.engines.litert import LiteRTEngine
from attention_ocr.engines.onnx import ONNXEngine
from attention_ocr.export import parity
from attention_ocr.export.parity import SECOND_LOOKS, compare_forms, forms_of
from attention_ocr.settings.forms import FORMS
from tests import tiny, tiny_model

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format_version_1"


@pytest.fixture
def labels(tmp_path):
    """A list of five images, of which the model reads the first right."""
    files = tiny_model.files(5, ["PNG"])
    text = LiteRTEngine(FIXTURE / "model.tflite").read(files[:1])[0].text
    for index, file in enumerate(files):
        (tmp_path / f"{index}.png").write_bytes(file)
    names = {f"{index}.png": text if index == 0 else "other" for index in range(5)}
    return tiny.write_labels(tmp_path, names)


def test_all_forms_of_a_version_are_compared(labels, capsys):
    assert forms_of(FIXTURE) == ("litert", "onnx")
    assert main(["parity", str(FIXTURE), str(labels)]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines[1:]] == ["reference", "litert", "onnx"]
    assert {tuple(line[1:4]) for line in lines[1:]} == {("5", "100.00%", "20.00%")}
    assert all(float(line[4]) < 1e-4 for line in lines[1:])


def test_second_looks_are_said_to_apply_in_the_package_alone(labels, tmp_path, capsys):
    version = shutil.copytree(FIXTURE, tmp_path / "1")
    (version / "model.onnx").unlink()
    assert main(["second-looks", str(version / "model.tflite"), "--widths_below=1"]) == 0
    capsys.readouterr()
    assert main(["parity", str(version), str(labels)]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[-1]) for line in lines] == [
        ("form", "second looks"),
        ("reference", "-"),
        ("litert", "package"),
        ("second looks", "-"),
    ]
    assert set(SECOND_LOOKS) == set(FORMS)


def test_a_form_that_reads_otherwise_is_named(labels, capsys, monkeypatch):
    class Liar(ONNXEngine):
        def run(self, image, image_size):
            outputs = dict(super().run(image, image_size))
            return outputs | {"token_ids": outputs["token_ids"] * 0 + 4}

    engines = {
        "litert": LiteRTEngine(FIXTURE / "model.tflite"),
        "onnx": Liar(FIXTURE / "model.onnx"),
    }
    monkeypatch.setattr(parity, "open_form", lambda form, _: engines[form])
    assert main(["parity", str(FIXTURE), str(labels), "--count=3"]) == 1
    output = capsys.readouterr()
    assert output.out.splitlines()[3].startswith("onnx\t3\t0.00%\t0.00%")
    assert "parity: onnx: Image 0 of the check: the model read" in output.err
    assert "the export 'aaaa'" in output.err


def test_what_cannot_be_compared_is_named(labels, tmp_path, capsys):
    with pytest.raises(ValueError, match="Expected images"):
        compare_forms(FIXTURE, [])
    assert main(["parity", str(FIXTURE), str(labels), "--count=0"]) == 1
    assert "`count` must be at least 1. Received: 0" in capsys.readouterr().err
    version = tmp_path / "1"
    shutil.copytree(FIXTURE, version)
    (version / "model.onnx").write_bytes(b"no model")
    assert main(["parity", str(tmp_path / "1"), str(labels)]) == 1
    assert "model.onnx is damaged" in capsys.readouterr().err
