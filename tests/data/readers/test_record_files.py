import gzip
import json
from pathlib import Path

import pytest
import tensorflow as tf

from attention_ocr.data.pipeline import explaining
from attention_ocr.data.sources import Walk, open_source
from tests import tiny

TEXTS = ["a", "b c", "cafe\u0301"]
PNG = tf.io.encode_png(tiny.word_image("a")).numpy()


def feature(value: bytes | str | int | list[int]) -> tf.train.Feature:
    if isinstance(value, int | list):
        values = value if isinstance(value, list) else [value]
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    value = value.encode() if isinstance(value, str) else value
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


FORMATS = {
    "aocr": lambda text: {"image": PNG, "label": text},
    "weinman": lambda text: {
        "image/encoded": PNG,
        "image/labels": [1, 2],
        "image/height": 16,
        "image/width": 20,
        "image/filename": f"{text}.jpg",
        "text/string": text,
        "text/length": len(text),
    },
    "fsns": lambda text: {
        "image/format": "PNG",
        "image/encoded": PNG,
        "image/class": [5, 133],
        "image/unpadded_class": [5],
        "image/width": 600,
        "image/orig_width": 150,
        "image/text": text,
    },
}


def write(path: Path, texts: list[str], name: str = "aocr") -> Path:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for text in texts:
            features = {key: feature(value) for key, value in FORMATS[name](text).items()}
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    return path


def rows(source: str) -> list[tuple[str, str]]:
    walked = open_source(source).examples(Walk()).as_numpy_iterator()
    return [(row["key"].decode(), row["text"].decode()) for row in walked if row["image"].size]


@pytest.mark.parametrize("name", FORMATS)
def test_records_of_others_are_told_apart_by_their_features(name, tmp_path):
    path = write(tmp_path / "train.tfrecord", TEXTS, name)
    keys = [f"{path}#{index}" for index in range(3)]
    if name == "weinman":
        keys = [f"{text}.jpg" for text in TEXTS]
    assert rows(str(path)) == list(zip(keys, ["a", "b c", "café"], strict=True))
    assert rows(f"{path},format={name}") == rows(str(path))
    assert list(open_source(str(path)).labels()) == ["a", "b c", "café"]


