"""The notebooks of examples/notebooks, executed in an empty folder."""

import json
import os
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples/notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_are_two():
    assert [path.stem for path in NOTEBOOKS] == ["own_data_to_litert", "read_anything"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_shows_no_error(path):
    assert path.stat().st_size < 1_000_000
    outputs = [
        output
        for cell in json.loads(path.read_text("utf-8"))["cells"]
        for output in cell.get("outputs", [])
    ]
    assert "error" not in {output["output_type"] for output in outputs}
    assert "/tmp/" not in json.dumps(outputs)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat", reason="pip install 'attention-ocr[notebooks]'")
    nbclient = pytest.importorskip("nbclient", reason="pip install 'attention-ocr[notebooks]'")
    pytest.importorskip("ipykernel", reason="pip install 'attention-ocr[notebooks]'")
    commands = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    text = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ())
    )
    if path.stem == "own_data_to_litert":
        assert "120 held-out images: exact match" in text
        assert "model_int8.tflite" in text
    else:
        assert "digits only: " in text
