import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("lxml")

from attention_ocr.cli.main import main
from attention_ocr.data.sources import Walk, open_source
from attention_ocr.inference.reader import load
from attention_ocr.layout.page import Line, Page, box_polygon
from attention_ocr.layout.writers import PAGE_WRITERS
from tests.pages.rendered import LINES, page

TOPS = [40 + 80 * index for index in range(len(LINES))]
BOXED = tuple(
    Line(box_polygon(55.0, top - 2.0, 480.0, top + 42.0), text)
    for top, text in zip(TOPS, LINES, strict=True)
)


def write(folder, lines, format_name="page", name="scan", size=(700, 400)):
    Image.fromarray(page()).save(folder / f"{name}.png")
    written = Page(*size, lines, f"{name}.png")
    content = PAGE_WRITERS[format_name](written, "test", "2024-01-02T03:04:05")
    suffix = ".hocr" if format_name == "hocr" else ".xml"
    (folder / f"{name}{suffix}").write_bytes(content)
    return folder / f"{name}{suffix}"


def rows_of(source):
    return list(open_source(str(source)).examples(Walk()).as_numpy_iterator())


@pytest.mark.parametrize("format_name", ["page", "alto", "hocr"])
def test_the_lines_of_a_page_are_cut_from_its_image(tmp_path, format_name):
    file = write(tmp_path, BOXED, format_name)
    rows = rows_of(file)
    assert [row["text"].decode() for row in rows] == list(LINES)
    assert [row["image"].shape for row in rows] == [(44, 425, 3)] * 4
    np.testing.assert_array_equal(rows[1]["image"], page()[TOPS[1] - 2 : TOPS[1] + 42, 55:480])
    assert len({row["key"] for row in rows}) == 4


def test_many_files_are_one_source_that_can_be_split(tmp_path):
    for name in ("a", "b"):
        write(tmp_path, BOXED, name=name)
    assert open_source(f"page:{tmp_path}/*.xml").num_examples == 8
    assert open_source(f"page:{tmp_path}").num_examples == 8
    group = r"group=(.*)\.xml#"
    held_out = open_source(f"page:{tmp_path}/*.xml,every=2,part=eval,{group}")
    assert list(held_out.labels()) == list(LINES)


def test_an_outline_of_another_size_is_scaled(tmp_path):
    half = tuple(
        dataclasses.replace(line, polygon=tuple((x / 2, y / 2) for x, y in line.polygon))
        for line in BOXED
    )
    rows = rows_of(write(tmp_path, half, size=(350, 200)))
    assert abs(rows[0]["image"].shape[0] - 44) <= 2
    assert abs(rows[0]["image"].shape[1] - 425) <= 2


def test_lines_with_a_baseline_alone_are_cut_around_it(tmp_path):
    lines = tuple(
        Line((), text, baseline=((60.0, top + 33.0), (470.0, top + 33.0)))
        for top, text in zip(TOPS, LINES, strict=True)
    )
    Image.fromarray(page()).save(tmp_path / "scan.png")
    content = "".join(
        f'<TextLine><Baseline points="{" ".join(f"{x:g},{y:g}" for x, y in line.baseline)}"/>'
        f"<TextEquiv><Unicode>{line.text}</Unicode></TextEquiv></TextLine>"
        for line in lines
    )
    (tmp_path / "scan.xml").write_text(
        '<PcGts><Page imageFilename="scan.png" imageWidth="700" imageHeight="400"><TextRegion>'
        f"{content}</TextRegion></Page></PcGts>"
    )
    rows = rows_of(tmp_path / "scan.xml")
    assert [row["image"].shape for row in rows] == [(80, 410, 3)] * 4
    ink = np.flatnonzero((rows[0]["image"] < 128).any(axis=(1, 2)))
    assert ink.min() > 20
    assert ink.max() < 75


def test_words_are_separate_examples(tmp_path):
    write(tmp_path, BOXED)
    read = ["read", str(tmp_path / "scan.png"), "--detect", "--format=page"]
    read += ["--detector=tests.pages.scripted:BandDetector", f"--output_dir={tmp_path / 'out'}"]
    assert main(read) == 0
    rows = rows_of(f"{tmp_path}/out/*.xml,level=word")
    assert [row["text"].decode() for row in rows] == " ".join(LINES).split()
    readings = load().read([row["image"] for row in rows])
    assert [reading.text for reading in readings] == " ".join(LINES).split()


