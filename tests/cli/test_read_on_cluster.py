"""`attention-ocr read --engine=ray`, with tasks that run in this process, in another folder."""

import functools
import io
import itertools
import json
import os
import sys
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from PIL import Image

from attention_ocr.cli.main import main
from attention_ocr.cli.read_on_cluster import _listed
from attention_ocr.cluster import engine as engine_module
from attention_ocr.images.formats import IMAGE_SUFFIXES, PAGE_SUFFIXES
from tests.cluster.in_process import InProcess
from tests.cluster.test_reading import rows, write_items
from tests.io.test_progress import Terminal
from tests.pages.rendered import LINES, page


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A cluster whose processes work in another folder than the command."""
    (tmp_path / "other").mkdir()
    (tmp_path / "own").mkdir()

    class Elsewhere(InProcess):
        def __init__(self, engine):
            super().__init__()

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def run(self, function, tasks, in_order=False):
            there = functools.partial(call_in, tmp_path / "other", function)
            return super().run(there, tasks, in_order)

    monkeypatch.setattr(engine_module, "RayEngine", Elsewhere)
    monkeypatch.chdir(tmp_path / "own")
    return tmp_path / "own"


def call_in(folder, function, task):
    before = Path.cwd()
    os.chdir(folder)
    try:
        return function(task)
    finally:
        os.chdir(before)


def read_with_bar(*arguments):
    """Run the command and return the last state of its bar."""
    with redirect_stderr(Terminal()) as terminal:
        assert main(["read", *map(str, arguments), "--engine=ray", "--format=jsonl"]) == 0
    return terminal.getvalue().rstrip().rpartition("\r")[2]


def test_relative_paths_are_read_in_any_folder_and_the_bar_has_a_total(elsewhere, tmp_path):
    (elsewhere / "words").mkdir()
    write_items(elsewhere / "words", 3)
    assert "3/3" in read_with_bar("words", f"--out={tmp_path / 'out'}")
    assert [row["key"] for row in rows(tmp_path / "out")] == [f"words/{i}.png" for i in range(3)]


def test_pages_are_read_with_a_bar_of_pages(elsewhere, tmp_path):
    Image.fromarray(page()).save(elsewhere / "photo.png")
    detector = "--detector=tests.pages.scripted:BandDetector"
    last = read_with_bar("photo.png", "--detect", detector, f"--out={tmp_path / 'out'}")
    assert "1/1" in last
    assert "page/s" in last or "s/page" in last
    (row,) = rows(tmp_path / "out")
    assert (row["key"], row["text"]) == ("photo.png", "\n".join(LINES))
    settings = json.loads((tmp_path / "out/readings.json").read_text())["settings"]
    assert settings["shard_size"] == 50


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "words").mkdir()
    write_items(tmp_path / "words", 4)
    lines = "".join(f"words/{index}.png\tword\n" for index in range(3))
    (tmp_path / "labels.tsv").write_text(lines)
    return tmp_path


@pytest.mark.parametrize(
    ("names", "total"),
    [
        (["words"], 4),
        (["words/0.png", "none.png"], 2),
        (["labels.tsv"], 3),
        (["labels.tsv", "words"], 7),
    ],
)
def test_the_number_of_images_is_known_before(folder, names, total):
    listed = _listed([str(folder / name) for name in names], False, IMAGE_SUFFIXES)
    assert listed.total == len(list(listed.items)) == total


def test_files_in_a_list_are_read_as_they_are_needed(folder, monkeypatch):
    class Endless(io.RawIOBase):
        def __iter__(self):
            return (f"{index}.png\n".encode() for index in itertools.count())

    class Input:
        buffer = Endless()

    monkeypatch.setattr(sys, "stdin", Input)
    listed = _listed([str(folder / "words"), "-"], False, IMAGE_SUFFIXES)
    assert listed.total is None
    keys = [item.key for item in itertools.islice(listed.items, 6)]
    assert keys[4:] == ["0.png", "1.png"]


def test_a_pdf_is_not_a_data_source_and_without_detect_its_advice_is_listed(elsewhere, tmp_path):
    (elsewhere / "scan.pdf").write_bytes(b"%PDF-1.7")
    listed = _listed(["scan.pdf"], False, PAGE_SUFFIXES)
    assert [item.path for item in listed.items] == [str(elsewhere / "scan.pdf")]
    arguments = ["scan.pdf", "--engine=ray", "--format=jsonl", f"--out={tmp_path / 'out'}"]
    assert main(["read", *arguments]) == 1
    (row,) = rows(tmp_path / "out", "rejected")
    assert row["key"] == "scan.pdf"
    assert "PDF is read with --detect" in row["detail"]


@pytest.mark.usefixtures("elsewhere")
def test_an_endless_source_is_refused_and_results_are_kept(folder, tmp_path, capsys):
    arguments = ["--engine=ray", f"--out={tmp_path / 'out'}", "--format=jsonl", "--overwrite"]
    assert main(["read", f"{folder}/labels.tsv", *arguments]) == 0
    mixture = f"{folder}/labels.tsv,weight=1;synthetic,fonts=bundled,weight=1"
    assert main(["read", mixture, *arguments]) == 1
    assert "of rendered text. Received: synthetic, endless" in capsys.readouterr().err
    assert len(rows(tmp_path / "out")) == 3
