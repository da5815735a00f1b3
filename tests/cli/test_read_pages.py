import json
import sys

import numpy as np
import pytest
from PIL import Image

from attention_ocr.cli.main import main
from attention_ocr.layout.files import read_layout
from attention_ocr.pages import page_reader
from tests.pages.rendered import LINES, page

DETECTOR = "--detector=tests.pages.scripted:BandDetector"
FAILING = "--detector=tests.pages.scripted:FailingDetector"


def run(*arguments) -> int:
    return main(["read", "--detect", *map(str, arguments)])


@pytest.fixture
def scan(tmp_path):
    """A TIFF of three pages."""
    images = [Image.fromarray(page((text,))) for text in LINES[:3]]
    path = tmp_path / "scan.tif"
    images[0].save(path, save_all=True, append_images=images[1:])
    return path


def test_the_text_of_pages_is_printed_in_order(scan, capsys):
    assert run(scan, DETECTOR) == 0
    assert capsys.readouterr().out == "\f".join(f"{text}\n" for text in LINES[:3])


def test_json_has_polygons_and_words_of_each_page(scan, capsys):
    assert run(scan, DETECTOR, "--format=jsonl") == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(record["path"], record["number"]) for record in records] == [
        (str(scan), number) for number in (1, 2, 3)
    ]
    (line,) = records[0]["lines"]
    assert line["text"] == LINES[0]
    assert [word["text"] for word in line["words"]] == LINES[0].split()
    assert np.shape(line["polygon"]) == (4, 2)


def test_a_failed_page_is_reported_and_the_others_are_written(scan, tmp_path, capsys):
    out = tmp_path / "out.txt"
    assert run(scan, FAILING, "-o", out) == 1
    assert out.read_text() == f"{LINES[0]}\n\f{LINES[2]}\n"
    assert capsys.readouterr().err.splitlines() == [
        f"attention-ocr read: {scan}#2: no lines found: the network is out of memory",
        "attention-ocr read: 1 of 3 pages could not be read",
    ]


@pytest.mark.parametrize("format_name", ["hocr", "alto", "page"])
def test_layouts_are_written_by_page(scan, tmp_path, format_name):
    pytest.importorskip("lxml")
    out = tmp_path / "out"
    assert run(scan, DETECTOR, f"--format={format_name}", f"--output_dir={out}") == 0
    suffix = ".hocr" if format_name == "hocr" else ".xml"
    names = [f"scan.tif-000{number}{suffix}" for number in (1, 2, 3)]
    assert sorted(path.name for path in out.iterdir()) == names
    for text, name in zip(LINES, names, strict=False):
        (found,) = read_layout((out / name).read_bytes(), name)
        assert found.text == text


def test_the_pages_of_a_file_of_a_long_name_are_written_and_found_again(scan, tmp_path, capsys):
    pytest.importorskip("lxml")
    scan = scan.rename(tmp_path / f"{'文' * 79}.tif")
    out, overlays = tmp_path / "out", tmp_path / "overlays"
    options = ["--format=page", f"--output_dir={out}", f"--overlay_dir={overlays}"]
    assert run(scan, DETECTOR, *options) == 0
    stems = [f"{'文' * 66}-000{number}" for number in (1, 2, 3)]
    assert [sorted(path.stem for path in folder.iterdir()) for folder in (out, overlays)] == [
        stems,
        stems,
    ]
    assert run(scan, f"--detector=layout,folder={out}") == 0
    assert capsys.readouterr().out == "\f".join(f"{text}\n" for text in LINES[:3])


def test_hocr_of_all_pages_is_one_file_that_the_layout_detector_takes(scan, tmp_path, capsys):
    pytest.importorskip("lxml")
    out = tmp_path / "scan.hocr"
    assert run(scan, DETECTOR, "--format=hocr", "-o", out) == 0
    pages = read_layout(out.read_bytes(), "scan.hocr")
    assert [one.text for one in pages] == list(LINES[:3])
    assert run(scan, "--detector=layout") == 0
    assert capsys.readouterr().out == "\f".join(f"{text}\n" for text in LINES[:3])
    assert run(scan, f"--detector=layout,folder={tmp_path / 'none'}") == 1
    assert "No layout file found" in capsys.readouterr().err


