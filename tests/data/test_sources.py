import doctest
import re
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.data import source_spec
from attention_ocr.data.readers import rendered
from attention_ocr.data.records import serialize_example
from attention_ocr.data.source_spec import SourceSpec, parse_source
from attention_ocr.data.sources import Selection, Source, Walk, open_source
from tests import tiny

TEXTS = ["a", "b b", "café", "d", "", "f", "g", "h", "i", "j", "k"]
SYNTHETIC = "synthetic,fonts=bundled,kinds=numbers,max_length=4"


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    return tiny.write_label_file(tmp_path_factory.mktemp("my words, all=1"), TEXTS)


@pytest.fixture(scope="module")
def shards(labels):
    """Three shards of 4, 4 and 3 records."""
    for shard in range(3):
        with tf.io.TFRecordWriter(str(labels.parent / f"data-{shard}.tfrecord")) as writer:
            for index, text in list(enumerate(TEXTS))[shard * 4 : shard * 4 + 4]:
                encoded = (labels.parent / f"{index}.png").read_bytes()
                writer.write(serialize_example(encoded, text, f"{index}.png", 16, 20))
    return labels.parent / "data-*.tfrecord"


def walk(source: Source, walk: Walk, count: int | None = None) -> list[dict]:
    dataset = source.examples(walk)
    return list((dataset if count is None else dataset.take(count)).as_numpy_iterator())


def texts_of(source: Source, how: Walk, count: int | None = None) -> list[str]:
    return [example["text"].decode("utf-8") for example in walk(source, how, count)]


@pytest.mark.parametrize(
    ("source", "spec"),
    [
        ("synthetic", SourceSpec("synthetic")),
        ("a b/labels.tsv", SourceSpec("a b/labels.tsv")),
        (
            "words, all/labels.tsv,every=5,part=eval",
            SourceSpec("words, all/labels.tsv", {"every": "5", "part": "eval"}),
        ),
        (
            "synthetic,characters=a,b=,kinds=words+numbers",
            SourceSpec("synthetic", {"characters": "a", "b": "", "kinds": "words+numbers"}),
        ),
        ("x-*.tfrecord,key=a, b", SourceSpec("x-*.tfrecord", {"key": "a, b"})),
        ("x,key=a=b", SourceSpec("x", {"key": "a=b"})),
    ],
)
def test_a_source_string_is_taken_apart(source, spec):
    assert parse_source(source) == spec


@pytest.mark.parametrize("source", ["", " ", ",every=5"])
def test_a_source_without_a_name_is_refused(source):
    with pytest.raises(ValueError, match="must begin with its name. Received: "):
        parse_source(source)


def test_an_option_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="must give `part` once"):
        parse_source("labels.tsv,part=eval,part=train")


def test_the_examples_in_the_docstrings_are_true():
    results = doctest.testmod(source_spec)
    assert (results.failed, results.attempted) == (0, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ",evry=5,part=eval",
            "takes the options image, text, every, part, group, .*Received: evry",
        ),
        (",group=(.*)_", "`group` of .* needs `every` and `part`"),
        (",every=2,part=eval,group=(", "`group` to be a regular expression. Received: '\\('"),
        (",every=2,part=eval,group=.*_", "`group` to have a group"),
        (",every=2,part=eval,group=(x)", "keys that match group=\\(x\\). Received: '"),
        (",every=2,part=eval,group=()", "part='eval' with every=2. Received: 1 groups"),
        (",every=5", "`every` and `part` of .* go together"),
        (",part=eval", "`every` and `part` of .* go together"),
        (",every=0,part=eval", "whole number above 0. Received: 0"),
        (",every=-2,part=eval", "whole number above 0. Received: -2"),
        (",every=five,part=eval", "whole number above 0. Received: five"),
        (",every=1,part=eval", "`every` to be 2 or more. Received: every=1"),
        (",every=5,part=dev", "one of train, eval, fit, validation. Received: 'dev'"),
        (",every=50,part=eval", "Received: 11 images"),
    ],
)
def test_bad_options_of_a_label_file_are_refused(options, message, labels):
    with pytest.raises(ValueError, match=message):
        open_source(f"{labels}{options}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("num_examples=0", "whole number above 0. Received: 0"),
        ("num_examples=many", "whole number above 0. Received: many"),
        ("kind=words", "Received: kind"),
        ("kinds=poems", "Received: kinds='poems'"),
        ("max_length=long", "Received: .*long"),
    ],
)
def test_bad_options_of_rendered_text_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        open_source(f"synthetic,{options}")


def test_an_option_of_record_files_is_refused(shards):
    with pytest.raises(ValueError, match="takes the options format. Received: every"):
        open_source(f"{shards},every=5")


@pytest.mark.parametrize("name", ["labels.tsv", "data-*.tfrecord", "", "typo"])
def test_data_that_is_not_there_is_reported_by_name(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / name))):
        open_source(str(tmp_path / name))


