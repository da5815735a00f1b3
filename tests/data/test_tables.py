import pytest

from attention_ocr.data.columns import find_columns
from attention_ocr.data.tables import PARTS, ImageTable, StringTable, split_indices

TEXTS = ["", "a", "zwölf", "", "\u2028", "𝔸"]


def test_a_table_of_strings_is_a_sequence_of_them():
    table = StringTable(TEXTS[:4])
    for text in TEXTS[4:]:
        table.append(text)
    assert len(table) == len(TEXTS)
    assert list(table) == TEXTS
    assert [table[index] for index in (5, 0, 2, -1)] == ["𝔸", "", "zwölf", "𝔸"]
    with pytest.raises(IndexError):
        table[len(TEXTS)]


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
        ("(b)?", "keys that match group=.*Received: 'a_0.png'"),
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


@pytest.mark.parametrize("count", [20, 37, 100])
def test_the_parts_of_a_split_are_disjoint_complete_and_in_the_order_of_the_keys(count):
    keys = [f"{index * 7919 % 1000:03}.png" for index in range(count)]
    parts = {}
    for part in ("train", "eval", "fit", "validation"):
        found = split_indices(keys, 2, part).tolist()
        assert [keys[index] for index in found] == sorted(keys[index] for index in found)
        parts[part] = set(found)
    assert parts["train"] | parts["eval"] == set(range(count))
    assert not parts["train"] & parts["eval"]
    assert parts["fit"] | parts["validation"] == parts["train"]
    assert not parts["fit"] & parts["validation"]


def test_a_split_does_not_depend_on_the_order_of_the_list():
    keys = [f"{index:02}.png" for index in range(40)]
    shuffled = keys[::3] + keys[1::3] + keys[2::3]
    for part in ("train", "eval", "validation"):
        found = {shuffled[index] for index in split_indices(shuffled, 4, part)}
        assert found == {keys[index] for index in split_indices(keys, 4, part)}


@pytest.mark.parametrize("group", ["", r"(page\d+)_"])
def test_by_hash_an_image_stays_in_its_part_when_others_are_added(group):
    added = [f"page{page}_{line}.png" for page in range(0, 60, 3) for line in range(5)]
    known = [f"page{page}_{line}.png" for page in range(60) if page % 3 for line in range(5)]
    part_of = {}
    for part in ("eval", "fit", "validation"):
        before = {known[index] for index in split_indices(known, 5, part, group, "hash")}
        both = known + added
        after = {both[index] for index in split_indices(both, 5, part, group, "hash")}
        assert after & set(known) == before
        part_of |= dict.fromkeys(after, part)
    assert len(part_of) == 300
    assert 40 <= list(part_of.values()).count("eval") <= 80
    documents = {(key.partition("_")[0], part) for key, part in part_of.items()}
    assert (len(documents) == 60) == bool(group)


@pytest.mark.parametrize("count", [2, 3, 15, 40])
def test_by_hash_the_parts_are_disjoint_complete_and_none_is_empty(count):
    keys = [f"{index * 7919 % 1000:03}.png" for index in range(count)]
    train, held_out = (split_indices(keys, 5, part, by="hash").tolist() for part in PARTS[:2])
    assert sorted(train + held_out) == list(range(count))
    assert train
    assert held_out
    if len(train) > 1:
        fit, validation = (split_indices(keys, 5, part, by="hash").tolist() for part in PARTS[2:])
        assert sorted(fit + validation) == sorted(train)
        assert fit
        assert validation


def test_images_of_a_group_stay_together():
    keys = [f"writer{writer}/{page}.png" for writer in range(12) for page in range(writer + 1)]
    held_out = split_indices(keys, 3, "eval", r"(writer\d+)/")
    writers = {keys[index].partition("/")[0] for index in held_out}
    assert len(writers) == 4
    assert {index for index, key in enumerate(keys) if key.partition("/")[0] in writers} == {
        *held_out.tolist()
    }


@pytest.mark.parametrize(
    ("every", "part", "message"),
    [
        (1, "eval", "`every` to be 2 or more. Received: every=1"),
        (0, "train", "Received: every=0"),
        (5, "test", "one of train, eval, fit, validation. Received: 'test'"),
        (5, "eval", "images for part='eval' with every=5. Received: 4 images"),
        (2, "validation", "images for part='validation' with every=2. Received: 4 images"),
    ],
)
def test_a_part_without_images_is_refused(every, part, message):
    with pytest.raises(ValueError, match=message):
        split_indices(["a", "b", "c", "d"], every, part)


def test_an_unknown_rule_of_a_split_is_refused():
    with pytest.raises(ValueError, match="`by` to be one of order, hash. Received: 'name'"):
        split_indices(["a", "b"], 2, "eval", by="name")


def test_a_missing_image_is_named_with_its_line(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"list.tsv, line 4: no such image: .*b.png"):
        images(tmp_path, "a.png", "b.png", require_images=True)
    # Files of a store are not asked for one by one.
    assert len(images("gs://bucket/words", "a.png", "b.png", require_images=True)) == 2


def test_a_table_has_texts_beside_its_keys_and_no_text_is_lost():
    rows = [(1, "a.png", ""), (2, "b.png", "zwölf\u2028"), (3, "c.png", "𝔸" * 5000)]
    table = ImageTable("list.tsv", "words", rows)
    assert len(table) == 3
    assert list(table.texts) == ["", "zwölf\u2028", "𝔸" * 5000]
    with pytest.raises(ValueError, match="line 2: expected Unicode text. Received: an unpaired"):
        ImageTable("list.tsv", "words", [(2, "a.png", "\ud800")])
