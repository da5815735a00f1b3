"""Models that earlier releases wrote stay readable.

`fixtures/release_0_1.zip` holds a tiny model as release 0.1 left it: its work directory, its export
as a SavedModel, its packed copy, and what that release read in `tiny_model.files(6)`.
"""

import json
import zipfile
from pathlib import Path

import pytest

import attention_ocr
from attention_ocr.inference.work_directory import load_trained_model
from tests import tiny_model

RELEASE = Path(__file__).parents[1] / "fixtures" / "release_0_1.zip"


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    with zipfile.ZipFile(RELEASE) as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize(
    ("name", "tolerance"), [("work_dir", 1e-6), ("export", 1e-6), ("packed", 1e-3)]
)
def test_a_model_of_release_0_1_reads_as_it_did(release, name, tolerance):
    expected = json.loads((release / "readings.json").read_text(encoding="utf-8"))
    readings = attention_ocr.load(release / name).read(tiny_model.files(len(expected)))
    assert [reading.text for reading in readings] == [row["text"] for row in expected]
    assert [reading.confidence for reading in readings] == pytest.approx(
        [row["confidence"] for row in expected], abs=tolerance
    )


def test_a_model_of_release_0_1_can_be_exported_again(release, tmp_path):
    model = load_trained_model(release / "work_dir")
    tiny_model.check_export(model, tmp_path / "export")
