"""The plug-in for OCRmyPDF: its engine alone, and, where OCRmyPDF is installed, the command."""

import importlib.util
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pages.rendered import LINES, page

PLUGIN = Path(__file__).parents[2] / "examples" / "ocrmypdf" / "attention_ocr_ocrmypdf.py"


@pytest.fixture
def engine(monkeypatch):
    """The engine of the plug-in; of OCRmyPDF only the names that it uses."""
    stand_in = types.ModuleType("ocrmypdf")
    stand_in.OcrEngine = object
    stand_in.OrientationConfidence = types.SimpleNamespace
    stand_in.hookimpl = lambda function: function
    monkeypatch.setitem(sys.modules, "ocrmypdf", stand_in)
    monkeypatch.setenv("ATTENTION_OCR_DETECTOR", "tests.pages.scripted:BandDetector")
    spec = importlib.util.spec_from_file_location("attention_ocr_ocrmypdf", PLUGIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.get_ocr_engine(None)


def test_the_engine_writes_hocr_and_text(engine, tmp_path):
    pytest.importorskip("lxml")
    from attention_ocr.layout.files import read_layout

    Image.fromarray(page()).save(tmp_path / "a.png")
    hocr, text = tmp_path / "a.hocr", tmp_path / "a.txt"
    engine.generate_hocr(tmp_path / "a.png", hocr, text, None)
    assert text.read_text() == "\n".join(LINES) + "\n"
    assert read_layout(hocr.read_bytes(), "a.hocr")[0].text == "\n".join(LINES)
    # Its parser looks for paragraphs.
    assert b'<p class="ocr_par"' in hocr.read_bytes()


@pytest.mark.parametrize("half_turns", [0, 1])
def test_the_engine_returns_the_rotation_of_a_page(engine, tmp_path, half_turns):
    Image.fromarray(np.rot90(page(), 2 * half_turns)).save(tmp_path / "a.png")
    orientation = engine.get_orientation(tmp_path / "a.png", None)
    assert orientation.angle == 180 * half_turns
    assert orientation.confidence > 0.0


def test_a_page_without_text_has_no_orientation(engine, tmp_path):
    Image.new("L", (99, 99), 255).save(tmp_path / "a.png")
    assert engine.get_orientation(tmp_path / "a.png", None).confidence == 0.0


@pytest.mark.slow
def test_ocrmypdf_makes_a_searchable_pdf(tmp_path):
    pdfium = pytest.importorskip("pypdfium2")
    pytest.importorskip("rapidocr")
    command = shutil.which("ocrmypdf")
    if command is None:
        pytest.skip("ocrmypdf is not installed")
    Image.fromarray(np.rot90(page())).save(tmp_path / "a.pdf", resolution=150)
    out = tmp_path / "out.pdf"
    arguments = ["--plugin", PLUGIN, "--rotate-pages", "--rotate-pages-threshold=1"]
    arguments += ["--output-type=pdf", tmp_path / "a.pdf", out]
    subprocess.run([command, *arguments], check=True, timeout=300)
    document = pdfium.PdfDocument(str(out))
    text = document[0].get_textpage().get_text_range()
    assert text.split() == " ".join(LINES).split()
    assert document[0].get_rotation() == 90
