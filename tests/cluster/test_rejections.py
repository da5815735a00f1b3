"""Every item of a shard that cannot be read is listed, whatever its name and its error are."""

import errno
import json
import os

import pytest

from attention_ocr.cluster.rejections import Rejections, printable
from attention_ocr.data.storage import StoreError


def rows_of(rejections: Rejections) -> list[dict[str, str]]:
    """Return the rows as a reader of the file sees them: a JSON object on each line of UTF-8."""
    content = rejections.json_lines().encode("utf-8")
    return [json.loads(line) for line in content.split(b"\n")[:-1]]


def test_a_shard_of_which_all_was_read_has_an_empty_list():
    rejections = Rejections()
    assert len(rejections) == 0
    assert rejections.json_lines() == ""


def test_items_are_listed_in_the_order_in_which_they_failed():
    rejections = Rejections()
    rejections.add("b.png", "unreadable", "not an image")
    rejections.add("a.png", "missing", "no such file")
    assert len(rejections) == 2
    assert rows_of(rejections) == [
        {"key": "b.png", "reason": "unreadable", "detail": "not an image"},
        {"key": "a.png", "reason": "missing", "detail": "no such file"},
    ]


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file", "a.png"), "missing", "no such file"),
        (FileNotFoundError("gone"), "missing", "no such file"),
        (PermissionError(errno.EACCES, "Permission denied", "a.png"), "unreadable", "denied"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a.png"), "unreadable", "directory"),
        (OSError("truncated stream"), "unreadable", "truncated stream"),
        (ValueError("image of 9 bytes, the limit is 8"), "unreadable", "the limit is 8"),
    ],
)
def test_an_error_of_a_file_is_a_row_with_its_reason(error, reason, detail):
    rejections = Rejections()
    rejections.add_error("a.png", error)
    (row,) = rows_of(rejections)
    assert (row["key"], row["reason"]) == ("a.png", reason)
    assert row["detail"].endswith(detail)
    # The name of the file is in the key, and the number of the error means nothing to a reader.
    assert "Errno" not in row["detail"]


def test_a_store_that_fails_ends_the_job_instead_of_listing_every_item():
    rejections = Rejections()
    error = StoreError("s3://words/a.png cannot be read: Access Denied")
    with pytest.raises(StoreError, match="Access Denied"):
        rejections.add_error("a.png", error)
    assert len(rejections) == 0


@pytest.mark.parametrize(
    "text",
    ["two\nlines", 'a "quoted" \\ name', "\u2028", "東京/é.png", "\x00\x1b[31m", "\U0001f600"],
)
def test_any_text_is_one_line_of_json(text):
    rejections = Rejections()
    rejections.add(text, "unreadable", text)
    assert rows_of(rejections) == [{"key": text, "reason": "unreadable", "detail": text}]


def test_names_and_errors_that_are_not_utf_8_are_escaped_instead_of_failing_the_shard():
    name = os.fsdecode(b"sm\xf8r.png")
    rejections = Rejections()
    rejections.add(name, "missing", "no such file")
    # Messages of plug-ins name the file as well.
    rejections.add_error(name, ValueError(f"{name}: no lines found"))
    missing, unreadable = rows_of(rejections)
    assert missing["key"] == unreadable["key"] == r"sm\udcf8r.png"
    assert unreadable["detail"] == r"sm\udcf8r.png: no lines found"


@pytest.mark.parametrize("key", ["", "a.png", "東京/é.png", "\U0001f600"])
def test_a_name_that_can_be_written_stays_as_it_is(key):
    assert printable(key) == key
