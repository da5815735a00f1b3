import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from attention_ocr.data.inspection import MEANINGS, Inspection, inspect_labels, inspect_source
from attention_ocr.data.measuring import measure_rows
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


def test_an_unreadable_page_of_outlined_texts_is_counted_and_says_why(tmp_path):
    boxes = [
        {"transcription": text, "points": [[5, 5], [60, 5], [60, 30], [5, 30]]} for text in "ab"
    ]
    (tmp_path / "damaged.png").write_bytes(b"no image")
    Image.new("RGB", (100, 60)).save(tmp_path / "page.png")
    names = ("page.png", "none.png", "damaged.png")
    lines = [f"{name}\t{json.dumps(boxes)}\n" for name in names]
    (tmp_path / "Label.txt").write_text("".join(lines))
    found = inspect_source(open_source(str(tmp_path / "Label.txt")), Inspection(IMAGE))
    assert found.findings["unreadable"].count == 4
    assert found.reason_of["none.png#0"] == "cannot be opened: No such file or directory"
    assert found.reason_of["damaged.png#1"].startswith("unreadable image: not a PNG")
    assert (found.widths, found.heights) == ({55: 2}, {25: 2})
    assert found.findings["contradiction"].examples == [("page.png#1", "page.png#0")]


def test_a_source_of_pixels_without_any_is_unreadable():
    images = np.zeros((2, 0, 3, 3), np.uint8)
    rows = tf.data.Dataset.from_tensor_slices(
        {"key": ["a", "b"], "text": ["x", "y"], "image": images}
    )
    found = Inspection(IMAGE)
    for measured in measure_rows(rows):
        found.add(measured)
    found.finish()
    assert found.reason_of == dict.fromkeys("ab", "image without pixels")
    assert "contradiction" not in found.findings


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
    with pytest.raises(ValueError, match="Expected `num_examples` of rendered text, or --limit"):
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


def batch(*rows, files=None, looks=None):
    """Return measured rows of key, label, height and width, each of a file of its own."""
    keys, texts, heights, widths = zip(*rows, strict=True)
    hashes = range(len(rows)) if files is None else files
    looks = np.zeros((len(rows), 2), np.int64) if looks is None else np.array(looks, np.int64)
    return {
        "key": np.array([key.encode() for key in keys], object),
        "text": np.array([t if isinstance(t, bytes) else t.encode() for t in texts], object),
        "height": np.array(heights),
        "width": np.array(widths),
        "reason": np.array([b"" if height else b"damaged" for height in heights], object),
        "hash": np.array(list(hashes), np.int64),
        "text_hash": np.array([hash(text) % 2**60 for text in texts], np.int64),
        "perceptual_hash": looks,
    }


def inspected(*batches, **settings):
    found = Inspection(IMAGE, **settings)
    for rows in batches:
        found.add(rows)
    found.finish()
    return found


def counts(inspection):
    return {name: finding.count for name, finding in inspection.findings.items()}


def test_a_source_without_examples_has_no_findings():
    found = inspected()
    assert (found.num_examples, found.findings, found.look_alikes) == (0, {}, [])
    assert json.loads(json.dumps(found.to_dict()))["lengths"] == {}


def test_only_the_first_examples_are_named_and_all_are_counted():
    rows = [(f"{index}.png", "", 16, 20) for index in range(9)]
    found = inspected(batch(*rows[:5]), batch(*rows[5:], files=range(5, 9)), num_named=3)
    finding = found.findings["empty"]
    assert finding.count == 9
    assert finding.examples == [("0.png", ""), ("1.png", ""), ("2.png", "")]


def test_equal_files_are_duplicates_or_contradictions_across_batches():
    rows = [("a.png", "one", 16, 20), ("b.png", "two", 16, 20)]
    found = inspected(
        batch(*rows, files=[7, 8]), batch(("c.png", "one", 16, 20), files=[7]),
        batch(("d.png", "owt", 16, 20), files=[8]),
    )  # fmt: skip
    assert found.findings["duplicate"].examples == [("c.png", "a.png")]
    assert found.findings["contradiction"].examples == [("d.png", "b.png")]


def test_images_without_a_file_are_not_equal_to_each_other():
    found = inspected(batch(("a.png", "x", 0, 0), ("b.png", "y", 0, 0), files=[-1, -1]))
    assert counts(found) == {"unreadable": 2}
    assert found.unreadable_reasons == {"damaged": 2}
    assert found.reason_of == {"a.png": "damaged", "b.png": "damaged"}
    assert not found.heights


def test_nearly_equal_images_count_only_if_their_files_differ():
    rows = [("a.png", "x", 16, 20), ("b.png", "x", 16, 20), ("c.png", "y", 16, 20)]
    looks = [[1 << 40, 3], [1 << 40, 7], [1 << 40, 7]]
    found = inspected(batch(*rows, files=[1, 2, 2], looks=looks))
    assert counts(found) == {"near_duplicate": 1, "near_contradiction": 1, "contradiction": 1}


def test_a_label_that_is_not_utf_8_is_shown_by_its_bytes():
    found = inspected(batch(("a.png", b"caf\xe9", 16, 20)))
    assert found.findings["not_utf8"].examples == [("a.png", r"caf\xe9")]
    assert not found.characters


@pytest.mark.parametrize(("width", "is_shrunk"), [(80, False), (81, True), (800, True)])
def test_an_image_beyond_the_width_of_the_network_is_shrunk(width, is_shrunk):
    assert ("shrunk" in inspected(batch(("a.png", "x", 16, width))).findings) == is_shrunk


def test_characters_outside_the_charset_are_counted_in_their_composed_form():
    found = inspected(batch(("a.png", "cafe\u0301", 16, 20)), charset=Charset("caf"), max_length=4)
    assert found.missing_characters == {"é": 1}
    # Four characters: the accent is none of its own.
    assert counts(found) == {"normal_form": 1, "unknown_character": 1}
    assert inspected(batch(("a.png", "é", 16, 20))).missing_characters == {}
