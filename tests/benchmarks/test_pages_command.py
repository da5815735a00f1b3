"""`benchmarks.pages`: rendered pages on disk, readers, a table."""

import json
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest

from benchmarks import pages
from benchmarks.page_images import RenderedPage


@pytest.fixture
def small_pages(monkeypatch):
    """Render pages of three pixels instead of A4."""

    def render_page(seed, words):
        assert len(words) > 1_000
        return RenderedPage(np.full((3, 4, 3), 10 * seed, np.uint8), [f"line {seed}", "end"])

    monkeypatch.setattr(pages, "render_page", render_page)
    monkeypatch.setattr(pages, "photograph", lambda image, seed: 255 - image + seed)


@pytest.mark.usefixtures("small_pages")
def test_pages_are_written_clean_and_photographed_with_their_text(tmp_path):
    pages.write_pages(tmp_path, 2)
    for kind in ("clean", "photographed"):
        names = sorted(path.name for path in (tmp_path / kind).iterdir())
        assert names == ["000.png", "000.txt", "001.png", "001.txt"]
        assert (tmp_path / kind / "001.txt").read_text("utf-8") == "line 1\nend\n"
    clean, photo = (cv2.imread(str(tmp_path / kind / "001.png")) for kind in
                    ("clean", "photographed"))  # fmt: skip
    assert (clean == 10).all()
    assert (photo == 246).all()


@pytest.mark.usefixtures("small_pages")
def test_a_reader_is_scored_on_every_page_after_a_first_one_that_does_not_count(
    tmp_path, monkeypatch
):
    pages.write_pages(tmp_path, 3)
    calls = []

    def read(path):
        calls.append(path.name)
        return "line 0\nend" if path.stem == "000" else "nothing"

    monkeypatch.setattr(pages, "_open_reader", lambda _: read)
    row = pages.read_pages("attention-ocr", tmp_path / "clean")
    assert calls == ["000.png", "000.png", "001.png", "002.png"]
    assert (row["reader"], row["pages"]) == ("attention-ocr", 3)
    # Three of nine words are found; five are read.
    assert row["word_f1"] == pytest.approx(100 * 2 * 3 / (9 + 5))
    assert row["peak_mb"] > 1.0
    assert row["cpu_s"] >= 0.0


def test_rapidocr_reads_lines_or_none(monkeypatch, tmp_path):
    module = ModuleType("rapidocr")
    results = [("one", "two"), None]
    module.RapidOCR = lambda **_: lambda _: SimpleNamespace(txts=results.pop(0))
    monkeypatch.setitem(sys.modules, "rapidocr", module)
    read = pages._open_reader("rapidocr")
    assert read(tmp_path / "a.png") == "one\ntwo"
    assert read(tmp_path / "b.png") == ""


def test_tesseract_is_the_command(monkeypatch, tmp_path):
    def run(command, **options):
        assert options["check"]
        assert command[1:] == [str(tmp_path / "a.png"), "-"]
        return SimpleNamespace(stdout="größer\n".encode())

    monkeypatch.setattr(pages.subprocess, "run", run)
    assert pages._open_reader("tesseract")(tmp_path / "a.png") == "größer\n"


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Run the command with parts that are scripted; return the parts that it ran."""

    def run(*arguments, installed=("attention-ocr",)):
        ran = []

        def part(line, **_):
            name, folder = line[line.index("--part") + 1], line[-1]
            ran.append((name, folder.rpartition("/")[2]))
            row = dict.fromkeys(("word_f1", "cer", "cpu_s", "wall_s", "peak_mb"), 12.345)
            return subprocess.CompletedProcess(line, 0, json.dumps(row).encode())

        monkeypatch.setattr(pages.subprocess, "run", part)
        monkeypatch.setattr(pages, "_is_installed", lambda name: name in installed)
        monkeypatch.setattr(sys, "argv", ["pages", f"--out_dir={tmp_path}", *arguments])
        pages.main()
        return ran

    return run


@pytest.mark.usefixtures("small_pages")
def test_the_command_reads_both_kinds_by_every_installed_reader(command, capsys):
    ran = command("--pages=1", installed=("attention-ocr", "tesseract"))
    assert ran == [
        (name, kind)
        for kind in ("clean", "photographed")
        for name in pages.READERS
        if name != "rapidocr"
    ]
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["pages", "reader", "word", "F1", "CER", "CPU", "s", "wall", "s", "MB"]
    assert len(rows) == 4
    assert rows[0].split() == ["clean", ran[0][0], "12.3", "12.3", "12.35", "12.35", "12"]


def test_folders_that_are_named_are_read_instead(command, tmp_path):
    (tmp_path / "scans").mkdir()
    assert command(f"--folder={tmp_path / 'scans'}", "--readers=attention-ocr") == [
        ("attention-ocr", "scans")
    ]


def test_a_part_prints_its_row(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(
        pages, "read_pages", lambda name, folder: {"reader": name, "at": str(folder)}
    )
    monkeypatch.setattr(sys, "argv", ["pages", "--part=some", f"--folder={tmp_path}"])
    pages.main()
    assert json.loads(capsys.readouterr().out) == {"reader": "some", "at": str(tmp_path)}


@pytest.mark.parametrize("found", [True, False])
def test_readers_are_looked_for_where_they_are_installed(monkeypatch, found):
    monkeypatch.setattr(pages.shutil, "which", lambda name: f"/bin/{name}" if found else None)
    monkeypatch.setattr(pages, "find_spec", lambda _: object() if found else None)
    assert pages._is_installed("tesseract") is found
    assert pages._is_installed("rapidocr") is found
