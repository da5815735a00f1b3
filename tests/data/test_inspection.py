import json
import subprocess
import sys

import pytest
from PIL import Image

from attention_ocr.data.inspection import MEANINGS, Inspection, inspect_labels, inspect_source
from attention_ocr.data.sources import open_source
from attention_ocr.settings.image import ImageConfig
from attention_ocr.text.charset import Charset
from tests import tiny

TEXTS = {
    "0.png": "abc",
    "1.png": "abcabcabcabc",
    "2.png": " b",
    "3.png": "cafe\u0301",
    "4.png": "",
    "5.png": "abc",
    "6.png": "xyz",
    "7.png": "gone",
    "8.png": "broken",
}
IMAGE = ImageConfig(image_height=16, max_image_width=80)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    tiny.write_label_file(folder, list(TEXTS.values()))
    # The same image again, once with its label and once with another.
    for name in ("5.png", "6.png"):
        (folder / name).write_bytes((folder / "0.png").read_bytes())
    (folder / "7.png").unlink()
    (folder / "8.png").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def inspection(folder):
    empty = Inspection(IMAGE, Charset("abcé"), max_length=8)
    return inspect_source(open_source(str(folder)), empty)


def test_what_cannot_be_read_says_why(inspection):
    assert inspection.reason_of == {
        "7.png": "cannot be opened: No such file or directory",
        "8.png": "unreadable image: not a PNG, JPEG, BMP, GIF, WebP, TIFF or AVIF file",
    }
    assert set(inspection.to_dict()["unreadable_reasons"]) == set(inspection.reason_of.values())


def test_a_large_image_is_counted_in_its_own_size(tmp_path):
    Image.new("RGB", (1203, 1001)).save(tmp_path / "large.png")
    (tmp_path / "labels.tsv").write_text("large.png\tx\n", encoding="utf-8")
    inspection = inspect_source(open_source(str(tmp_path)), Inspection(IMAGE))
    assert (inspection.widths, inspection.heights) == ({1203: 1}, {1001: 1})


def test_everything_that_is_wrong_is_found_and_named(inspection):
    found = {name: finding.examples for name, finding in inspection.findings.items()}
    assert found == {
        "unreadable": [("7.png", "gone"), ("8.png", "broken")],
        "empty": [("4.png", "")],
        "too_long": [("1.png", "abcabcabcabc")],
        "unknown_character": [
            ("2.png", " b"),
            ("3.png", "café"),
            ("6.png", "xyz"),
            ("7.png", "gone"),
            ("8.png", "broken"),
        ],
        "outer_space": [("2.png", " b")],
        "normal_form": [("3.png", "café")],
        "duplicate": [("5.png", "0.png")],
        "contradiction": [("6.png", "5.png")],
        "shrunk": [("1.png", "abcabcabcabc")],
    }
    assert found.keys() <= MEANINGS.keys()


def test_characters_lengths_and_sizes_are_counted(inspection):
    assert inspection.num_examples == len(TEXTS)
    # abc twice, four times in a row, and in café.
    assert (inspection.characters["a"], inspection.characters["é"]) == (7, 1)
    assert inspection.missing_characters["f"] == 1
    assert "a" not in inspection.missing_characters
    assert inspection.lengths == {3: 3, 12: 1, 2: 1, 4: 2, 0: 1, 6: 1}
    assert inspection.heights == {16: 7}
    assert inspection.widths[tiny.word_image("abc").shape[1]] == 3
    assert sum(inspection.aspect_ratios.values()) == 7


def test_the_report_is_json(inspection):
    document = json.loads(json.dumps(inspection.to_dict()))
    assert document["num_examples"] == 9
    assert document["findings"]["contradiction"] == {"count": 1, "examples": [["6.png", "5.png"]]}


def test_a_limit_ends_the_walk(folder):
    inspection = inspect_source(open_source(str(folder)), Inspection(IMAGE), limit=2)
    assert inspection.num_examples == 2
    assert inspection.findings.keys() == {"shrunk"}


def test_the_parts_of_a_mixture_are_walked_one_after_the_other(folder, tmp_path):
    other = tiny.write_label_file(tmp_path, ["а", "a", "a"])
    mixture = open_source(f"{folder},weight=1;{other},weight=2")
    inspection = inspect_source(mixture, Inspection(IMAGE))
    assert inspection.num_examples == 12
    assert inspection.findings["unreadable"].count == 2
    assert [entry.character for entry in inspection.look_alikes] == ["а"]
    assert inspect_source(mixture, Inspection(IMAGE), limit=10).num_examples == 10


def test_rendered_text_is_inspected_up_to_its_end():
    source = "synthetic,fonts=bundled,kinds=numbers,max_length=4"
    inspection = inspect_source(open_source(f"{source},num_examples=5"), Inspection(IMAGE))
    assert (inspection.num_examples, sum(inspection.widths.values())) == (5, 5)
    with pytest.raises(ValueError, match="is endless: set `num_examples=`"):
        inspect_source(open_source(source), Inspection(IMAGE))


def test_a_label_file_is_inspected_without_tensorflow_in_the_same_way(folder, inspection):
    without = Inspection(IMAGE, Charset("abcé"), max_length=8)
    inspect_labels(folder / "labels.tsv", without)
    assert without.to_dict() == inspection.to_dict()
    assert without.reason_of == inspection.reason_of
    first = inspect_labels(folder / "labels.tsv", Inspection(IMAGE), limit=2)
    assert first.num_examples == 2


def test_the_command_inspects_a_label_file_where_there_is_no_tensorflow(folder):
    program = """
import sys
for name in ("tensorflow", "keras"):
    sys.modules[name] = None
from attention_ocr.cli.main import main
sys.exit(main(["inspect", sys.argv[1]]))
"""
    command = [sys.executable, "-c", program, str(folder / "labels.tsv")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout.startswith("9 examples"), result.stderr
    assert "unreadable: 2" in result.stdout
