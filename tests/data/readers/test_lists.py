import json
import ntpath
import os

import pytest
import tensorflow as tf

from attention_ocr.data.annotation_lines import split_annotation
from attention_ocr.data.sources import Walk, open_source
from tests import tiny

ROWS = [("a 1.png", "a"), ("b.png", 'say "b, c"'), ("sub/c.png", "café"), ("d.png", "")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words, all")
    (folder / "sub").mkdir()
    for name, text in ROWS:
        tf.io.write_file(str(folder / name), tf.io.encode_png(tiny.word_image(text or "-")))
    return folder


TAB_LIST = 'a 1.png\ta\nb.png\tsay "b, c"\nsub/c.png\tcafé\nd.png\t\n'
SPACE_LIST = 'a 1.png a\nb.png say "b, c"\nsub/c.png café\nd.png \n'
CSV = 'id,file,label\n1,a 1.png,a\n2,b.png,"say ""b, c"""\n\n3,sub/c.png,cafe\u0301\n4,d.png,\n'
TABLES = {
    "words.csv,image=file,text=label": CSV,
    "bom.csv,image=file,text=label": "\ufeff" + CSV,
    "windows.csv,image=file,text=label": CSV.replace("\n", "\r\n"),
    "other.csv,image=file,text=label": (
        'file;label\na 1.png;a\nb.png;"say ""b, c"""\nsub/c.png;café\nd.png;\n'
    ),
    "words.jsonl": (
        '{"image": "a 1.png", "text": "a", "extra": [1]}\n'
        '{"image": "b.png", "text": "say \\"b, c\\""}\n\n'
        '{"image": "sub/c.png", "text": "cafe\\u0301"}\n{"image": "d.png", "text": ""}\n'
    ),
    "words.txt,format=tsv": TAB_LIST,
    # Told from their first lines.
    "rec_gt_train.txt": TAB_LIST,
    "windows_list.txt": TAB_LIST.replace("\n", "\r\n").replace("/", "\\"),
    "list without suffix": "\ufeff" + TAB_LIST,
    "annotation.txt": SPACE_LIST,
    "annotations-training.txt": SPACE_LIST,
    "gt.txt": 'a 1.png, "a"\nb.png, "say \\"b, c\\""\nsub/c.png, "café"\nd.png, ""\n',
    "named.txt,format=paddleocr": TAB_LIST,
    "named.lst,format=aocr_list": SPACE_LIST,
    "WORDS.TSV": TAB_LIST,
    # More columns, and none that has a name.
    "third.tsv,image=1,text=3": 'a 1.png\tx\ta\nb.png\tx\tsay "b, c"\n'
    "sub/c.png\tx\tcafé\nd.png\tx\t\n",
    "named.tsv,image=file,text=label": 'label\tfile\na\ta 1.png\nsay "b, c"\tb.png\n'
    "café\tsub/c.png\n\td.png\n",
    "bare.csv,image=2,text=3": CSV.partition("\n")[2],
    "excel.csv,image=file,text=label": "sep=;\n" + CSV.replace(",", ";").replace("b; c", "b, c"),
    "mac.csv,image=file,text=label": CSV.replace("\n", "\r"),
    "spaced.csv,image=file,text=label": CSV.replace("id,file,label", "id, file , label"),
}


@pytest.mark.parametrize("source", TABLES)
def test_each_kind_of_list_gives_its_images_and_texts(source, folder):
    (folder / source.partition(",")[0]).write_bytes(TABLES[source].encode())
    opened = open_source(f"{folder}/{source}")
    examples = list(opened.examples(Walk()).as_numpy_iterator())
    assert [(e["key"].decode(), e["text"].decode()) for e in examples] == ROWS
    assert all(example["image"].shape[0] == 16 for example in examples)
    assert (opened.num_examples, list(opened.labels())) == (4, [text for _, text in ROWS])


@pytest.mark.parametrize(
    ("source", "content"),
    [
        ("latin.tsv,encoding=latin-1", TAB_LIST.encode("latin-1")),
        ("latin.txt,encoding=cp1252", SPACE_LIST.encode("cp1252")),
        ("wide.tsv", TAB_LIST.encode("utf-16")),
        ("wide.txt", TAB_LIST.encode("utf-16")),
        ("bare.tsv,encoding=utf-16-be", TAB_LIST.encode("utf-16-be")),
        ("excel.csv,image=file,text=label", CSV.replace("\n", "\r\n").encode("utf-16")),
        (
            "latin.csv,image=file,text=label,encoding=latin-1",
            TABLES["other.csv,image=file,text=label"].encode("latin-1"),
        ),
        ("wide.jsonl", TABLES["words.jsonl"].encode("utf-16")),
    ],
)
def test_each_encoding_that_is_marked_or_named_is_read(source, content, folder):
    (folder / source.partition(",")[0]).write_bytes(content)
    assert list(open_source(f"{folder}/{source}").labels()) == [text for _, text in ROWS]


def test_paths_may_start_at_another_folder_than_that_of_the_list(folder, tmp_path):
    (tmp_path / "list.txt").write_text("sub/c.png\tcafé\n", encoding="utf-8")
    source = open_source(f"{tmp_path}/list.txt,root={folder}")
    (example,) = source.examples(Walk()).as_numpy_iterator()
    assert (example["key"], example["image"].shape[0]) == (b"sub/c.png", 16)


_BOXES = [{"transcription": "a", "points": [[0, 0], [9, 0], [9, 9], [0, 9]]}]


@pytest.mark.skipif(os.name == "nt", reason="a backslash cannot be in a file name of Windows")
@pytest.mark.parametrize(
    ("name", "line", "image"),
    [
        ("labels.tsv", "1_a_0.png\ta\n", "1_a_0.png"),
        ("Label.txt", f"1_a_0.png\t{json.dumps(_BOXES)}\n", "1_a_0.png"),
        ("annotation.txt", "./1_a_0.png 0\n", "1_a_0.png"),
        ("labels.json,format=doctr", '{"1_a_0.png": "a"}', "images/1_a_0.png"),
    ],
)
def test_the_folder_of_a_list_may_end_with_a_backslash_on_windows(
    name, line, image, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    # Here the list is beside the folder that Windows finds it in.
    (tmp_path / f"words\\{name.partition(',')[0]}").write_text(line)
    tf.io.write_file(f"words/{image}", tf.io.encode_png(tiny.word_image("a")))

    def reasons():
        examples = open_source(f"words\\{name}").examples(Walk())
        return [example["reason"] for example in examples.as_numpy_iterator()]

    assert reasons() == [b"cannot be opened: No such file or directory"]
    monkeypatch.setattr(os.path, "dirname", ntpath.dirname)
    assert reasons() == [b""]


def test_images_that_share_a_line_of_paddleocr_share_its_text(tmp_path):
    (tmp_path / "list.txt").write_text('["a.png", "b.png"]\tone\n[c.png\ttwo\n')
    source = open_source(f"{tmp_path}/list.txt")
    keys = [row["key"].decode() for row in source.rows(Walk()).as_numpy_iterator()]
    assert (keys, list(source.labels())) == (["a.png", "b.png", "[c.png"], ["one", "one", "two"])


def test_a_path_of_many_brackets_is_a_path(tmp_path):
    name = "[" * 50_000
    (tmp_path / "list.txt").write_text(f"{name}\tone\n")
    source = open_source(f"{tmp_path}/list.txt,format=paddleocr")
    (row,) = source.rows(Walk()).as_numpy_iterator()
    assert (row["key"].decode(), row["text"]) == (name, b"one")


def test_a_path_with_spaces_ends_with_its_suffix_in_a_list_of_aocr(tmp_path):
    lines = ["my images/a b.JPG two words", "plain text", "c.png.jpg  x", "d.png", "e.jpeg "]
    assert split_annotation("plain") is None
    (tmp_path / "list.txt").write_text("\n".join(lines))
    source = open_source(f"{tmp_path}/list.txt")
    keys = [row["key"].decode() for row in source.rows(Walk()).as_numpy_iterator()]
    assert keys == ["my images/a b.JPG", "plain", "c.png.jpg", "d.png", "e.jpeg"]
    assert list(source.labels()) == ["two words", "text", " x", "", ""]


def test_records_and_text_that_is_no_list_are_told_apart_from_lists(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing\n")
    with pytest.raises(ValueError, match="notes.txt is not a record file: it is text.*'nothing'"):
        open_source(f"{tmp_path}/notes.txt")
    (tmp_path / "noise.txt").write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match="noise.txt is not a record file"):
        open_source(f"{tmp_path}/noise.txt")


def test_a_list_is_split_like_a_label_file(folder):
    (folder / "split.csv").write_text("image,text\n" + "".join(f"{i}.png,{i}\n" for i in range(5)))
    held_out = open_source(f"{folder}/split.csv,every=2,part=eval")
    assert list(held_out.labels()) == ["1", "3"]


@pytest.mark.parametrize(
    ("source", "content", "message"),
    [
        ("x.csv", "file,text\na,b\n", "expected a column 'image'.*Received: file, text"),
        ("x.csv", "", "expected a column 'image'"),
        ("x.csv", "image,text\n", "x.csv, which has none"),
        (
            "x.csv",
            "image,text\na.png,a\nb.png\n",
            "line 3: expected 2 values. Received: ",
        ),
        ("x.csv", 'image,text\na.png,"a\n', "x.csv, line 2: expected CSV. Received: "),
        ("x.csv", "image,text\na,b\na,c\n", "line 3: expected each image once.*line 2 also names"),
        ("x.csv,txt=a", "image,text\na,b\n", "takes the options image, text, every, part. .*txt"),
        ("x.csv", "image,text,text\na,b,c\n", "expected a column 'text', once"),
        ("x.csv,image=4,text=1", "a,b\n", "expected column 4.*Received: 2 columns"),
        ("x.csv,image=0,text=1", "a,b\n", "expected column 0, counted from 1"),
        ("x.csv", "image,text\na.png,a\0b\n", "line 2: expected text"),
        ("x.csv", '"image,text\na.png,a\n', "x.csv, line 2: expected CSV. Received: "),
        ("x.tsv,image=1,text=2", "a\tb\tc\nd\te\n", "line 2: expected 3 columns.*with 1 tab"),
        ("x.tsv,image=file,text=2", "a.png\tb\n", "line 1: expected a column 'file'"),
        ("x.tsv,encoding=base64", "a.png\tb\n", "Expected a text encoding.*'base64'"),
        ("x.tsv,encoding=nothing", "a.png\tb\n", "Expected a text encoding.*'nothing'"),
        (
            "x.txt,format=paddleocr",
            'a.png\t[{"transcription": "a"}]\n',
            "line 1: expected the text.*detection list",
        ),
        ("x.txt", "[1]\tone\n", "line 1: expected a JSON list of paths"),
        ("labels.json", "[" * 100_000, "labels.json: expected JSON. Received: "),
        ("labels.json", '{"a.png": "a"', "labels.json: expected JSON. Received: "),
        ("labels.json", '["a.png"]', "expected an object of file names and texts. Received: list"),
        ("labels.json", '{"a.png": {"polygons": []}}', "expected the text of a.png. Received: "),
        ("labels.json", "{}", "labels.json, which has none"),
        ("x.txt", "a.png one\n\n \n", "x.txt, line 3: expected path, white space, text"),
        ("x.txt,format=aocr_list,image=1", "a.png one\n", "Received: image"),
        ("x.jsonl", "[" * 100_000, "line 1: expected a JSON object"),
        ("x.jsonl", '{"image": "a", "text": "\\ud800"}', "line 1: expected Unicode text"),
        ("x.jsonl", '{"image": "a\\u0000", "text": "b"}', "line 1: expected a path"),
        ("x.jsonl", '{"image": "a"}', "line 1: expected a string under 'text'"),
        ("x.jsonl", '{"image": "a", "text": 5}', "line 1: expected a string under 'text'"),
        ("x.jsonl", '{"image": "a", "te', "line 1: expected a JSON object"),
        ("x.jsonl", "[1]", "line 1: expected a JSON object"),
        ("x.jsonl,format=orc", "", "`format` .* must be one of .*Received: orc"),
    ],
)
def test_a_wrong_list_is_refused_with_its_line(source, content, message, tmp_path):
    (tmp_path / source.partition(",")[0]).write_text(content)
    with pytest.raises(ValueError, match=message):
        open_source(f"{tmp_path}/{source}")


def test_a_csv_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"image,text\na.png,\xe9\n")
    with pytest.raises(
        ValueError, match="x.csv, line 2: expected UTF-8. Received: byte 0xe9; .*encoding="
    ):
        open_source(f"{tmp_path}/x.csv")


def test_an_image_that_is_missing_has_no_pixels(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["a", "b"])
    (tmp_path / "0.png").unlink()
    source = open_source(str(labels))
    images = [example["image"] for example in source.examples(Walk()).as_numpy_iterator()]
    assert [image.size > 0 for image in images] == [False, True]
    files = [example["encoded"] for example in source.files(Walk()).as_numpy_iterator()]
    assert files == [b"", (tmp_path / "1.png").read_bytes()]


@pytest.mark.parametrize("scheme", ["ram", "memory"])
def test_a_list_and_its_images_may_be_remote(scheme, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    tiny.write_label_file(tmp_path, ["a", "b"])
    for file in tmp_path.iterdir():
        # One file system is TensorFlow's, the other is fsspec's.
        if scheme == "ram":
            tf.io.write_file(f"ram://words/{file.name}", file.read_bytes())
        else:
            with fsspec.open(f"memory://words/{file.name}", "wb") as copy:
                copy.write(file.read_bytes())
    source = open_source(f"{scheme}://words/labels.tsv")
    examples = list(source.examples(Walk(seed=1)).take(4).as_numpy_iterator())
    assert sorted(e["text"] for e in examples) == [b"a", b"a", b"b", b"b"]
    assert all(example["image"].size for example in examples)


@pytest.mark.parametrize("scheme", ["ram", "memory"])
def test_a_local_list_may_name_images_at_addresses(scheme, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    tiny.write_label_file(tmp_path, ["a", "b", "c"])
    content = (tmp_path / "0.png").read_bytes()
    if scheme == "ram":
        tf.io.write_file("ram://listed/0.png", content)
    else:
        fsspec.filesystem("memory").pipe_file("/listed/0.png", content)
    (tmp_path / "1.png").unlink()
    (tmp_path / "1.png").mkdir()
    tiny.write_labels(tmp_path, {f"{scheme}://listed/0.png": "a", "1.png": "b", "2.png": "c"})
    source = open_source(str(tmp_path / "labels.tsv"))
    images = [example["image"] for example in source.examples(Walk()).as_numpy_iterator()]
    assert [image.size > 0 for image in images] == [True, False, True]
    files = [example["encoded"] for example in source.files(Walk()).as_numpy_iterator()]
    assert files == [content, b"", (tmp_path / "2.png").read_bytes()]


def test_a_remote_path_that_nobody_reads_is_refused():
    with pytest.raises(ValueError, match="nowhere://words/labels.tsv"):
        open_source("nowhere://words/labels.tsv")
