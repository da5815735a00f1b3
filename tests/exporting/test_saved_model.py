import errno
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

import attention_ocr
from attention_ocr.exporting import export as exporting
from attention_ocr.exporting import saved_model
from attention_ocr.exporting.check import CHECK_FILE, ExportDiffersError, check_saved_model
from attention_ocr.inference.reader import load
from attention_ocr.inference.recognize import RecognitionOutput
from attention_ocr.inference.work_directory import (
    WEIGHTS_FILE,
    TrainedModel,
    load_trained_model,
    load_weights,
    save_weights,
    weight_values,
)
from attention_ocr.models.build import build_recognizer
from attention_ocr.settings.config import CONFIG_FILE, Config
from attention_ocr.text.charset import CHARSET_FILE, Charset
from tests import tiny, tiny_model


@pytest.fixture
def without_network(monkeypatch):
    """Take the time out of an export: its network is a file with a word in it, unchecked."""

    def save(_, directory, signatures):
        assert set(signatures) == {"serving_default"}
        Path(directory).mkdir()
        network = signatures["serving_default"]
        (Path(directory) / "saved_model.pb").write_text(network, encoding="utf-8")

    model = TrainedModel(tiny.config(), tiny.CHARSET, SimpleNamespace(variables=[]))
    monkeypatch.setattr(exporting, "to_trained_model", lambda _: model)
    signatures = {"serving_default": "network"}
    monkeypatch.setattr(saved_model, "make_signatures", lambda _: signatures)
    monkeypatch.setattr(saved_model, "_name_method", lambda _: None)
    monkeypatch.setattr(tf.saved_model, "save", save)
    monkeypatch.setattr(exporting, "_write_check", lambda *_: None)
    monkeypatch.setattr(exporting, "_check_in_fresh_process", lambda *_: None)


def contents(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_an_export_holds_the_network_its_settings_and_its_characters(export):
    names = {path.name for path in export.iterdir()}
    assert {"saved_model.pb", "variables", CONFIG_FILE, CHARSET_FILE} <= names
    assert WEIGHTS_FILE not in names
    assert export.name == "1"
    assert [path.name for path in export.parent.iterdir()] == ["1"]
    assert Charset.load(export) == tiny.CHARSET
    assert Config.load(export) == Config.load(export.parents[1])


@pytest.mark.usefixtures("without_network")
def test_versions_count_up(tmp_path):
    base = tmp_path / "served"
    assert [attention_ocr.export(tmp_path, base).name for _ in range(3)] == ["1", "2", "3"]
    assert attention_ocr.export(tmp_path, base, version=40).name == "40"
    assert attention_ocr.export(tmp_path, base).name == "41"
    assert attention_ocr.export(tmp_path, base, version=7).name == "7"
    (base / "99.old").mkdir()
    assert attention_ocr.export(tmp_path, base).name == "42"


@pytest.mark.usefixtures("without_network")
def test_a_version_is_never_overwritten(tmp_path):
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "saved_model.pb").write_text("older", encoding="utf-8")
    with pytest.raises(ValueError, match=r"Expected a new version. Received: .*3, which exists"):
        attention_ocr.export(tmp_path, tmp_path, version=3)
    assert contents(tmp_path) == ["3", "3/saved_model.pb"]
    assert (tmp_path / "3" / "saved_model.pb").read_text(encoding="utf-8") == "older"


@pytest.mark.parametrize("version", [0, -1])
def test_a_version_below_one_is_refused(tmp_path, version):
    with pytest.raises(ValueError, match=f"`version` must be above 0. Received: {version}"):
        attention_ocr.export(tmp_path, tmp_path / "served", version=version)
    assert not (tmp_path / "served").exists()


def recognize_always(text):
    """Return a stand-in for `make_recognize` that reads one text in every image."""

    def recognize(images, _):
        num_images = len(images)
        return RecognitionOutput(tf.repeat(text, num_images), tf.ones(num_images), None, None)

    return lambda *_: recognize


