"""A walk that begins where another one has stopped, and what tells data from others."""

from pathlib import Path

import pytest
import tensorflow as tf

from attention_ocr.data.sources import Walk, open_source
from tests import tiny

TEXTS = [f"{a}{b}" for a in "abc" for b in "0123"]
SYNTHETIC = "synthetic,kinds=numbers,fonts=bundled"


def keys(source: str, walk: Walk, number: int) -> list[bytes]:
    rows = open_source(source).rows(walk).take(number)
    return [row["key"] for row in rows.as_numpy_iterator()]


def write_records(folder: Path, num_examples: int = 12) -> str:
    folder.mkdir(exist_ok=True)
    encoded = tf.io.encode_png(tiny.word_image("a")).numpy()
    with tf.io.TFRecordWriter(str(folder / "x.tfrecord")) as writer:
        for _ in range(num_examples):
            feature = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for name, value in {"image": encoded, "label": b"a"}.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
    return str(folder / "x.tfrecord")


@pytest.fixture
def sources(tmp_path):
    labels = tiny.write_label_file(tmp_path / "words", TEXTS)
    return {
        "list": str(labels),
        "part": f"{labels},every=4,part=train",
        "rendered": f"{SYNTHETIC},num_examples=12",
        "endless": SYNTHETIC,
        "records": write_records(tmp_path / "records"),
    }


@pytest.mark.parametrize("kind", ["list", "part", "rendered", "endless", "records"])
@pytest.mark.parametrize("num_workers", [1, 2])
def test_a_walk_goes_on_where_another_one_stopped(kind, num_workers, sources):
    for worker in range(num_workers):
        share = (worker, num_workers)
        whole = keys(sources[kind], Walk(3, 4, shard=share), 20)
        later = keys(sources[kind], Walk(3, 4, shard=share, start=6 * num_workers), 14)
        assert later == whole[6:]


@pytest.mark.parametrize("kind", ["list", "part", "rendered", "endless"])
def test_a_span_is_a_piece_of_the_walk_in_order(kind, sources):
    whole = keys(sources[kind], Walk(), 8)
    assert keys(sources[kind], Walk(span=(2, 7)), 99) == whole[2:7]
    shared = [keys(sources[kind], Walk(shard=(i, 2), span=(2, 7)), 99) for i in range(2)]
    assert shared == [whole[2:7:2], whole[3:7:2]]


def test_another_number_of_workers_takes_up_the_same_examples(sources):
    alone = keys(sources["list"], Walk(3, 4), 20)
    shared = [keys(sources["list"], Walk(3, 4, shard=(i, 2), start=8), 6) for i in range(2)]
    together = [key for pair in zip(*shared, strict=True) for key in pair]
    assert alone[8:] == together


def test_each_source_of_a_mixture_goes_on_by_its_share(sources):
    mixture = f"{sources['list']},weight=1;{SYNTHETIC},weight=3"
    found = keys_of_examples(mixture, Walk(3, 4, start=40))
    rendered = [key for key in found if key.startswith(b"synthetic-")]
    assert rendered[0] == b"synthetic-30"


def keys_of_examples(source: str, walk: Walk) -> list[bytes]:
    rows = open_source(source).examples(walk).take(20)
    return [row["key"] for row in rows.as_numpy_iterator()]


def test_data_that_have_moved_are_the_same_and_changed_ones_are_others(sources, tmp_path):
    digests = {kind: open_source(name).digest() for kind, name in sources.items()}
    assert all(digests.values())
    assert len(set(digests.values())) == len(digests)
    again = tiny.write_label_file(tmp_path / "elsewhere", TEXTS)
    assert open_source(str(again)).digest() == digests["list"]
    tiny.write_labels(again.parent, {f"{i}.png": text for i, text in enumerate(TEXTS[:-1])})
    assert open_source(str(again)).digest() != digests["list"]
    assert open_source(write_records(tmp_path / "copy")).digest() == digests["records"]
    assert open_source(write_records(tmp_path / "more", 13)).digest() != digests["records"]
    assert open_source(f"{SYNTHETIC},difficulty=0.1").digest() != digests["endless"]
    one, other = (f"{sources['list']},weight={w};{SYNTHETIC},weight=1" for w in (1, 2))
    assert open_source(one).digest() != open_source(other).digest()