def test_zipped_records_are_unpacked(tmp_path):
    path = write(tmp_path / "plain", TEXTS)
    (tmp_path / "x.tfrecord.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert [text for _, text in rows(f"{tmp_path}/*.gz")] == ["a", "b c", "café"]


@pytest.mark.parametrize("zipped", ["0", "1"])
def test_plain_and_zipped_records_are_read_together(zipped, tmp_path):
    for name in ("0", "1"):
        path = write(tmp_path / f"{name}.tfrecord", [f"{name}{text}" for text in TEXTS])
        if name == zipped:
            (tmp_path / f"{name}.tfrecord.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    source = open_source(f"{tmp_path}/*.tfrecord*")
    texts = ["0a", "0b c", "0café", "1a", "1b c", "1café"]
    assert [text for _, text in rows(f"{tmp_path}/*.tfrecord*")] == texts
    epoch = source.examples(Walk(seed=5, shuffle_buffer=4)).take(6).as_numpy_iterator()
    assert sorted(row["text"].decode() for row in epoch) == texts
    assert source.find_damage() == ""


def test_a_record_file_in_a_folder_named_like_a_pattern_is_itself(tmp_path):
    (tmp_path / "[a]").mkdir()
    path = write(tmp_path / "[a]" / "x.tfrecord", TEXTS)
    assert [text for _, text in rows(str(path))] == ["a", "b c", "café"]


def test_another_format_than_that_of_the_records_is_refused(tmp_path):
    path = write(tmp_path / "x.tfrecord", TEXTS)
    message = "format=fsns have image/encoded, image/text. .*features are image, label"
    with pytest.raises(ValueError, match=message):
        open_source(f"{path},format=fsns")


def test_a_label_that_is_not_utf_8_is_left_as_it_is(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "x")) as writer:
        features = {"image": feature(PNG), "label": feature(b"\xe9t\xe9")}
        example = tf.train.Example(features=tf.train.Features(feature=features))
        writer.write(example.SerializeToString())
    (row,) = open_source(str(tmp_path / "x")).examples(Walk()).as_numpy_iterator()
    assert row["text"] == b"\xe9t\xe9"


def test_a_half_written_file_is_found(tmp_path):
    write(tmp_path / "0.tfrecord", TEXTS)
    broken = write(tmp_path / "1.tfrecord", TEXTS)
    source = open_source(f"{tmp_path}/*.tfrecord")
    assert source.find_damage() == ""
    broken.write_bytes(broken.read_bytes()[:-20])
    with pytest.raises(tf.errors.DataLossError):
        list(source.examples(Walk()))
    assert source.find_damage().startswith(f"{broken}: damaged in record 2: ")
    broken.unlink()
    assert source.find_damage() == f"{broken}: no such file any more"


def test_records_that_tensorflow_does_not_read_are_read_by_copies(address, tmp_path):
    from tests.bucket_store import BucketStore, put_folder

    for index in range(3):
        write(tmp_path / f"{index}.tfrecord", [f"{index}{text}" for text in TEXTS])
    put_folder(tmp_path, f"{address}/words")
    here, there = f"{tmp_path}/*.tfrecord", f"{address}/words/*.tfrecord"
    assert [text for _, text in rows(there)] == [text for _, text in rows(here)]
    assert rows(there)[0][0] == f"{address}/words/0.tfrecord#0"
    assert open_source(there).digest() == open_source(here).digest()
    walk = Walk(seed=5, shuffle_buffer=4)
    drawn = [
        [row["text"] for row in open_source(name).rows(walk).take(20).as_numpy_iterator()]
        for name in (here, there)
    ]
    assert drawn[0] == drawn[1]
    # Each file was fetched once.
    before = BucketStore.num_requests
    rows(there)
    assert BucketStore.num_requests == before


def test_a_remote_file_that_vanishes_or_is_missing_is_named(address, tmp_path):
    from tests.bucket_store import BucketStore, put_folder

    for index in range(2):
        write(tmp_path / f"{index}.tfrecord", TEXTS)
    put_folder(tmp_path, f"{address}/words")
    source = open_source(f"{address}/words/*.tfrecord")
    del BucketStore.objects[f"{address.removeprefix('bucket://')}/words/1.tfrecord"]
    with (
        pytest.raises(ValueError, match=rf"No such file: {address}/words/1.tfrecord$"),
        explaining(source),
    ):
        list(source.rows(Walk()))
    with pytest.raises(FileNotFoundError, match="No data found at .*/none"):
        open_source(f"{address}/none/*.tfrecord")
    with pytest.raises(FileNotFoundError, match="there is no bucket nowhere"):
        open_source("bucket://nowhere/*.tfrecord")


def test_a_remote_data_set_whose_writing_was_cut_short_is_refused(address, tmp_path):
    from tests.bucket_store import BucketStore, put_folder

    write(tmp_path / "data-00000-of-00002.tfrecord", TEXTS)
    (tmp_path / "data.dataset.json.partial").write_text("{}")
    put_folder(tmp_path, f"{address}/words")
    with pytest.raises(ValueError, match="words/data-00000-.* whose writing was cut short"):
        open_source(f"{address}/words/*.tfrecord")
    files = [{"file": f"data-0000{index}-of-00002.tfrecord", "num_bytes": 1} for index in range(2)]
    name = f"{address.removeprefix('bucket://')}/words/data.dataset.json"
    BucketStore.objects[name] = json.dumps({"shards": files}).encode()
    with pytest.raises(ValueError, match="data-00001-of-00002.tfrecord .*no such file"):
        open_source(f"{address}/words/*.tfrecord")


@pytest.fixture
def address():
    pytest.importorskip("fsspec")
    from tests.bucket_store import bucket

    with bucket() as address:
        yield address


def test_records_in_tensorflows_file_systems_are_read(tmp_path):
    content = write(tmp_path / "x", TEXTS).read_bytes()
    tf.io.write_file("ram://records/x.tfrecord", content)
    assert [text for _, text in rows("ram://records/*.tfrecord")] == ["a", "b c", "café"]