def test_an_export_with_different_readings_is_discarded(work_dir, export, tmp_path, monkeypatch):
    monkeypatch.setattr(
        saved_model,
        "save_recognizer",
        lambda _, directory: shutil.copytree(export, directory),
    )
    monkeypatch.setattr(exporting, "make_recognize", recognize_always("other"))
    with pytest.raises(
        ExportDiffersError,
        match=r"The export was discarded. saved_model: Image 0 .*: the model read 'other'",
    ):
        attention_ocr.export(work_dir, tmp_path)
    assert contents(tmp_path) == []


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_disk_in_tensorflow(*_, **__):
    raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")


@pytest.mark.parametrize(
    ("target", "name", "failure"),
    [
        (tf.saved_model, "save", full_disk_in_tensorflow),
        (tf.saved_model, "save", full_disk),
        (Config, "save", full_disk),
        (Charset, "save", full_disk),
        (exporting, "_write_check", full_disk),
        (exporting.os, "replace", full_disk),
    ],
)
@pytest.mark.usefixtures("without_network")
def test_a_full_disk_leaves_no_version(tmp_path, monkeypatch, target, name, failure):
    attention_ocr.export(tmp_path, tmp_path / "served")
    before = contents(tmp_path)
    monkeypatch.setattr(target, name, failure)
    with pytest.raises(OSError, match="No space left on device"):
        attention_ocr.export(tmp_path, tmp_path / "served")
    assert contents(tmp_path) == before


def test_data_for_the_check_that_is_not_there_is_named(work_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(saved_model, "save_recognizer", lambda *_: None)
    missing = str(tmp_path / "missing.tsv")
    with pytest.raises(FileNotFoundError, match="missing.tsv"):
        attention_ocr.export(work_dir, tmp_path / "served", check_data=missing)
    assert contents(tmp_path) == ["served"]


def test_a_directory_without_a_trained_model_is_named(work_dir, tmp_path):
    shutil.copy(work_dir / CONFIG_FILE, tmp_path)
    with pytest.raises(
        FileNotFoundError, match=f"No trained model found: .* has no {CHARSET_FILE}"
    ):
        attention_ocr.export(tmp_path, tmp_path / "served")
    assert not (tmp_path / "served").exists()


def test_the_check_reads_broken_and_odd_images_as_the_model_does(work_dir, export, tmp_path):
    folder = tmp_path / "words"
    tiny.write_label_file(folder, ["a", "b01", "c2", "3"], height=50)
    (folder / "1.png").write_bytes(b"broken")
    (folder / "3.png").write_bytes(tiny_model.encoded(np.zeros((1, 700, 3), np.uint8)))
    exporting._write_check(load_trained_model(work_dir), str(folder / "labels.tsv"), 3, tmp_path)
    document = json.loads((tmp_path / CHECK_FILE).read_text(encoding="utf-8"))
    assert len(document["readings"]) == 3
    assert document["readings"][1] == {"text": "", "confidence": 0.0, "label": "b01"}
    assert document["readings"][0]["text"]
    assert check_saved_model(export, tmp_path) == 3


def test_the_check_expects_the_very_text_that_was_read(work_dir, tmp_path, monkeypatch):
    decomposed = "e\N{COMBINING ACUTE ACCENT}"
    monkeypatch.setattr(exporting, "make_recognize", recognize_always(decomposed))
    model = TrainedModel(Config.load(work_dir), tiny.CHARSET, None)
    exporting._write_check(model, "", 2, tmp_path)
    document = json.loads((tmp_path / CHECK_FILE).read_text(encoding="utf-8"))
    assert [reading["text"] for reading in document["readings"]] == [decomposed] * 2


def test_the_labels_of_the_check_are_in_the_characters_that_a_model_reads(work_dir, tmp_path):
    charset = Charset(tiny.CHARSET.characters, {"A": "a", "B": "b"})
    model = load_trained_model(work_dir)._replace(charset=charset)
    labels = tiny.write_label_file(tmp_path / "words", ["Ab0", "BC", "c"])
    exporting._write_check(model, str(labels), 3, tmp_path)
    document = json.loads((tmp_path / CHECK_FILE).read_text(encoding="utf-8"))
    assert [reading["label"] for reading in document["readings"]] == ["ab0", "bC", "c"]


def test_weights_of_a_training_in_bfloat16_are_kept_in_float32(tmp_path):
    trained = build_recognizer(tiny.config(seed=1), tiny.CHARSET, "bfloat16")
    assert trained.encoder.compute_dtype == "bfloat16"
    save_weights(weight_values(trained), tmp_path / WEIGHTS_FILE)
    restored = build_recognizer(tiny.config(seed=2), tiny.CHARSET)
    load_weights(restored, tmp_path / WEIGHTS_FILE)
    for name, value in weight_values(trained).items():
        assert value.dtype != tf.bfloat16
        np.testing.assert_array_equal(value, weight_values(restored)[name])


def damage(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (CONFIG_FILE, b"{", "Expecting property name"),
        (CONFIG_FILE, b"\xff\xfe", "Expecting value"),
        (CONFIG_FILE, b"{\xff}", "codec can't decode"),
        (CONFIG_FILE, b"[]", "Expected a JSON object"),
        (CONFIG_FILE, b'{"format_version": 99}', "Expected settings of format_version 1"),
        (CONFIG_FILE, b'{"format_version": 1, "nets": {}}', "Unknown key. Received: nets"),
        (CONFIG_FILE, b'{"format_version": 1, "image": {"heigth": 32}}', "Received: heigth"),
        (CHARSET_FILE, b"", "at least one character"),
        (CHARSET_FILE, b"a\nbc\n", "one code point"),
        (CHARSET_FILE, b"\xff\n", "codec can't decode"),
        (CHARSET_FILE, b"a\na\n", "each character once"),
        (CHARSET_FILE, b"a\nb\nc\n", "belongs to another network"),
        (WEIGHTS_FILE, b"", "damaged"),
        (WEIGHTS_FILE, b"PK\x03\x04 and no more", "damaged"),
    ],
)
def test_a_damaged_file_of_a_work_directory_is_named(work_dir, tmp_path, name, content, reason):
    folder = tmp_path / "model"
    shutil.copytree(work_dir, folder, ignore=shutil.ignore_patterns("export"))
    damage(folder / name, content)
    # Weights that do not fit are found in the file of the weights, whatever file is to blame.
    named = WEIGHTS_FILE if "another network" in reason else name
    with pytest.raises(ValueError, match=reason) as error:
        load(folder)
    assert str(folder / named) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def recognizer():
    return tiny.recognizer()


