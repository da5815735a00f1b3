"""Pages in files: each format as a stream, and a file per page, whole after an interruption."""

import io
import json

import pytest

pytest.importorskip("lxml")

from attention_ocr.cli.page_arguments import PAGE_FORMATS
from attention_ocr.cli.page_results import PageFolder, PageRow, writer_of
from attention_ocr.layout.files import read_layout
from attention_ocr.layout.page import Line, Page, box_polygon

COMMAND = {"model": "mine", "format": "alto"}


def row(name, text="word", error=None):
    lines = () if error else (Line(box_polygon(1.0, 2.0, 30.0, 9.0), text, 0.5),)
    page = Page(40, 20, lines, f"{name}.png", 1, error)
    return PageRow(page.name, error, page.to_record(), file=name)


ROWS = [row("a", "one"), row("b", error="unreadable"), row("c", "zwölf\x1b\n")]


def streamed(format_name, rows=ROWS):
    stream = io.StringIO()
    write = writer_of(format_name)(stream)
    for result in rows:
        write(result)
    write.end()
    return stream.getvalue()


def test_texts_have_a_form_feed_between_pages_and_none_for_an_unreadable_one():
    assert streamed("text") == "one\n\fzwölf\\x1b\\n\n"


def test_json_has_a_line_for_every_page_and_the_reason_of_an_unreadable_one():
    records = [json.loads(line) for line in streamed("jsonl").splitlines()]
    assert [record["error"] for record in records] == [None, "unreadable", None]
    assert Page.from_record(records[2]).text == "zwölf\x1b\n"


def test_an_hocr_file_holds_all_readable_pages():
    pages = read_layout(streamed("hocr").encode(), "all.hocr")
    assert [(page.number, page.path) for page in pages] == [(1, "a.png"), (2, "c.png")]
    assert read_layout(streamed("hocr", []).encode(), "all.hocr") == []


@pytest.mark.parametrize("format_name", PAGE_FORMATS)
def test_a_folder_has_a_file_for_each_readable_page(tmp_path, format_name):
    with PageFolder(tmp_path / "deep/pages", COMMAND, format_name) as folder:
        for result in ROWS:
            assert not folder.has(result.path)
            folder.write(result)
        folder.finish()
    suffix = PAGE_FORMATS[format_name]
    files = sorted(path.name for path in (tmp_path / "deep/pages").iterdir())
    assert files == [f"a{suffix}", f"c{suffix}"]
    content = (tmp_path / f"deep/pages/a{suffix}").read_bytes()
    if format_name in ("hocr", "alto", "page"):
        assert read_layout(content, f"a{suffix}")[0].text == "one"
    else:
        assert b"one" in content


def test_an_interrupted_folder_continues_after_its_pages_and_retries_failures(tmp_path):
    with PageFolder(tmp_path, COMMAND, "alto") as folder:
        for result in ROWS[:2]:
            folder.has(result.path)
            folder.write(result)
        folder.flush()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xml", "pages.partial"]
    with PageFolder(tmp_path, COMMAND, "alto") as folder:
        assert [result.path for result in folder.recorded] == ["a.png#1"]
        assert [folder.has(result.path) for result in ROWS] == [True, False, False]
        folder.write(row("b", "two"))
        folder.write(ROWS[2])
        folder.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xml", "b.xml", "c.xml"]
    assert read_layout((tmp_path / "b.xml").read_bytes(), "b.xml")[0].text == "two"


def test_another_command_does_not_continue_the_pages(tmp_path):
    with PageFolder(tmp_path, COMMAND, "alto") as folder:
        folder.has("a.png#1")
        folder.write(ROWS[0])
    with pytest.raises(ValueError, match="Received: model='other' instead of 'mine'"):
        PageFolder(tmp_path, {**COMMAND, "model": "other"}, "alto")


def test_a_folder_without_pages_leaves_no_journal(tmp_path):
    with PageFolder(tmp_path, COMMAND, "alto"):
        pass
    assert list(tmp_path.iterdir()) == []
