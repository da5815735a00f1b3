"""The examples in the documentation of custom models run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from attention_ocr.inference.locate import NETWORK_FILE, WEIGHTS_FILE
from tests import tiny

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "own_model.md"
COMPOSE, EXPORT = re.findall(
    r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S
)
TEXTS = ("ab", "c0", "12", "a", "3b", "cab", "01", "2")


def run(program: str, folder: Path) -> list[str]:
    """Run a program as a reader of the page would, and return its output."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    tiny.write_label_file(folder / "words", TEXTS, height=32)
    run(COMPOSE, folder)
    return folder


def test_it_takes_some_twenty_lines():
    assert len(COMPOSE.splitlines()) <= 26


@pytest.mark.slow
def test_the_page_composes_and_trains_a_model(folder):
    assert (folder / "own.keras").is_file()
    work_dir = folder / "runs" / "own"
    assert (work_dir / WEIGHTS_FILE).is_file()
    network = json.loads((work_dir / NETWORK_FILE).read_text(encoding="utf-8"))["recognizer"]
    assert network["config"]["encoder"]["config"]["width"] == 0.25
    assert network["config"]["decoder"]["config"]["attention"]["class_name"] == "AdditiveAttention"


@pytest.mark.slow
def test_the_page_evaluates_exports_and_reads_it(folder):
    exact_match, text = run(EXPORT, folder)[-2:]
    assert 0.0 <= float(exact_match) <= 1.0
    assert len(text) <= 8
    version = folder / "served" / "1"
    assert {"saved_model.pb", "model.tflite", "model.onnx", NETWORK_FILE} <= {
        path.name for path in version.iterdir()
    }