def test_a_file_that_holds_no_records_is_refused_by_name(tmp_path):
    (tmp_path / "notes.txt").write_text("These are notes, not records.")
    with pytest.raises(ValueError, match="notes.txt is not a record file: "):
        open_source(str(tmp_path / "notes.txt"))


def test_records_of_another_schema_are_refused_by_name(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "other.tfrecord")) as writer:
        writer.write(tf.train.Example().SerializeToString())
    with pytest.raises(ValueError, match="other.tfrecord, whose features are none"):
        open_source(str(tmp_path / "other.tfrecord"))


def test_an_empty_label_file_is_refused(tmp_path):
    (tmp_path / "labels.tsv").write_text("\n")
    with pytest.raises(ValueError, match="labels.tsv, which has none"):
        open_source(str(tmp_path / "labels.tsv"))


def test_record_files_without_records_are_refused(tmp_path):
    tf.io.TFRecordWriter(str(tmp_path / "data-0.tfrecord")).close()
    with pytest.raises(ValueError, match="tfrecord holds no example"):
        open_source(str(tmp_path / "data-*.tfrecord"))


def test_a_folder_stands_for_its_label_file(labels):
    source = open_source(str(labels.parent))
    assert source.spec.name == str(labels)
    assert source.num_examples == len(TEXTS)


def test_a_label_file_is_walked_once_in_order(labels):
    source = open_source(str(labels))
    examples = walk(source, Walk())
    assert [example["text"].decode() for example in examples] == TEXTS
    assert [example["key"].decode() for example in examples] == [f"{i}.png" for i in range(11)]
    for text, example in zip(TEXTS, examples, strict=True):
        np.testing.assert_array_equal(example["image"], tiny.word_image(text))
    assert list(source.labels()) == TEXTS


def test_the_held_out_part_and_the_rest_are_disjoint_and_complete(labels):
    parts = {part: open_source(f"{labels},every=5,part={part}") for part in ("train", "eval")}
    # Sorted by key: 0.png 1.png 10.png 2.png 3.png | 4.png 5.png 6.png 7.png 8.png | 9.png
    assert texts_of(parts["eval"], Walk()) == [TEXTS[3], TEXTS[8]]
    together = texts_of(parts["train"], Walk()) + texts_of(parts["eval"], Walk())
    assert sorted(together) == sorted(TEXTS)
    assert parts["eval"].num_examples == 2


def test_a_broken_image_comes_without_pixels(tmp_path):
    tiny.write_label_file(tmp_path, ["a", "b", "c"])
    (tmp_path / "1.png").write_bytes(b"no image")
    examples = walk(open_source(str(tmp_path)), Walk())
    assert [example["image"].size > 0 for example in examples] == [True, False, True]
    assert [example["text"] for example in examples] == [b"a", b"b", b"c"]


def test_record_files_are_walked_once_in_order(shards):
    source = open_source(str(shards))
    assert source.num_examples is None
    examples = walk(source, Walk())
    assert [example["text"].decode() for example in examples] == TEXTS
    assert [example["key"].decode() for example in examples] == [f"{i}.png" for i in range(11)]
    for text, example in zip(TEXTS, examples, strict=True):
        np.testing.assert_array_equal(example["image"], tiny.word_image(text))
    assert list(source.labels()) == TEXTS


def test_rendered_text_is_the_same_at_each_walk():
    source = open_source(f"{SYNTHETIC},num_examples=5")
    assert source.num_examples == 5
    first, second = walk(source, Walk()), walk(source, Walk())
    assert len(first) == 5
    assert [example["key"] for example in first] == [f"synthetic-{i}".encode() for i in range(5)]
    for one, other in zip(first, second, strict=True):
        assert one["text"] == other["text"]
        np.testing.assert_array_equal(one["image"], other["image"])
        assert one["image"].dtype == np.uint8
        assert one["image"].shape[2] == 3


def test_rendered_text_without_a_number_of_examples_has_no_end():
    source = open_source(SYNTHETIC)
    assert source.num_examples is None
    keys = [example["key"] for example in walk(source, Walk(seed=1), 7)]
    # Every example is new: there is nothing to shuffle.
    assert keys == [f"synthetic-{i}".encode() for i in range(7)]


@pytest.mark.parametrize(
    ("source", "endless"),
    [
        ("synthetic,fonts=bundled", "synthetic"),
        ("any name,format=synthetic,fonts=bundled", "any name"),
        ("{labels},weight=1;synthetic,fonts=bundled,weight=1", "synthetic"),
        ("synthetic,fonts=bundled,num_examples=2", None),
        ("{shards}", None),
        ("synthetic,fonts=bundled,num_examples=2,weight=1;{shards},weight=1", None),
    ],
)
def test_only_rendered_text_without_a_number_of_examples_is_endless(
    source, endless, labels, shards
):
    opened = open_source(source.format(labels=labels, shards=shards))
    assert opened.is_endless == (endless is not None)
    if endless is None:
        opened.refuse_endless()
    else:
        with pytest.raises(ValueError, match=f"of rendered text here. Received: {endless}, endl"):
            opened.refuse_endless(" here")


