import pytest

from attention_ocr.data.columns import find_columns
from attention_ocr.data.tables import ImageTable, StringTable, split_indices

TEXTS = ["", "a", "zwölf", "", "\u2028", "𝔸"]


def test_a_table_of_strings_is_a_sequence_of_them():
    table = StringTable(TEXTS[:4])
    for text in TEXTS[4:]:
        table.append(text)
    assert len(table) == len(TEXTS)
    assert list(table) == TEXTS
    assert [table[index] for index in (5, 0, 2)] == ["𝔸", "", "zwölf"]


def test_equal_tables_have_equal_content_and_only_they():
    assert StringTable(["ab", "c"]).content() == StringTable(iter(["ab", "c"])).content()
    assert StringTable(["ab", "c"]).content() != StringTable(["a", "bc"]).content()


def images(folder, *paths, **more):
    rows = [(line, path, "text") for line, path in enumerate(paths, 3)]
    return ImageTable("list.tsv", str(folder), rows, **more)


@pytest.mark.parametrize(
    ("folder", "key", "path"),
    [
        ("words", "a.png", "words/a.png"),
        ("words/", "a.png", "words/a.png"),
        (".", "a.png", "a.png"),
        ("", "a.png", "a.png"),
        ("words", "/data/a.png", "/data/a.png"),
        ("words", "s3://bucket/a.png", "s3://bucket/a.png"),
        ("gs://bucket/words", "a.png", "gs://bucket/words/a.png"),
    ],
)
def test_a_relative_path_is_below_the_folder(folder, key, path):
    table = images(folder, key)
    assert table.path_of(key) == path
    assert list(table.keys) == [key]


def test_paths_of_windows_and_stray_spaces_are_read_as_they_exist(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("b/a.png", " c.png"):
        (tmp_path / name).write_bytes(b"")
    table = images(tmp_path, "b\\a.png ", " c.png", require_images=True)
    assert list(table.keys) == ["b/a.png", " c.png"]
    # Nothing is asked of a store.
    assert list(images("s3://bucket", " b\\a.png").keys) == ["b/a.png"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["a.png", " "], "list.tsv, line 4: expected a path. Received: ' '"),
        (["a\0.png"], "line 3: expected a path"),
        (["a\udcff.png"], "line 3: expected Unicode text. Received: an unpaired surrogate"),
        (["a.png", "b.png", "./a.png"], "line 5: expected each image once. .*which line 3 also"),
        (["b/../a.png", "a.png"], "line 4: expected each image once"),
        ([], "Expected images and their texts. Received: list.tsv, which has none"),
    ],
)
def test_a_line_without_its_own_image_is_named(paths, message):
    with pytest.raises(ValueError, match=message):
        images("words", *paths)


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("(", r"`group` to be a regular expression. Received: '\('"),
        ("a.*", r"`group` to have a group \(…\). Received: 'a.\*'"),
        ("(b)_", "keys that match group=.*Received: 'a_0.png'"),
        ("(a)_", "images for part='eval' with every=2. Received: 1 groups"),
    ],
)
def test_a_group_that_splits_nothing_is_refused(group, message):
    with pytest.raises(ValueError, match=message):
        split_indices([f"a_{index}.png" for index in range(9)], 2, "eval", group)


def test_a_table_is_split_like_a_list():
    keys = [f"{index:02}.png" for index in range(30)]
    for part in ("train", "eval", "fit", "validation"):
        found = split_indices(StringTable(keys), 5, part)
        assert found.tolist() == split_indices(keys, 5, part).tolist()
    assert split_indices(keys, 5, "eval").tolist() == [4, 9, 14, 19, 24, 29]


@pytest.mark.parametrize(
    ("row", "image", "text", "message"),
    [
        (["a.png", "b"], "3", "2", "expected column 3, counted from 1. Received: 2 columns"),
        (["a.png", "b"], "0", "2", "expected column 0, counted from 1"),
        (["file", "text"], "image", "text", "expected a column 'image', once; .*Received: file, t"),
        (["image", "text", "text"], "image", "text", "expected a column 'text', once"),
    ],
)
def test_a_column_that_is_not_there_once_is_named(row, image, text, message):
    with pytest.raises(ValueError, match=f"^words.csv: {message}"):
        find_columns(row, "words.csv", image, text)


def test_a_row_of_another_length_is_refused_with_its_place():
    columns = find_columns([" image ", "text", "source"], "words.csv")
    assert columns.pick(["a.png", "one", ""], "words.csv, line 2") == ("a.png", "one")
    # Of a name and a number, the name needs a header.
    assert find_columns(["image", "x"], "words.csv", "image", "2").has_header
    with pytest.raises(ValueError, match="words.csv, line 3: expected 3 values. Received: 2 in"):
        columns.pick(["a.png", "one"], "words.csv, line 3")