def test_overlays_show_the_page_beside_its_text(scan, tmp_path):
    assert run(scan, DETECTOR, f"--overlay_dir={tmp_path / 'overlays'}", "-o", tmp_path / "o") == 0
    with Image.open(tmp_path / "overlays" / "scan.tif-0002.png") as overlay:
        left, right = np.split(np.asarray(overlay), 2, axis=1)
    assert left.shape == page().shape
    assert (left != page((LINES[1],))).any()
    assert (right[40:90, 60:400] < 64).any()


def stop_after(num_pages, monkeypatch):
    """Interrupt the command after some pages."""
    read = page_reader.PageReader.read_page_of
    done = []

    def read_or_stop(self, document, path, number):
        if len(done) == num_pages:
            raise KeyboardInterrupt
        done.append(number)
        return read(self, document, path, number)

    monkeypatch.setattr(page_reader.PageReader, "read_page_of", read_or_stop)
    return done


@pytest.mark.parametrize("arguments", [["-o", "out"], ["--output_dir=out", "--format=jsonl"]])
def test_an_interrupted_command_goes_on_at_the_page_where_it_stopped(
    scan, tmp_path, monkeypatch, capsys, arguments
):
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        stop_after(2, patch)
        assert run(scan, DETECTOR, *arguments) == 130
    assert "2 results are kept" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        done = stop_after(3, patch)
        assert run(scan, DETECTOR, *arguments) == 0
    assert done == [3]
    out = tmp_path / "out"
    if out.is_dir():
        files = sorted(path.name for path in out.iterdir())
        assert files == [f"scan.tif-000{number}.jsonl" for number in (1, 2, 3)]
    else:
        assert out.read_text() == "\f".join(f"{text}\n" for text in LINES[:3])


def test_broken_and_missing_files_are_named_and_the_rest_is_read(scan, tmp_path, capsys):
    pytest.importorskip("pypdfium2")
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 cut off")
    missing = tmp_path / "missing.png"
    assert run(broken, missing, scan, DETECTOR) == 1
    output, errors = capsys.readouterr()
    assert output.startswith(LINES[0])
    assert f"{broken}: unreadable PDF" in errors
    assert f"{missing}: cannot be opened: No such file or directory" in errors
    assert "2 of 5 pages could not be read" in errors


def test_standard_input_and_folders_are_pages(scan, capsys, monkeypatch):
    class Input:
        buffer = scan.open("rb")

    monkeypatch.setattr(sys, "stdin", Input)
    assert run("-", "--stdin_image", DETECTOR) == 0
    Input.buffer.close()
    from_input = capsys.readouterr().out
    assert run(scan.parent, DETECTOR) == 0
    assert capsys.readouterr().out == from_input


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--detect", "--format=csv"], "--detect writes --format=text, jsonl, hocr, alto, page"),
        (["--detect", "--format=alto"], "expected --output_dir=DIR"),
        (["--detect", "-o", "a", "--output_dir=b"], "Expected --output or --output_dir"),
        (["--detect", "--dpi=0"], "--dpi must be above 0"),
        (["--detect", "--detector=none"], "`detector` must be"),
        (["--output_dir=b"], "--output_dir goes with --detect"),
        (["--format=hocr"], "--format=hocr goes with --detect"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(scan, arguments, reason, capsys):
    assert main(["read", str(scan), *arguments]) == 1
    assert reason in capsys.readouterr().err


def test_a_page_and_a_pdf_without_detect_are_told_about_it(tmp_path, capsys):
    path = tmp_path / "photo.png"
    Image.fromarray(page()).save(path)
    pdf = tmp_path / "scan.pdf"
    pdf.write_bytes(b"%PDF-1.7")
    assert main(["read", str(path), str(pdf)]) == 1
    first, second, _ = capsys.readouterr().err.splitlines()
    assert "looks like several lines" in first
    assert "--detect" in first
    assert "PDF is read with --detect" in second
