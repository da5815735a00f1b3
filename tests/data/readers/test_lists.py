import pytest
import tensorflow as tf

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
    "words.txt,format=tsv": 'a 1.png\ta\nb.png\tsay "b, c"\nsub/c.png\tcafé\nd.png\t\n',
}


@pytest.mark.parametrize("source", TABLES)
def test_each_kind_of_list_gives_its_images_and_texts(source, folder):
    (folder / source.partition(",")[0]).write_bytes(TABLES[source].encode())
    opened = open_source(f"{folder}/{source}")
    examples = list(opened.examples(Walk()).as_numpy_iterator())
    assert [(e["key"].decode(), e["text"].decode()) for e in examples] == ROWS
    assert all(example["image"].shape[0] == 16 for example in examples)
    assert (opened.num_examples, list(opened.labels())) == (4, [text for _, text in ROWS])


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
        ("x.csv", 'image,text\na.png,"a\n', "x.csv, line 2: no CSV"),
        ("x.csv", "image,text\na,b\na,c\n", "line 3: expected each image once.*line 2 names too"),
        ("x.csv,txt=a", "image,text\na,b\n", "takes the options image, text, every, part. .*txt"),
        ("x.jsonl", '{"image": "a"}', "line 1: expected a text under 'text'"),
        ("x.jsonl", '{"image": "a", "text": 5}', "line 1: expected a text under 'text'"),
        ("x.jsonl", '{"image": "a", "te', "line 1: expected a JSON object"),
        ("x.jsonl", "[1]", "line 1: expected a JSON object"),
        ("x.jsonl,format=parquet", "", "`format` .* must be one of .*Received: parquet"),
    ],
)
def test_a_wrong_list_is_refused_with_its_line(source, content, message, tmp_path):
    (tmp_path / source.partition(",")[0]).write_text(content)
    with pytest.raises(ValueError, match=message):
        open_source(f"{tmp_path}/{source}")


def test_a_csv_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"image,text\na.png,\xe9\n")
    with pytest.raises(ValueError, match="x.csv: expected UTF-8. Received: byte 0xe9"):
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


def test_a_remote_path_that_nobody_reads_is_refused():
    with pytest.raises(ValueError, match="nowhere://words/labels.tsv"):
        open_source("nowhere://words/labels.tsv")
