"""Rows of crops: one for each image that can be read, and a reason for each of the others."""

import json
import os

import numpy as np
import pytest

from attention_ocr.cluster.crops import crop_rows
from attention_ocr.cluster.rejections import Rejections
from attention_ocr.data.image_items import EncodedImage, ListedImage
from attention_ocr.data.storage import StoreError
from attention_ocr.inference.engines.interface import Reading


class EchoReader:
    """Reads the content of a file as its text; a content that begins with `!` is damaged."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def read(self, contents, batch_size):
        self.batches.append(len(contents))
        assert batch_size >= max(len(contents), 1)
        return [self._reading(content.decode()) for content in contents]

    def _reading(self, text):
        return Reading(
            text,
            0.12345678,
            (1 / 3,) * len(text),
            np.zeros((len(text), 1, 4), np.float32),
            (0.5 if text == "wide" else 1.0, 1.0),
            error="damaged PNG" if text.startswith("!") else None,
            alternatives=((text, 2 / 3), ("other", 1e-9)),
            warning="cut off" if text == "wide" else None,
        )


def read(items, batch_size=2):
    reader, rejections = EchoReader(), Rejections()
    rows = list(crop_rows(reader, batch_size, items, rejections))
    return rows, rejections.rows, reader.batches


def encoded(*texts):
    return [EncodedImage(f"{text}.png", "", text.encode()) for text in texts]


def test_every_image_has_a_row_in_order_whatever_the_batch_size():
    items = encoded("a", "bc", "d", "e", "f")
    for batch_size, batches in ((1, [1] * 5), (2, [2, 2, 1]), (9, [5])):
        rows, rejected, found = read(items, batch_size)
        assert [row["key"] for row in rows] == [item.key for item in items]
        assert [row["text"] for row in rows] == ["a", "bc", "d", "e", "f"]
        assert (rejected, found) == ([], batches)


def test_no_images_give_no_rows():
    assert read([]) == ([], [], [])


def test_a_row_has_rounded_confidences_and_remarks_and_goes_into_json():
    (row,), _, _ = read(encoded("wide"))
    assert json.loads(json.dumps(row, allow_nan=False)) == {
        "key": "wide.png",
        "text": "wide",
        "confidence": 0.123457,
        "character_confidences": [0.333333] * 4,
        "shrunk": True,
        "warning": "cut off",
        "alternatives": [
            {"text": "wide", "confidence": 0.666667},
            {"text": "other", "confidence": 0.0},
        ],
    }


def test_damaged_and_missing_images_are_listed_and_take_no_others_place(tmp_path):
    good = tmp_path / "good.png"
    good.write_bytes(b"good")
    items = [
        ListedImage(str(tmp_path / "none.png"), "none.png"),
        *encoded("a", "!b"),
        ListedImage(str(tmp_path), "folder.png"),
        ListedImage(str(good), "good.png"),
    ]
    rows, rejected, _ = read(items, batch_size=3)
    assert [(row["key"], row["text"]) for row in rows] == [("a.png", "a"), ("good.png", "good")]
    assert [(row["key"], row["reason"]) for row in rejected] == [
        ("none.png", "missing"),
        ("!b.png", "unreadable"),
        ("folder.png", "unreadable"),
    ]
    assert rejected[1]["detail"] == "damaged PNG"


def test_a_batch_of_which_no_file_can_be_opened_is_listed_as_a_whole(tmp_path):
    items = [ListedImage(str(tmp_path / f"{index}.png"), str(index)) for index in range(3)]
    rows, rejected, _ = read([*items, *encoded("last")], batch_size=3)
    assert [row["key"] for row in rows] == ["last.png"]
    assert [row["key"] for row in rejected] == ["0", "1", "2"]


def test_a_key_that_is_not_utf_8_can_be_written():
    (row,), _, _ = read([EncodedImage(os.fsdecode(b"\xff.png"), "", b"x")])
    assert row["key"] == r"\udcff.png"


def test_a_store_that_fails_ends_the_shard(monkeypatch):
    def refuse(path):
        raise StoreError(f"{path} cannot be read: Access Denied")

    monkeypatch.setattr("attention_ocr.cluster.crops.read_file", refuse)
    with pytest.raises(StoreError, match="Access Denied"):
        read([ListedImage("s3://words/a.png", "a.png")])
