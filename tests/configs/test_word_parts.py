"""The script that cuts words into parts, of the recipe of the default model."""

import cv2
import numpy as np
import pytest

from attention_ocr.inference.engines.interface import Reading
from tests.scripts import open_script


@pytest.fixture(scope="module")
def word_parts():
    return open_script("word_parts")


def reading_of(text, columns, confidence=0.9, **values):
    """Return a reading whose attention stands on one of ten columns for each character."""
    attention = np.eye(10, dtype=np.float32)[columns][:, None]
    sure = (confidence,) * len(text)
    return Reading(text, confidence, sure, attention, (1.0, 1.0), **values)


def test_a_word_is_cut_in_the_gaps_between_its_characters(word_parts):
    # Four bars with gaps at 21 to 29, 46 to 54 and 71 to 79; the attention stands left in each.
    image = np.full((32, 100, 3), 255, np.uint8)
    for left in (5, 30, 55, 80):
        image[4:28, left : left + 16] = 0
    found = word_parts.borders(image, reading_of("IIII", [0, 3, 5, 8]))
    assert (found[0], found[-1]) == (0, 100)
    for border, gap in zip(found[1:-1], ((21, 29), (46, 54), (71, 79)), strict=True):
        assert gap[0] <= border <= gap[1]


def test_characters_that_stand_at_one_place_or_in_no_order_have_borders_too(word_parts):
    image = np.zeros((32, 40, 3), np.uint8)
    found = word_parts.borders(image, reading_of("abcd", [9, 9, 2, 9]))
    assert len(found) == 5
    assert (np.diff(found) >= 0).all()


def test_parts_are_shorter_than_the_word_and_inside_it(word_parts):
    rng = np.random.default_rng(1)
    for length in (4, 5, 12):
        parts = set().union(*(word_parts.draw_parts(rng, length) for _ in range(50)))
        assert {end - begin for begin, end in parts} == set(range(2, length))
        assert all(0 <= begin < end <= length for begin, end in parts)


@pytest.mark.parametrize(
    ("label", "values"),
    [
        ("words", {"text": "words", "confidence": 0.5}),
        ("words", {"text": "word"}),
        ("wor", {"text": "wor"}),
        ("words", {"text": "words", "quarter_turns": 1}),
    ],
    ids=["unsure", "wrong", "short", "turned"],
)
def test_only_words_whose_characters_are_known_to_stand_somewhere_are_cut(
    word_parts, label, values
):
    image = np.zeros((32, 100, 3), np.uint8)
    columns = list(range(len(values["text"])))
    assert not word_parts.can_be_cut(image, label, reading_of(columns=columns, **values))
    sure = reading_of("words", list(range(5)))
    assert word_parts.can_be_cut(image, "words", sure)
    assert not word_parts.can_be_cut(image.transpose(1, 0, 2), "words", sure)


def test_the_parts_of_a_label_file_are_written_beside_their_labels(
    word_parts, tmp_path, monkeypatch, capsys
):
    image = np.zeros((32, 100, 3), np.uint8)
    for key in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / key), image)
    (tmp_path / "c.png").write_bytes(b"no image")
    labels = "a.png\twords\nb.png\tother\nc.png\twords\n"
    (tmp_path / "labels.tsv").write_text(labels, encoding="utf-8")

    class Reader:
        def read(self, image):
            return [reading_of("words", list(range(5)))]

    monkeypatch.setattr(word_parts.attention_ocr, "load", Reader)
    word_parts.main(tmp_path / "parts", [str(tmp_path / "labels.tsv")])
    rows = (tmp_path / "parts" / "labels.tsv").read_text(encoding="utf-8").splitlines()
    said = capsys.readouterr().out
    assert f"{len(rows)} parts in" in said
    assert "1 words skipped, 1 files unreadable" in said
    assert 1 <= len(rows) <= 3
    for row in rows:
        name, text = row.split("\t")
        assert text in "words"
        assert text != "words"
        assert cv2.imread(str(tmp_path / "parts" / name)).shape[0] == 32