def test_what_was_read_and_corrected_trains_the_next_model(tmp_path, capsys):
    """The pages of a PDF are read, one is corrected, and all are a source."""
    pytest.importorskip("pypdfium2")
    images = [Image.fromarray(page((text,))) for text in LINES[:3]]
    images[0].save(tmp_path / "scan.pdf", save_all=True, append_images=images[1:], resolution=200)
    out = tmp_path / "out"
    read = ["read", str(tmp_path / "scan.pdf"), "--detect", "--format=page"]
    assert main([*read, "--detector=tests.pages.scripted:BandDetector", f"--output_dir={out}"]) == 0
    second = out / "scan.pdf-0002.xml"
    second.write_text(second.read_text().replace("over the lazy dog while", "corrected"))
    rows = rows_of(f"page:{out}/*.xml")
    assert [row["text"].decode() for row in rows] == [LINES[0], "corrected", LINES[2]]
    ink = [(row["image"] < 128).sum() for row in rows]
    assert all(ink)
    assert len(set(ink)) == 3
    capsys.readouterr()
    assert main(["inspect", f"page:{out}/*.xml"]) == 0
    assert "3" in capsys.readouterr().out


def test_lines_without_text_are_left_out_and_counted(tmp_path):
    blank = dataclasses.replace(BOXED[1], text="")
    rows = rows_of(write(tmp_path, (BOXED[0], blank)))
    assert [row["text"].decode() for row in rows] == [LINES[0]]
    with pytest.raises(ValueError, match="Expected transcribed lines in .* Received: none"):
        open_source(str(write(tmp_path, (blank,))))


def test_what_is_missing_is_named(tmp_path):
    file = write(tmp_path, BOXED)
    (tmp_path / "scan.png").rename(tmp_path / "other.png")
    with pytest.raises(FileNotFoundError, match=r"no image found: expected scan\.png beside it"):
        open_source(str(file))
    with pytest.raises(FileNotFoundError, match="No PAGE XML, ALTO or hOCR file found"):
        open_source(f"page:{tmp_path}/none/*.xml")
    with pytest.raises(ValueError, match="`level` of .* must be line or word. Received: region"):
        open_source(f"{file},level=region")


def test_a_damaged_image_is_an_unreadable_example(tmp_path):
    file = write(tmp_path, BOXED[:1])
    (tmp_path / "scan.png").write_bytes(b"damaged")
    assert [row["image"].size for row in rows_of(file)] == [0]


def test_the_outlines_of_a_detection_list_of_paddleocr_are_cut(tmp_path):
    Image.fromarray(page()).save(tmp_path / "scan.png")
    boxes = [{"transcription": line.text, "points": line.polygon} for line in BOXED]
    boxes.append({"transcription": "###", "points": BOXED[0].polygon})
    (tmp_path / "Label.txt").write_text(f"scan.png\t{json.dumps(boxes)}\n")
    rows = rows_of(tmp_path / "Label.txt")
    assert [row["text"].decode() for row in rows] == list(LINES)
    assert [row["key"].decode() for row in rows] == [f"scan.png#{index}" for index in range(4)]
    assert [row["image"].shape for row in rows] == [(44, 425, 3)] * 4


def test_backslashes_and_outer_spaces_of_a_detection_list_are_of_no_account(tmp_path):
    (tmp_path / "images").mkdir()
    Image.fromarray(page()).save(tmp_path / "images/scan.png")
    boxes = json.dumps([{"transcription": BOXED[0].text, "points": BOXED[0].polygon}])
    (tmp_path / "Label.txt").write_text(f"images\\scan.png\t{boxes}\nimages/scan.png \t{boxes}\n")
    rows = rows_of(tmp_path / "Label.txt")
    assert [row["key"] for row in rows] == [b"images/scan.png#0"] * 2
    assert [row["image"].shape for row in rows] == [(44, 425, 3)] * 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('a.png\t[{"points": [[1, 2], [3, 4], [5, 6]]}]', "line 1: expected `transcription`"),
        (
            'a.png\t[{"transcription": "a", "points": [[1, 2]]}]',
            "line 1: expected a text and",
        ),
        ('a.png\t[{"transcription": "a"', "line 1: expected JSON after a tab"),
    ],
)
def test_a_malformed_detection_list_is_refused_by_line(tmp_path, line, reason):
    (tmp_path / "Label.txt").write_text(line)
    with pytest.raises(ValueError, match=reason):
        open_source(str(tmp_path / "Label.txt"))
