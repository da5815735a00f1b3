import shutil
from pathlib import Path

import pytest

from attention_ocr.cli.main import main
from attention_ocr.data.image_items import EncodedImage
from attention_ocr.data.sources import open_source
from attention_ocr.exporting import parity
from attention_ocr.exporting.parity import SECOND_LOOKS, compare_formats, formats_of, pick_images
from attention_ocr.images.image import LazyImage
from attention_ocr.inference.engines.litert_engine import LiteRTEngine
from attention_ocr.inference.engines.onnx_engine import ONNXEngine
from attention_ocr.settings.formats import EXPORT_FORMATS
from attention_ocr.text.charset import Charset
from tests import tiny, tiny_model

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format_version_1"


@pytest.fixture
def labels(tmp_path):
    """A list of five images, of which the model reads the first right."""
    files = tiny_model.files(5, ["PNG"])
    text = LiteRTEngine(FIXTURE / "model.tflite").read([LazyImage(files[0])])[0].text
    for index, file in enumerate(files):
        (tmp_path / f"{index}.png").write_bytes(file)
    names = {f"{index}.png": text if index == 0 else "other" for index in range(5)}
    return tiny.write_labels(tmp_path, names)


def test_all_formats_of_a_version_are_compared(labels, capsys):
    assert formats_of(FIXTURE) == ("litert", "onnx")
    assert main(["parity", str(FIXTURE), str(labels)]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines[1:]] == ["reference", "litert", "onnx"]
    assert {tuple(line[1:4]) for line in lines[1:]} == {("5", "100.00%", "20.00%")}
    assert all(float(line[4]) < 1e-4 for line in lines[1:])


def test_labels_are_compared_in_the_characters_that_a_model_reads(monkeypatch):
    reference = LiteRTEngine(FIXTURE / "model.tflite")
    content = tiny_model.files(1, ["PNG"])[0]
    text = reference.read([LazyImage(content)])[0].text
    monkeypatch.setattr(reference, "charset", Charset(reference.charset.characters, {"X": text[0]}))
    image = EncodedImage("0.png", text.replace(text[0], "X"), content)
    rows = compare_formats(FIXTURE, [image], reference)
    assert [(row.format_name, row.num_right) for row in rows[:2]] == [
        ("reference", 1),
        ("litert", 1),
    ]


def test_formats_are_compared_on_any_source(labels, tmp_path, capsys):
    rows = labels.read_text("utf-8").replace("\t", ",")
    (tmp_path / "words.csv").write_text(f"image,text\n{rows}", "utf-8")
    assert main(["records", str(labels), str(tmp_path / "shards")]) == 0
    capsys.readouterr()
    printed = []
    for source in ("labels.tsv", "words.csv", "shards/*.tfrecord"):
        assert main(["parity", str(FIXTURE), f"{tmp_path}/{source}"]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0].splitlines()[1].startswith("reference\t5\t100.00%\t20.00%")
    assert printed == [printed[0]] * 3
    assert main(["parity", str(FIXTURE), "synthetic,kinds=words", "--count=3"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("reference\t3\t")


def test_images_are_spread_over_the_whole_source(tmp_path):
    tiny.write_label_file(tmp_path, list("abcdefg"))
    source = open_source(str(tmp_path / "labels.tsv"))
    assert [image.text for image in pick_images(source, 3)] == ["a", "c", "e"]
    assert [image.text for image in pick_images(source, 100)] == list("abcdefg")
    mixture = open_source(f"{tmp_path}/labels.tsv,weight=1;{tmp_path}/labels.tsv,weight=2")
    assert len(pick_images(mixture, 4)) == 4
    endless = open_source(f"{tmp_path}/labels.tsv,weight=1;synthetic,fonts=bundled,weight=2")
    assert [image.text for image in pick_images(endless, 9)][:7] == list("abcdefg")


def test_an_image_that_is_not_there_is_named(labels, tmp_path, capsys):
    (tmp_path / "3.png").unlink()
    assert main(["parity", str(FIXTURE), str(labels)]) == 1
    assert "3.png: no such image" in capsys.readouterr().err


def test_parity_says_which_readers_apply_second_looks(labels, tmp_path, capsys):
    version = shutil.copytree(FIXTURE, tmp_path / "1")
    (version / "model.onnx").unlink()
    assert main(["second-looks", str(version / "model.tflite"), "--widths_below=1"]) == 0
    capsys.readouterr()
    assert main(["parity", str(version), str(labels)]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[-1]) for line in lines] == [
        ("format", "second looks"),
        ("reference", "-"),
        ("litert", "package"),
        ("second looks", "-"),
    ]
    assert set(SECOND_LOOKS) == set(EXPORT_FORMATS)


def test_a_format_with_different_readings_is_named(labels, capsys, monkeypatch):
    class Liar(ONNXEngine):
        def run(self, image, image_size):
            outputs = dict(super().run(image, image_size))
            return outputs | {"token_ids": outputs["token_ids"] * 0 + 4}

    engines = {
        "litert": LiteRTEngine(FIXTURE / "model.tflite"),
        "onnx": Liar(FIXTURE / "model.onnx"),
    }
    monkeypatch.setattr(parity, "open_format", lambda format_name, _: engines[format_name])
    assert main(["parity", str(FIXTURE), str(labels), "--count=3"]) == 1
    output = capsys.readouterr()
    assert output.out.splitlines()[3].startswith("onnx\t3\t0.00%\t0.00%")
    assert "parity: onnx: Image 0 of the check: the model read" in output.err
    assert "the export 'aaaa'" in output.err


def test_what_cannot_be_compared_is_named(labels, tmp_path, capsys):
    with pytest.raises(ValueError, match="Expected images"):
        compare_formats(FIXTURE, [])
    assert main(["parity", str(FIXTURE), str(labels), "--count=0"]) == 1
    assert "`count` must be at least 1. Received: 0" in capsys.readouterr().err
    version = tmp_path / "1"
    shutil.copytree(FIXTURE, version)
    (version / "model.onnx").write_bytes(b"no model")
    assert main(["parity", str(tmp_path / "1"), str(labels)]) == 1
    assert "model.onnx is damaged" in capsys.readouterr().err