def test_the_charset_of_rendered_text_holds_all_its_characters():
    source = open_source(f"{SYNTHETIC},num_examples=20")
    characters = set("".join(source.labels()))
    assert set("".join(texts_of(source, Walk()))) <= characters


def test_rendered_images_come_again_a_distance_later(monkeypatch):
    monkeypatch.setattr(rendered, "REPEAT_DISTANCE", 3)
    source = open_source(f"{SYNTHETIC},repeats=2")
    shares = []
    for worker in range(2):
        examples = walk(source, Walk(seed=0, shard=(worker, 2)), 9)
        shares.append([int(example["key"].decode().split("-")[1]) for example in examples])
        np.testing.assert_array_equal(examples[0]["image"], examples[3]["image"])
        assert examples[0]["text"] == examples[3]["text"]
    assert shares[0] == [0, 2, 4, 0, 2, 4, 6, 8, 10]
    assert shares[1] == [1, 3, 5, 1, 3, 5, 7, 9, 11]


def test_rendered_images_that_are_counted_come_once():
    with pytest.raises(ValueError, match=r"Expected `repeats`.*Received: repeats=2"):
        open_source(f"{SYNTHETIC},repeats=2,num_examples=7")


def test_the_hardest_of_several_rendered_images_is_taken(monkeypatch):
    monkeypatch.setattr(rendered, "REPEAT_DISTANCE", 2)
    seen = []

    def longest(candidates):
        seen.append([text for _, text in candidates])
        return int(np.argmax([len(text) for text in seen[-1]]))

    source = open_source(f"{SYNTHETIC},repeats=2")
    every = walk(source, Walk(seed=0), 24)
    texts = {example["key"]: example["text"].decode() for example in every}
    # One worker: several may render an image and its repetition, two images later, at once.
    how = Walk(seed=0, num_workers=1, selection=Selection(3, longest))
    examples = walk(source, how, 8)
    keys = [int(example["key"].decode().split("-")[1]) for example in examples]
    assert [key // 3 for key in keys] == [0, 1, 0, 1, 2, 3, 2, 3]
    for key, example in zip(keys, examples, strict=True):
        first = 3 * (key // 3)
        group = [texts[f"synthetic-{first + number}".encode()] for number in range(3)]
        assert group in seen
        assert example["text"].decode() == max(group, key=len) == group[key - first]
    # Those that come again are not selected again.
    assert len({tuple(group) for group in seen[:4]}) == 4


def test_counted_images_are_not_selected_from():
    source = open_source(f"{SYNTHETIC},num_examples=5")
    selection = Selection(2, lambda _: pytest.fail("an epoch has each example once"))
    assert len(walk(source, Walk(seed=0, selection=selection), 5)) == 5


@pytest.mark.parametrize("kind", ["labels", "shards", "synthetic"])
def test_a_shuffled_walk_holds_each_example_once_in_each_epoch(kind, labels, shards):
    name = {"labels": labels, "shards": shards, "synthetic": f"{SYNTHETIC},num_examples=11"}[kind]
    source = open_source(str(name))
    how = Walk(seed=3, shuffle_buffer=4)
    keys = [example["key"] for example in walk(source, how, 33)]
    epochs = [keys[:11], keys[11:22], keys[22:]]
    for epoch in epochs:
        assert Counter(epoch) == Counter(keys[:11])
        assert len(set(epoch)) == 11
    assert epochs[0] != epochs[1] != epochs[2]
    again = [example["key"] for example in walk(source, how, 33)]
    assert again == keys
    other = [example["key"] for example in walk(source, Walk(seed=4, shuffle_buffer=4), 11)]
    assert other != keys[:11]


@pytest.mark.parametrize("num_workers", [2, 4])
@pytest.mark.parametrize("kind", ["labels", "shards", "synthetic"])
def test_the_workers_share_out_the_examples(kind, num_workers, labels, shards):
    name = {"labels": labels, "shards": shards, "synthetic": f"{SYNTHETIC},num_examples=11"}[kind]
    source = open_source(str(name))
    in_order, shuffled = [], []
    for worker in range(num_workers):
        share = (worker, num_workers)
        once = [example["key"] for example in walk(source, Walk(shard=share))]
        # A shuffled walk has no end; its first epoch is as long as the walk in order.
        how = Walk(seed=5, shuffle_buffer=3, shard=share)
        epoch = [example["key"] for example in walk(source, how, len(once))]
        assert len(epoch) == len(once) > 0
        in_order += once
        shuffled += epoch
    assert len(in_order) == len(set(in_order)) == 11
    assert sorted(shuffled) == sorted(in_order)
    assert shuffled != in_order
