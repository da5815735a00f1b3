"""docTR's labels.json, WebDataset shards and Parquet files."""

import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from attention_ocr.cli.main import main
from attention_ocr.data.pipeline import explaining
from attention_ocr.data.readers import parquet_files
from attention_ocr.data.sources import Walk, open_source
from tests import tiny

TEXTS = ["one", "two words", "é", "4"]


def png(text: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(tiny.word_image(text)).save(stream, format="PNG")
    return stream.getvalue()


def rows_of(source):
    return list(open_source(str(source)).examples(Walk()).as_numpy_iterator())


def check(source):
    rows = rows_of(source)
    assert [row["text"].decode() for row in rows] == TEXTS
    for row, text in zip(rows, TEXTS, strict=True):
        np.testing.assert_array_equal(row["image"][..., 0], tiny.word_image(text)[..., 0])


def tar(path, files):
    with tarfile.open(path, "w") as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_the_labels_of_doctr_are_read_beside_their_folder_of_images(tmp_path):
    (tmp_path / "images").mkdir()
    for index, text in enumerate(TEXTS):
        (tmp_path / "images" / f"{index}.png").write_bytes(png(text))
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({f"{index}.png": text for index, text in enumerate(TEXTS)}))
    check(labels)
    labels.write_text('{"0.png": {"polygons": []}}')
    with pytest.raises(ValueError, match=r"expected the text of 0\.png"):
        open_source(str(labels))
    labels.write_text("[1]")
    with pytest.raises(ValueError, match="expected an object of file names and texts"):
        open_source(str(labels))


def test_shards_of_webdataset_are_one_source(tmp_path):
    tar(
        tmp_path / "words-0.tar",
        [
            ("a/0.png", png(TEXTS[0])),
            ("a/0.txt", b"one\n"),
            ("a/1.json", json.dumps({"label": TEXTS[1]}).encode()),
            ("a/1.png", png(TEXTS[1])),
        ],
    )
    tar(
        tmp_path / "words-1.tar",
        [
            (f"{i}.{kind}", content)
            for i in (2, 3)
            for kind, content in (("png", png(TEXTS[i])), ("txt", TEXTS[i].encode()), ("cls", b"7"))
        ],
    )
    check(f"{tmp_path}/words-*.tar,format=webdataset")
    check(f"{tmp_path}/words-*.tar")
    assert main(["inspect", f"{tmp_path}/words-*.tar"]) == 0


def test_a_shard_that_is_no_example_is_refused_by_name(tmp_path):
    path = tmp_path / "words.tar"
    tar(path, [("a.png", png("a"))])
    with pytest.raises(ValueError, match="expected a text for the image a"):
        open_source(str(path))
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="expected an uncompressed TAR"):
        open_source(str(path))
    with pytest.raises(FileNotFoundError, match="No WebDataset shard found"):
        open_source(str(tmp_path / "none.tar"))


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"txt": "\ufeffé\r\n".encode()}, "é"),
        ({"json": '\ufeff{"text": "é"}'.encode()}, "é"),
        ({"json": b'{"text": null, "label": "b"}'}, "b"),
        ({"json": b'{"text": null}', "txt": b"a"}, "a"),
        ({"json": b'{"label": 7}', "txt": b"a"}, "a"),
        ({"txt": b"a", "json": b'{"text": "b"}'}, "a"),
    ],
)
def test_a_text_of_webdataset_is_one_that_is_there(tmp_path, files, text):
    path = tmp_path / "words.tar"
    tar(path, [("1.png", png("a")), *((f"1.{kind}", content) for kind, content in files.items())])
    assert [row["text"].decode() for row in rows_of(path)] == [text]


def test_a_named_member_of_json_goes_before_a_file_of_text(tmp_path):
    path = tmp_path / "words.tar"
    tar(path, [("1.png", png("a")), ("1.json", b'{"word": "b"}'), ("1.txt", b"a")])
    assert [row["text"] for row in rows_of(f"{path},text=word")] == [b"b"]


@pytest.mark.parametrize(
    ("files", "received"),
    [
        ({"1.json": b'{"text": null}'}, "the image 1, .* Received: none"),
        ({"1.json": b'{"text": ["a", "b"]}'}, r"the image 1, .* Received: \['a', 'b'\]"),
        ({"1.json": b'{"text": 7, "label": "a"}'}, "the image 1, .* Received: 7"),
        ({"1.json": rb'{"text": "\ud800"}'}, r"the image 1, .* Received: '\\ud800'"),
        ({"1.txt": b"caf\xe9"}, r", 1\.txt: expected UTF-8. Received: .*0xe9"),
        ({"1.json": b"{bad", "1.txt": b"a"}, r", 1\.json: expected JSON. Received: "),
        ({"1.txt": b"a", "1.jpg": b""}, r"one image file .* 1. Received: 1\.png, 1\.jpg"),
        ({"1.txt": b"a", "1.gt.txt": b"b"}, r"one text file .* 1. Received: 1\.txt, 1\.gt\.txt"),
    ],
)
def test_a_file_of_webdataset_without_one_text_and_one_image_is_named(tmp_path, files, received):
    tar(tmp_path / "words.tar", [("1.png", png("a")), *files.items()])
    with pytest.raises(ValueError, match=f"words.tar.*{received}"):
        open_source(str(tmp_path / "words.tar"))


