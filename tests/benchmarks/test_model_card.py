from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from benchmarks import model_card
from benchmarks.model_card import Reading, Word


def word(text: str, height: int = 32, data: str = "signs") -> Word:
    return Word(np.full((height, 60, 3), 255, np.uint8), data, text)


READINGS = [
    Reading(word("Hotel"), "HOTEL", 0.9),
    Reading(word("Bar", height=12), "Ear", 0.8),
    Reading(word("Restaurant", data="menus"), "Restaurant", 1.0),
]


def test_each_group_has_the_readings_that_belong_to_it():
    rows = {row["images"]: row for row in model_card.describe_groups(READINGS)}
    numbers = {name: row["number"] for name, row in rows.items()}
    assert numbers == {
        "signs": 2,
        "menus": 1,
        "all": 3,
        "1 to 3 characters": 1,
        "4 to 6 characters": 1,
        "10 to 99 characters": 1,
        "1 to 15 pixels high": 1,
        "32 to 63 pixels high": 2,
    }
    assert rows["signs"]["match %"] == 50.0
    assert rows["signs"]["strict %"] == 0.0
    assert rows["menus"]["ECE %"] == pytest.approx(0.0)


def test_the_most_confident_errors_come_first(monkeypatch):
    drawn = []
    monkeypatch.setattr(model_card, "draw_contact_sheet", lambda images, _: drawn.extend(images))
    wrong = [Reading(word("a"), "b", 0.3), Reading(word("c"), "d", 0.7), *READINGS]
    model_card.draw_worst(wrong, 2)
    assert [caption for _, caption in drawn] == ["Bar > Ear (0.80)", "c > d (0.70)"]
    with pytest.raises(ValueError, match="Expected errors to draw"):
        model_card.draw_worst(READINGS[::2], 2)


def test_images_without_a_text_have_none():
    words = model_card.textless_words()
    assert len(words) == model_card.NUM_TEXTLESS
    assert {word.text for word in words} == {""}


def write_words(folder, texts):
    lines = []
    for index, text in enumerate(texts):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((24, 60, 3), 20 * index, np.uint8))
        lines.append(f"{index}.png\t{text}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    return folder / "labels.tsv"


class ScriptedReader:
    """Reads `a` with a confidence that falls with the brightness."""

    def __init__(self):
        self.num_read = []

    def read(self, images):
        self.num_read.append(len(images))
        return [
            SimpleNamespace(text="a", confidence=1.0 - float(image.mean()) / 255)
            for image in images
        ]


def test_held_out_words_are_read_in_colour_with_the_name_of_their_set(tmp_path):
    labels = write_words(tmp_path, list("abcdefghij"))
    words = model_card.read_words([str(labels)], 5)
    assert [word.text for word in words] == ["e", "j"]
    assert {word.data for word in words} == {tmp_path.name}
    assert (words[0].image == 80).all()
    (tmp_path / "4.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="Expected an image. Received: .*4.png"):
        model_card.read_words([str(labels)], 5)


def test_the_command_reads_upright_distorted_and_textless_images(tmp_path, monkeypatch, capsys):
    labels = write_words(tmp_path, ["a", "b", "aaaaa"])
    reader = ScriptedReader()
    monkeypatch.setattr(model_card.attention_ocr, "load", lambda _: reader)
    monkeypatch.setattr(model_card, "textless_words", lambda: [word("", data="")] * 2)
    model_card.main([str(labels), "--every=1", f"--worst={tmp_path / 'worst.png'}"])
    rows = capsys.readouterr().out.splitlines()
    angles = [row for row in rows if row.startswith(("rotated by ", "sloping by ", "receding "))]
    arcs = [row for row in rows if row.startswith("along an arc of ")]
    assert len(angles) == len(model_card.TURNS) + 2
    assert len(arcs) == len(model_card.ARCS)
    assert reader.num_read == [3] * (1 + len(angles)) + [1] * len(arcs) + [2]
    (every,) = [row for row in rows if row.startswith("all ")]
    assert every.split()[1:3] == ["3", "33.33"]
    assert cv2.imread(str(tmp_path / "worst.png")) is not None


def test_a_sheet_that_cannot_be_written_is_an_error(tmp_path, monkeypatch, capsys):
    labels = write_words(tmp_path, ["b"])
    monkeypatch.setattr(model_card.attention_ocr, "load", lambda _: ScriptedReader())
    monkeypatch.setattr(model_card, "textless_words", lambda: [word("", data="")])
    with pytest.raises(OSError, match="Cannot write an image to .*nowhere"):
        model_card.main([str(labels), "--every=1", f"--worst={tmp_path}/nowhere/worst.png"])
    # The table was printed all the same.
    assert "rotated by" in capsys.readouterr().out
