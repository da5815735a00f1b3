import re
import sys

import pytest

from attention_ocr.data.sources import Walk, open_source


@pytest.fixture
def folder(tmp_path):
    tmp_path = tmp_path / "words"
    tmp_path.mkdir()
    for name in ("1/OPEN_12.png", "2/Café_7.JPG", "x_1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")
    return tmp_path


def rows(source: str) -> list[tuple[str, str]]:
    walked = open_source(source).files(Walk()).as_numpy_iterator()
    return [(row["key"].decode(), row["text"].decode()) for row in walked]


def test_the_group_of_the_pattern_is_the_label(folder):
    expected = [("x_1.png", "x"), ("1/OPEN_12.png", "OPEN"), ("2/Café_7.JPG", "Café")]
    assert rows(rf"{folder},pattern=(.*)_\d{{1,2}}\.\w+") == expected


def test_a_pattern_with_a_slash_sees_the_folders(folder):
    (folder / "x_1.png").unlink()
    assert rows(rf"{folder},pattern=(?P<text>\d)/(.*)_\d+\.\w+") == [
        ("1/OPEN_12.png", "1"),
        ("2/Café_7.JPG", "2"),
    ]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"(.*)_\d\.png", "Expected every image .*Received: '1/OPEN_12.png'"),
        ("(.*", "must be a regular expression"),
        (".*", "must have one group"),
        ("(.)(.*)", "must have one group"),
    ],
)
def test_a_pattern_that_does_not_do_is_refused(pattern, message, folder):
    with pytest.raises(ValueError, match=message):
        open_source(f"{folder},pattern={pattern}")


def test_a_folder_in_a_store_has_the_same_images_in_the_same_order(folder):
    pytest.importorskip("fsspec")
    from tests.bucket_store import bucket, put_folder

    (folder / "y_1.png").write_bytes(b"")
    with bucket() as address:
        put_folder(folder, f"{address}/words")
        for options in (r",pattern=(.*)_\d{1,2}\.\w+", ",format=images"):
            assert rows(f"{address}/words{options}") == rows(f"{folder}{options}")
            assert rows(f"{address}/words/{options}") == rows(f"{folder}{options}")
        with pytest.raises(FileNotFoundError, match=f"Expected a folder. Received: {address}/no"):
            open_source(f"{address}/no,pattern=(.*),format=folder")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_images_in_a_linked_folder_are_among_them(folder):
    (folder / "1").rename(folder.with_name("elsewhere"))
    (folder / "1").symlink_to(folder.with_name("elsewhere"))
    expected = [("x_1.png", "x"), ("1/OPEN_12.png", "OPEN"), ("2/Café_7.JPG", "Café")]
    assert rows(rf"{folder},pattern=(.*)_\d{{1,2}}\.\w+") == expected


def test_a_folder_without_labels_asks_for_a_pattern(folder):
    with pytest.raises(FileNotFoundError, match=re.escape(f"No data found at {folder}: expected ")):
        open_source(str(folder))


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match="which has none"):
        open_source(f"{tmp_path},pattern=(.*)")