@pytest.mark.parametrize("as_structure", [False, True])
def test_parquet_files_of_images_are_one_source(tmp_path, as_structure):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for part, texts in enumerate((TEXTS[:3], TEXTS[3:])):
        images = [png(text) for text in texts]
        if as_structure:
            images = [{"bytes": image, "path": None} for image in images]
        table = pa.table({"image": images, "label": texts})
        parquet.write_table(table, tmp_path / f"words-{part}.parquet", row_group_size=2)
    check(f"{tmp_path}/words-*.parquet,text=label")
    with pytest.raises(ValueError, match="expected a column text; name it by image= or text="):
        open_source(f"{tmp_path}/words-*.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ValueError, match="expected a Parquet file"):
        open_source(str(tmp_path / "bad.parquet"))


def write_texts(path, texts, **options):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"image": [b""] * len(texts), "text": texts}), path, **options)


@pytest.mark.parametrize("kind", ["string", "large_string", "binary", "dictionary"])
def test_texts_of_parquet_may_be_of_any_type_of_text(tmp_path, kind):
    pa = pytest.importorskip("pyarrow")
    texts = pa.array(TEXTS)
    encoded = texts.dictionary_encode() if kind == "dictionary" else texts.cast(kind)
    write_texts(tmp_path / "words.parquet", encoded)
    assert [row["text"].decode() for row in rows_of(tmp_path / "words.parquet")] == TEXTS


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", "b", "c", None], "group 1, row 1: expected a text, as a string. Received: None"),
        ([["a", "b"], ["c"]], r"group 0, row 0: expected a text, as a .* Received: \['a', 'b'\]"),
        ([7, 8, 9], "group 0, row 0: expected a text, as a string. Received: 7"),
        ([b"a", b"b", b"caf\xe9"], "group 1, row 0: expected a text in UTF-8. Received: .*0xe9"),
    ],
)
def test_a_row_of_parquet_without_a_text_is_named(tmp_path, texts, message):
    write_texts(tmp_path / "words.parquet", texts, row_group_size=2)
    with pytest.raises(ValueError, match=rf"words\.parquet, row {message}"):
        open_source(str(tmp_path / "words.parquet"))


def damaged(path, column):
    """Overwrite the first page of a column, and leave the footer as it is."""
    parquet = pytest.importorskip("pyarrow.parquet")
    texts = [f"word{index:05}" for index in range(50)]
    write_texts(path, texts, use_dictionary=False)
    content = bytearray(path.read_bytes())
    start = parquet.read_metadata(path).row_group(0).column(column).data_page_offset
    content[start : start + 40] = b"\xff" * 40
    path.write_bytes(content)
    return path


def test_a_damaged_page_of_texts_in_parquet_is_refused_by_file_and_row_group(tmp_path):
    path = damaged(tmp_path / "words.parquet", column=1)
    with pytest.raises(
        ValueError, match=r"words\.parquet: expected a row group 0 that can be read"
    ):
        open_source(str(path))


def test_a_damaged_page_of_images_in_parquet_is_refused_by_file_and_row_group(tmp_path):
    source = open_source(str(damaged(tmp_path / "words.parquet", column=0)))
    with (
        pytest.raises(ValueError, match=r"words\.parquet: expected a row group 0 that can be read"),
        explaining(source),
    ):
        list(source.rows(Walk()))


def test_parquet_files_are_read_by_several_threads(tmp_path):
    # More row groups than are kept: the threads read nearly every one from the file.
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    images = [index.to_bytes(2, "big") * 500 for index in range(400)]
    table = pa.table({"image": images, "text": ["a"] * len(images)})
    parquet.write_table(table, tmp_path / "words.parquet", row_group_size=1)
    reader = parquet_files._ParquetReader([str(tmp_path / "words.parquet")], "image", "text")
    order = np.random.default_rng(0).permutation(np.tile(np.arange(len(images)), 5)).tolist()
    with ThreadPoolExecutor(8) as threads:
        for index, (_, text, image) in zip(order, threads.map(reader.read, order), strict=True):
            assert (text, image) == (b"a", images[index])
