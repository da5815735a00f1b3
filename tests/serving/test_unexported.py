import shutil
import tempfile
from pathlib import Path

import pytest

from attention_ocr.inference.work_directory import WEIGHTS_FILE
from attention_ocr.serving.second_looks import load_servable


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """A folder that temporary files are made in."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_work_directory_is_loaded_and_warmed_up_and_leaves_no_file(work_dir, temporary):
    servable = load_servable(1, work_dir)
    assert {"serving_default", "classify"} <= set(servable.signatures)
    assert servable.num_warmup_requests == 3
    assert list(temporary.iterdir()) == []


def test_damaged_weights_are_named(work_dir, tmp_path, temporary):
    copy = Path(shutil.copytree(work_dir, tmp_path / "copy"))
    (copy / WEIGHTS_FILE).write_bytes(b"PK")
    with pytest.raises(ValueError, match=f"{WEIGHTS_FILE} is damaged"):
        load_servable(1, copy)
    assert list(temporary.iterdir()) == []
