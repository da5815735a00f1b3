import json
from types import SimpleNamespace

import numpy as np
import pytest

from attention_ocr.exporting import check
from attention_ocr.exporting.check import (
    CHECK_FILE,
    CONFIDENCE_TOLERANCE,
    ExportDiffersError,
    check_format,
    check_saved_model,
    compare_readings,
)
from attention_ocr.inference.engines.interface import Reading
from tests import tiny_model

BATCH_SIZE = 2


@pytest.fixture
def check_dir(reader, tmp_path):
    """Five images and what the export reads in them, the third broken."""
    files = tiny_model.files(5, formats=["PNG"])
    files[2] = b""
    for index, file in enumerate(files):
        (tmp_path / f"{index:05d}.png").write_bytes(file)
    readings = [
        {"text": reading.text, "confidence": reading.confidence}
        for reading in reader.read(files, BATCH_SIZE)
    ]
    document = {"batch_size": BATCH_SIZE, "readings": readings}
    (tmp_path / CHECK_FILE).write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


def change(check_dir, index, **values):
    path = check_dir / CHECK_FILE
    document = json.loads(path.read_text(encoding="utf-8"))
    document["readings"][index] |= values
    path.write_text(json.dumps(document), encoding="utf-8")
    return document["readings"][index]


def test_an_export_that_reads_as_expected_passes(export, check_dir):
    assert check_saved_model(export, check_dir) == 5


@pytest.mark.parametrize("index", [0, 2, 4])
def test_a_different_text_is_reported_with_its_image(export, check_dir, index):
    change(check_dir, index, text="other")
    with pytest.raises(
        ExportDiffersError, match=rf"^Image {index} .*: the model read 'other', the export '"
    ):
        check_saved_model(export, check_dir)


def test_a_different_confidence_is_reported_with_its_image(export, check_dir):
    confidence = change(check_dir, 3)["confidence"]
    change(check_dir, 3, confidence=confidence + 0.9 * CONFIDENCE_TOLERANCE)
    assert check_saved_model(export, check_dir) == 5
    change(check_dir, 3, confidence=confidence + 1.1 * CONFIDENCE_TOLERANCE)
    with pytest.raises(ExportDiffersError, match="^Image 3 of the check: the confidence"):
        check_saved_model(export, check_dir)


def test_a_confidence_that_is_not_a_number_fails(export, check_dir):
    change(check_dir, 1, confidence=float("nan"))
    with pytest.raises(ExportDiffersError, match="of the model is nan"):
        check_saved_model(export, check_dir)


def test_a_check_without_images_fails(export, tmp_path):
    document = {"batch_size": BATCH_SIZE, "readings": []}
    (tmp_path / CHECK_FILE).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ExportDiffersError, match="no image"):
        check_saved_model(export, tmp_path)


def readings(wanted, changed=()):
    """Return readings of those texts, wrong ones at some places."""
    return [
        Reading("wrong" if index in changed else text, 1.0, (), np.zeros((0, 1, 1)), (1.0, 1.0))
        for index, text in enumerate(wanted)
    ]


@pytest.fixture
def checking(monkeypatch, tmp_path):
    """Check readings that are given, of 200 images, all of which the model read right."""
    texts = [str(index) for index in range(200)]
    document = {
        "batch_size": 200,
        "readings": [{"text": text, "confidence": 1.0, "label": text} for text in texts],
    }
    (tmp_path / CHECK_FILE).write_text(json.dumps(document), encoding="utf-8")
    for index in range(200):
        (tmp_path / f"{index:05d}.png").write_bytes(b"")

    def run(format_name, changed):
        engine = SimpleNamespace(read=lambda _: readings(texts, changed))
        monkeypatch.setattr(check, "open_format", lambda *_: engine)
        return check_format(format_name, tmp_path, tmp_path)

    return run


@pytest.mark.parametrize(("format_name", "allowed"), [("litert_float16", 3), ("litert_int8", 2)])
def test_a_coarser_format_may_lose_few_texts(checking, format_name, allowed):
    assert checking(format_name, range(5, 5 + allowed)) == 200
    with pytest.raises(
        ExportDiffersError,
        match=rf"^Expected at most {allowed}.0 of 200 .* Received: {allowed + 1}\. Image 5 .*"
        "'5', the export 'wrong'",
    ):
        checking(format_name, range(5, 6 + allowed))


@pytest.mark.parametrize("format_name", ["litert", "onnx", "frozen_graph"])
def test_a_format_in_full_precision_may_lose_none(checking, format_name):
    assert checking(format_name, ()) == 200
    with pytest.raises(ExportDiffersError, match="Image 7 .*'7', the export 'wrong'"):
        checking(format_name, [7])


UNTRAINED = [("122222", "122222"), ("b0", "b0"), ("", "2c1111"), ("aa", "11aaaa"), ("0", "00")]
"""What an untrained model reads, and in 8 bits."""


@pytest.mark.parametrize("format_name", ["litert_int8", "litert_full_int8"])
def test_texts_in_8_bits_resemble_those_of_a_model_that_reads_nothing_right(format_name):
    expected = [{"text": text, "label": "other"} for text, _ in 12 * UNTRAINED]
    compare_readings(format_name, expected, readings([text for _, text in 12 * UNTRAINED]))
    expectation = (
        r"similarity .* of 0\.4 or more in the mean\. Received: 0\.20\. Image 0 .*, the export ''"
    )
    with pytest.raises(ExportDiffersError, match=expectation):
        compare_readings(format_name, expected, readings([""] * 60))


def test_few_images_of_an_untrained_model_may_all_read_otherwise_in_8_bits():
    expected = [{"text": text, "label": "other"} for text in "ab"]
    compare_readings("litert_int8", expected, readings("yz"))
    expected.append({"text": "c", "label": "other"})
    with pytest.raises(ExportDiffersError, match="Received: 0.00. Image 0"):
        compare_readings("litert_int8", expected, readings("xyz"))
