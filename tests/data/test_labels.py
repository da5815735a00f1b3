import os
import unicodedata
from pathlib import Path

import pytest

from attention_ocr.data.labels import LabelledImage, held_out_split, read_labels
from attention_ocr.data.tables import split_indices


@pytest.fixture
def write_labels(tmp_path):
    def write(content: bytes | str, images: tuple[str, ...] = ()) -> Path:
        for image in images:
            (tmp_path / image).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / image).touch()
        path = tmp_path / "labels.tsv"
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return write


def test_a_line_gives_path_key_and_text(write_labels, tmp_path):
    path = write_labels("images/a.png\tone\nb.jpg\ttwo\n", ("images/a.png", "b.jpg"))
    assert read_labels(path) == [
        LabelledImage(tmp_path / "images/a.png", "images/a.png", "one"),
        LabelledImage(tmp_path / "b.jpg", "b.jpg", "two"),
    ]


def test_the_file_may_be_named_by_a_string(write_labels):
    path = write_labels("a.png\tone", ("a.png",))
    assert read_labels(str(path)) == read_labels(path)


@pytest.mark.parametrize(
    ("line", "key", "text"),
    [
        ("my images/a b.png\tone two ", "my images/a b.png", "one two "),
        (" a.png \t one", " a.png ", " one"),
        ("a.png\t", "a.png", ""),
        ("a.png\tone\u2028two\u0085three\x0bfour\x1cfive", "a.png", None),
        ("a.png\tone\rtwo", "a.png", "one\rtwo"),
        ("a.png\t\ufeffone", "a.png", "\ufeffone"),
    ],
)
def test_only_the_tab_and_the_line_feed_have_a_meaning(write_labels, line, key, text):
    path = write_labels(line + "\nlast.png\tlast\n", (key, "last.png"))
    first, last = read_labels(path)
    assert first.key == key
    assert first.text == (line.partition("\t")[2] if text is None else text)
    assert last.text == "last"


