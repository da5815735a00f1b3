"""Models in one file: an export of the first format version, and damaged ones."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from attention_ocr.cli.main import main
from attention_ocr.inference.engines.metadata import METADATA_FILE
from attention_ocr.inference.reader import load
from tests import tiny, tiny_model

FIXTURE = Path(__file__).parents[2] / "fixtures" / "format_version_1"
"""Of a tiny model, as the first release of the format wrote it; never written again."""

NAMES = ("model.tflite", "model.onnx")
FILES = tiny_model.files(6, ["PNG"])


@pytest.fixture(params=NAMES)
def model(request):
    return FIXTURE / request.param


@pytest.fixture
def copy(model, tmp_path):
    return Path(shutil.copy(model, tmp_path))


def expected() -> list[dict]:
    readings = json.loads((FIXTURE / "readings.json").read_text(encoding="utf-8"))
    # Unknown characters, which exports of that time could answer with, are not shown.
    return [reading | {"text": reading["text"].replace("\ufffd", "")} for reading in readings]


def test_an_old_export_stays_readable(model):
    reader = load(model)
    assert reader.charset == tiny.CHARSET
    assert reader.config.image.max_image_width == 32
    for reading, wanted in zip(reader.read(FILES), expected(), strict=True):
        assert reading.text == wanted["text"]
        assert reading.confidence == pytest.approx(wanted["confidence"], rel=5e-3)
        assert reading.error is None
        assert len(reading.character_confidences) == len(reading.text)
        assert reading.attention.shape[0] == len(reading.text)
        np.testing.assert_allclose(reading.attention.sum(axis=(1, 2)), 1.0, rtol=1e-4)


def test_rows_do_not_depend_on_each_other(model):
    reader = load(model)
    alone = [reader.read(file)[0] for file in FILES]
    together = reader.read([*FILES, b"no image"])
    assert [reading.text for reading in together[:-1]] == [reading.text for reading in alone]
    assert (together[-1].text, together[-1].confidence) == ("", 0.0)
    assert together[-1].error.startswith("unreadable image: ")
    assert together[-1].character_confidences == ()


def test_many_threads_read_what_one_reads(model):
    reader = load(model)
    texts = [reading.text for reading in reader.read(FILES * 20, batch_size=120)]
    assert texts == [wanted["text"] for wanted in expected()] * 20


def test_the_engine_may_be_named(model):
    name = {"model.tflite": "litert", "model.onnx": "onnx"}[model.name]
    other = {"litert": "onnx", "onnx": "litert"}[name]
    assert load(model, engine=name).read(FILES[0])[0].text == expected()[0]["text"]
    with pytest.raises(ValueError, match=f"is run by engine={name}. Received: engine='{other}'"):
        load(model, engine=other)
    with pytest.raises(ValueError, match="keeps its exported decoding.*beam_width=3"):
        load(model, beam_width=3)


def test_the_fastest_format_of_a_directory_is_used():
    assert type(load(FIXTURE).engine).__name__ == "LiteRTEngine"
    assert type(load(FIXTURE, engine="onnx").engine).__name__ == "ONNXEngine"
    with pytest.raises(ValueError, match="has no format that an installed engine runs"):
        load(FIXTURE, engine="tensorflow")
    with pytest.raises(ValueError, match="`engine` must be one of auto.*Received: 'fast'"):
        load(FIXTURE, engine="fast")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_was_cut_is_refused_by_name(copy, share):
    content = copy.read_bytes()
    copy.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=copy.name):
        load(copy)


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8, 0.97])
def test_a_file_that_was_changed_is_refused_by_name(copy, place):
    content = bytearray(copy.read_bytes())
    content[int(place * len(content))] ^= 0x40
    copy.write_bytes(content)
    with pytest.raises(ValueError, match=copy.name):
        load(copy)


def test_an_unknown_version_is_refused_with_what_to_do(copy):
    if copy.suffix == ".onnx":
        # The digest covers it too: the version is looked at first.
        copy.write_bytes(
            copy.read_bytes().replace(b'"format_version": 1,', b'"format_version": 7,')
        )
    else:
        with zipfile.ZipFile(copy) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
            length = min(entry.header_offset for entry in archive.infolist())
        copy.write_bytes(copy.read_bytes()[:length])
        metadata = entries[METADATA_FILE].replace(b'"format_version": 1', b'"format_version": 7')
        with zipfile.ZipFile(copy, "a") as archive:
            for name, text in (entries | {METADATA_FILE: metadata}).items():
                archive.writestr(name, text)
    with pytest.raises(ValueError, match=f"{copy.name}.*export the work dir.*again. Received: 7"):
        load(copy)


def test_a_model_of_another_maker_is_refused_by_name(copy):
    if copy.suffix == ".onnx":
        import onnx

        proto = onnx.load(copy)
        del proto.metadata_props[:]
        onnx.save(proto, copy)
    else:
        content = copy.read_bytes()
        copy.write_bytes(content[: content.index(b"PK\x03\x04")])
    with pytest.raises(ValueError, match=f"{copy.name} is not a .*model of this toolkit"):
        load(copy)


def test_the_metadata_can_be_read_without_the_toolkit():
    with zipfile.ZipFile(FIXTURE / "model.tflite") as archive:
        metadata = json.loads(archive.read("attention_ocr.json"))
        assert json.loads(archive.read("config.json"))["image"]["image_height"] == 16
        assert archive.read("charset.txt").decode() == "a\nb\nc\n0\n1\n2\n3\n"
        length = min(entry.header_offset for entry in archive.infolist())
    assert metadata["form"] == "litert"
    assert metadata["widths"] == [16, 32]
    content = (FIXTURE / "model.tflite").read_bytes()
    assert metadata["sha256"] == hashlib.sha256(content[:length]).hexdigest()


def test_the_command_reads_a_file(model, tmp_path, capsys):
    (tmp_path / "word.png").write_bytes(FILES[0])
    assert main(["read", str(tmp_path / "word.png"), f"--model={model}", "--format=jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == expected()[0]["text"]
    command = ["read", str(tmp_path / "word.png"), f"--model={model}", "--engine=tensorflow"]
    assert main(command) == 1
    assert "Received: engine='tensorflow'" in capsys.readouterr().err


WITHOUT_TENSORFLOW = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "keras", "tensorboard"):
            raise ImportError(name)
sys.meta_path.insert(0, Blocker())
from attention_ocr.cli.main import main
status = main(sys.argv[1:])
assert not {"tensorflow", "keras"} & set(sys.modules), "imported"
sys.exit(status)
"""


def test_nothing_of_tensorflow_is_needed(model, tmp_path):
    (tmp_path / "word.png").write_bytes(FILES[0])
    arguments = ["read", "word.png", f"--model={model}", "--overlay_dir=overlays"]
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert result.returncode == 0, result.stderr
    path, text, *_ = result.stdout.rstrip("\n").split("\t")
    assert (path, text) == ("word.png", expected()[0]["text"])
    assert (tmp_path / "overlays" / "word.attention.png").is_file()