def test_weights_cut_short_are_named(work_dir, tmp_path, recognizer):
    content = (work_dir / WEIGHTS_FILE).read_bytes()
    (tmp_path / WEIGHTS_FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=f"{WEIGHTS_FILE} is damaged and cannot be read"):
        load_weights(recognizer, tmp_path / WEIGHTS_FILE)


@pytest.mark.parametrize("compression", [8, 99])
def test_weights_with_a_damaged_entry_are_named(work_dir, tmp_path, recognizer, compression):
    content = bytearray((work_dir / WEIGHTS_FILE).read_bytes())
    # Where the zip file's directory says how its first entry is compressed.
    content[content.index(b"PK\x01\x02") + 10] = compression
    (tmp_path / WEIGHTS_FILE).write_bytes(content)
    with pytest.raises(ValueError, match=f"{WEIGHTS_FILE} is damaged and cannot be read"):
        load_weights(recognizer, tmp_path / WEIGHTS_FILE)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("saved_model.pb", 0.0),
        ("saved_model.pb", 0.5),
        ("variables/variables.index", 0.5),
        ("variables/variables.data-00000-of-00001", 0.5),
    ],
)
def test_a_file_of_an_export_cut_short_is_named(export, tmp_path, name, share):
    folder = tmp_path / "1"
    shutil.copytree(export, folder)
    content = (folder / name).read_bytes()
    damage(folder / name, content[: int(share * len(content))])
    with pytest.raises(ValueError, match="or its variables are damaged") as error:
        load(folder)
    assert str(folder / "saved_model.pb") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", [CONFIG_FILE, CHARSET_FILE])
def test_an_export_without_its_settings_or_characters_is_refused(export, tmp_path, name):
    folder = tmp_path / "1"
    shutil.copytree(export, folder)
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        load(folder)