def test_text_is_composed_and_keys_stay_as_they_are(write_labels):
    name = unicodedata.normalize("NFD", "été.png")
    text = unicodedata.normalize("NFD", "déjà vu")
    (image,) = read_labels(write_labels(f"{name}\t{text}", (name,)))
    assert image.key == name
    assert image.text == "déjà vu"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("byte_order_mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("closed", [True, False])
def test_files_of_every_editor_read_alike(write_labels, line_end, byte_order_mark, closed):
    content = line_end.join(["a.png\tone", "", "b.png\ttwo"]) + (line_end if closed else "")
    path = write_labels(byte_order_mark + content.encode(), ("a.png", "b.png"))
    assert [(image.key, image.text) for image in read_labels(path)] == [
        ("a.png", "one"),
        ("b.png", "two"),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_byte_order_mark_says_in_which_encoding_a_file_is(write_labels, encoding):
    content = "a.png\tété\r\n\r\nb.png\t東京\u2028\r\n".encode(encoding)
    path = write_labels(content, ("a.png", "b.png"))
    assert [(image.key, image.text) for image in read_labels(path)] == [
        ("a.png", "été"),
        ("b.png", "東京\u2028"),
    ]


def test_files_that_were_joined_keep_their_byte_order_marks_to_themselves(write_labels):
    path = write_labels("\ufeffa.png\tone\n\ufeffb.png\ttwo\n", ("a.png", "b.png"))
    assert [image.key for image in read_labels(path)] == ["a.png", "b.png"]


def test_a_first_line_may_name_the_columns(write_labels):
    path = write_labels("source\timage\ttext\nweb\ta.png\tone\n", ("a.png",))
    assert [(image.key, image.text) for image in read_labels(path)] == [("a.png", "one")]


@pytest.mark.parametrize(
    ("written", "there", "key"),
    [
        ("sub\\deep\\a.png", "sub/deep/a.png", "sub/deep/a.png"),
        (".\\sub\\a.png", "sub/a.png", "./sub/a.png"),
        (" a.png ", "a.png", "a.png"),
        (" sub\\a.png", "sub/a.png", "sub/a.png"),
        (" a.png ", " a.png ", " a.png "),
        ("sub\\nothing.png", "sub/a.png", "sub\\nothing.png"),
    ],
)
def test_a_path_is_read_in_the_form_in_which_it_is_there(write_labels, written, there, key):
    path = write_labels(f"{written}\tone\r\n", (there,))
    assert [image.key for image in read_labels(path, require_images=False)] == [key]


@pytest.mark.skipif(os.name == "nt", reason="a backslash cannot be in a file name of Windows")
def test_a_backslash_that_is_in_a_file_name_stays(write_labels):
    path = write_labels("a\\b.png\tone\n", ("a\\b.png", "a/b.png"))
    assert [image.key for image in read_labels(path)] == ["a\\b.png"]


def test_an_image_is_named_once_whatever_separates_its_folders(write_labels):
    path = write_labels("sub\\a.png\tone\nsub/a.png\ttwo\n", ("sub/a.png",))
    with pytest.raises(ValueError, match="line 2: expected each image once"):
        read_labels(path)


def test_an_absolute_path_is_taken_as_it_is(write_labels, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.png"
    elsewhere.touch()
    (image,) = read_labels(write_labels(f"{elsewhere}\tone"))
    assert image.path == elsewhere
    assert image.key == str(elsewhere)
    assert image.location == str(elsewhere)


def test_an_image_may_be_at_an_address(write_labels, tmp_path):
    path = write_labels("memory://words/a.png\tone\nb.png\ttwo", ("b.png",))
    locations = [image.location for image in read_labels(path, require_images=False)]
    assert locations == ["memory://words/a.png", str(tmp_path / "b.png")]
    copied = LabelledImage(tmp_path / "b.png", "memory://words/b.png", "two")
    assert copied.location == str(tmp_path / "b.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a.png\tone\nb.png two\n", r"labels\.tsv, line 2: .*'b\.png two', without a tab"),
        ("a.png\tone\n\n  \n", r"labels\.tsv, line 3: .*'  ', without a tab"),
        ("a.png\tone\n\ttwo\n", r"labels\.tsv, line 2: expected a path"),
        ("a.png\tone\nb.png\ttwo\tthree\n", r"line 2: .*image=1,text=2.*two.*, with 2 tabs"),
        ("a.png\tone\rb.png\ttwo\r", r"labels\.tsv, line 1: .*with 2 tabs"),
        ("image\ttext\na.png\tone\tleft\n", r"line 2: expected 2 columns .*, with 2 tabs"),
        ("a.png\tone\nb.png\0\ttwo\n", r"labels\.tsv, line 2: expected text.*a NUL"),
        ("a.png\tone\n  \ttwo\n", r"labels\.tsv, line 2: expected a path. Received: '  '"),
        ("a.png\tone\n./a.png\ttwo\n", r"labels\.tsv, line 2: .*'\./a\.png', which line 1"),
        (
            b"a.png\tone\nb.png\t\xe9t\xe9\n",
            r"labels\.tsv, line 2: expected UTF-8.*0xe9.*encoding=",
        ),
        ("a.png\tone\nb.png\ttwo\n".encode("utf-16")[:-1], r"line 2: expected UTF-16.*0x0a"),
        ("a.png\tone\n".encode("utf-16-le"), r"line 1: expected text.*without a byte order mark"),
        ("", r"labels\.tsv, which has none"),
        ("\ufeff\r\n\n", r"labels\.tsv, which has none"),
    ],
)
def test_a_wrong_line_is_named(write_labels, content, message):
    path = write_labels(content, ("a.png", "b.png"))
    with pytest.raises(ValueError, match=message):
        read_labels(path)


def test_a_missing_image_is_named_with_its_line(write_labels):
    path = write_labels("a.png\tone\nmy images/b.png\ttwo\n", ("a.png",))
    with pytest.raises(FileNotFoundError, match=r"labels\.tsv, line 2: no such image: .*b\.png"):
        read_labels(path)


def test_missing_images_can_be_left_to_the_caller(write_labels):
    path = write_labels("a.png\tone\nb.png\ttwo\n", ("a.png",))
    assert [image.key for image in read_labels(path, require_images=False)] == ["a.png", "b.png"]


@pytest.mark.parametrize("name", ["missing.tsv", "."])
def test_a_missing_label_file_is_named(tmp_path, name):
    with pytest.raises(FileNotFoundError, match="Expected a label file"):
        read_labels(tmp_path / name)


def images_with_keys(*keys: str) -> list[LabelledImage]:
    return [LabelledImage(Path("folder", key), key, "text") for key in keys]


def test_every_fifth_by_sorted_key_is_held_out():
    images = images_with_keys("k", "c", "a", "b", "e", "d", "j", "i", "h", "g", "f")
    held_out = held_out_split(images, every=5, part="eval")
    rest = held_out_split(images, every=5, part="train")
    assert [image.key for image in held_out] == ["e", "j"]
    assert [image.key for image in rest] == ["a", "b", "c", "d", "f", "g", "h", "i", "k"]


def test_a_tenth_of_the_training_part_watches_the_rest():
    images = images_with_keys(*(f"{index:02}" for index in range(30)))
    parts = {
        part: {image.key for image in held_out_split(images, 3, part)}
        for part in ("train", "fit", "validation")
    }
    assert parts["validation"] == {"13", "28"}
    assert parts["fit"] == parts["train"] - parts["validation"]


def test_a_document_is_on_one_side_of_the_split():
    keys = [f"{document}_{line}" for document in "abcdefghijklmnopqrstuvwxyzABCD" for line in "123"]
    documents = {
        part: {keys[::-1][index][0] for index in split_indices(keys[::-1], 3, part, "(.*)_")}
        for part in ("train", "eval", "fit", "validation")
    }
    keys_of = sorted({key[0] for key in keys})
    assert documents["eval"] == set(keys_of[2::3])
    assert documents["train"] == set(keys_of) - documents["eval"]
    rest = sorted(documents["train"])
    assert documents["validation"] == set(rest[9::10])
    assert documents["fit"] == documents["train"] - documents["validation"]
    assert len(split_indices(keys, 3, "eval", "(.*)_")) == 3 * len(documents["eval"])


def test_the_parts_do_not_depend_on_the_order_of_the_file():
    images = images_with_keys("c", "a", "d", "b")
    assert held_out_split(images, 2, "eval") == held_out_split(images[::-1], 2, "eval")


@pytest.mark.parametrize(
    ("every", "part", "message"),
    [
        (1, "eval", "Received: every=1"),
        (0, "train", "Received: every=0"),
        (2, "test", "one of train, eval, fit, validation. Received: 'test'"),
        (2, "validation", "part='validation' with every=2. Received: 3 images"),
        (4, "eval", "part='eval' with every=4. Received: 3 images"),
    ],
)
def test_an_impossible_split_is_refused(every, part, message):
    with pytest.raises(ValueError, match=message):
        held_out_split(images_with_keys("a", "b", "c"), every, part)
