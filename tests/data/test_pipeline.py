from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from attention_ocr.data.pipeline import (
    TOO_LONG,
    UNREADABLE,
    SkipReport,
    evaluation_batches,
    training_batches,
)
from attention_ocr.data.records import serialize_example
from attention_ocr.data.sources import open_source
from attention_ocr.images.formats import FORMAT_NAMES
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import END_ID, PAD_ID, START_ID, UNKNOWN_ID, Charset
from tests import tiny

Batch = dict[str, np.ndarray]
FORMATS = ("TIFF", "GIF", "WEBP", "BMP", "AVIF")
TEXTS = ["a", "bc", "0123", "cab", "", "ab", "31", "c", "bbb", "a0b1c2", "22", "cc"]
SYNTHETIC = "synthetic,fonts=bundled,kinds=numbers,max_length=4"


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    return tiny.write_label_file(tmp_path_factory.mktemp("words"), TEXTS)


def first_batches(
    source: Path | str,
    config: Config,
    count: int,
    report: SkipReport | None = None,
    charset: Charset = tiny.CHARSET,
) -> list[Batch]:
    report = SkipReport() if report is None else report
    batches = training_batches(open_source(str(source)), config, charset, report)
    return list(batches.take(count).as_numpy_iterator())


def rows(batches: list[Batch]) -> Iterator[Batch]:
    for batch in batches:
        for index in range(len(batch["key"])):
            yield {name: values[index] for name, values in batch.items()}


def keys(batches: list[Batch]) -> list[str]:
    return [row["key"].decode() for row in rows(batches)]


def assert_equal_batches(batches: list[Batch], expected: list[Batch]) -> None:
    assert len(batches) == len(expected)
    for batch, other in zip(batches, expected, strict=True):
        assert batch.keys() == other.keys()
        for name in batch:
            np.testing.assert_array_equal(batch[name], other[name], err_msg=name)


@pytest.fixture(scope="module")
def three_epochs(labels):
    return first_batches(labels, tiny.config(batch_size=4), 9)


def test_a_batch_holds_inputs_and_targets_shifted_by_one(three_epochs):
    for row in rows(three_epochs):
        text = row["text"].decode()
        token_ids, num_tokens = tiny.CHARSET.encode(text), len(text) + 1
        padding = [PAD_ID] * (len(row["targets"]) - num_tokens)
        assert row["decoder_inputs"][0] == START_ID
        assert row["decoder_inputs"].tolist() == [START_ID, *token_ids, *padding]
        assert row["targets"].tolist() == [*token_ids, END_ID, *padding]
        assert row["target_weights"].tolist() == [1.0] * num_tokens + [0.0] * len(padding)


def test_a_batch_is_no_longer_and_no_wider_than_its_examples(three_epochs):
    for batch in three_epochs:
        longest = max(len(text) for text in batch["text"])
        assert batch["targets"].shape == (4, longest + 1)
        widest = int(batch["image_sizes"][:, 1].max())
        assert batch["images"].shape == (4, 16, -(-widest // 16) * 16, 1)


def test_each_example_comes_once_in_each_epoch(three_epochs):
    epochs = [keys(three_epochs[start : start + 3]) for start in (0, 3, 6)]
    for epoch in epochs:
        assert Counter(epoch) == {f"{index}.png": 1 for index in range(len(TEXTS))}
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_types_and_static_shapes_are_what_is_promised(labels):
    batches = training_batches(
        open_source(str(labels)), tiny.config(batch_size=3), tiny.CHARSET, SkipReport()
    )
    assert batches.element_spec == {
        "images": tf.TensorSpec((3, 16, None, 1), tf.float32),
        "image_sizes": tf.TensorSpec((3, 2), tf.int32),
        "decoder_inputs": tf.TensorSpec((3, None), tf.int32),
        "targets": tf.TensorSpec((3, None), tf.int32),
        "target_weights": tf.TensorSpec((3, None), tf.float32),
        "text": tf.TensorSpec((3,), tf.string),
        "key": tf.TensorSpec((3,), tf.string),
        "shrunk": tf.TensorSpec((3,), tf.bool),
        "readable": tf.TensorSpec((3,), tf.bool),
    }


def test_an_image_lies_in_its_batch_as_it_was_drawn(labels):
    for row in rows(first_batches(labels, tiny.config(image_channels=3), 3)):
        image = tiny.word_image(row["text"].decode()) / 127.5 - 1.0
        height, width = row["image_sizes"]
        assert (height, width) == image.shape[:2]
        np.testing.assert_allclose(row["images"][:, :width], image, atol=1e-6)
        np.testing.assert_array_equal(row["images"][:, width:], 0.0)


def test_the_seed_decides_the_batches(labels):
    config = tiny.config(seed=1, bucket_lengths=(2,), data_workers=4)
    once, again = first_batches(labels, config, 7), first_batches(labels, config, 7)
    assert_equal_batches(again, once)
    assert keys(first_batches(labels, tiny.config(seed=2, bucket_lengths=(2,)), 7)) != keys(once)


@pytest.mark.parametrize("kind", ["labels", "synthetic", "shards", "mixture", "formats"])
def test_a_restored_position_gives_the_same_next_batches(kind, labels, tmp_path):
    if kind == "shards":
        for shard in range(2):
            with tf.io.TFRecordWriter(str(tmp_path / f"data-{shard}.tfrecord")) as writer:
                for index in range(shard, len(TEXTS), 2):
                    encoded = (labels.parent / f"{index}.png").read_bytes()
                    writer.write(serialize_example(encoded, TEXTS[index], f"{index}", 16, 20))
    if kind == "formats":
        # What is decoded in Python has no separate position.
        for index, form in zip(range(len(TEXTS)), cycle(FORMATS), strict=False):
            Image.open(labels.parent / f"{index}.png").save(tmp_path / f"{index}.png", form)
        (tmp_path / "labels.tsv").write_bytes(labels.read_bytes())
    source = {
        "formats": str(tmp_path / "labels.tsv"),
        "labels": str(labels),
        "synthetic": f"{SYNTHETIC},num_examples=12",
        "shards": str(tmp_path / "data-*.tfrecord"),
        "mixture": f"{labels},weight=2;{SYNTHETIC},weight=1",
    }[kind]
    config = tiny.config(bucket_lengths=(2,), bucket_widths=(32,), shuffle_buffer=5)

    def start() -> tf.data.Iterator:
        return iter(training_batches(open_source(source), config, tiny.CHARSET, SkipReport()))

    iterator = start()
    # One and a half epochs, so that the order of the second one is part of the position.
    list(islice(iterator, 5))
    path = tf.train.Checkpoint(batches=iterator).write(str(tmp_path / "position"))
    expected = [{name: value.numpy() for name, value in next(iterator).items()} for _ in range(6)]

    restored = start()
    tf.train.Checkpoint(batches=restored).read(path).assert_consumed()
    batches = [{name: value.numpy() for name, value in next(restored).items()} for _ in range(6)]
    assert_equal_batches(batches, expected)
    assert keys(batches) != keys(first_batches(source, config, 6))


def test_buckets_keep_short_and_long_labels_apart(labels):
    config = tiny.config(batch_size=2, bucket_lengths=(1, 3))
    batches = first_batches(labels, config, 20)
    groups = [{int(np.searchsorted((1, 3), len(text))) for text in b["text"]} for b in batches]
    assert all(len(group) == 1 for group in groups)
    assert set.union(*groups) == {0, 1, 2}


def test_buckets_keep_narrow_and_wide_images_apart(labels):
    config = tiny.config(batch_size=2, bucket_widths=(16, 32))
    batches = first_batches(labels, config, 20)
    padded = [-(-batch["image_sizes"][:, 1] // 16) * 16 for batch in batches]
    groups = [{int(bucket) for bucket in np.searchsorted((16, 32), widths)} for widths in padded]
    assert all(len(group) == 1 for group in groups)
    assert set.union(*groups) == {0, 1, 2}


@pytest.mark.parametrize(("height", "width"), [(32, 1024), (64, 2048)])
def test_lines_of_120_characters_keep_their_size(height, width, tmp_path):
    for name, pixels in (("line", width - 24), ("letter", height)):
        Image.fromarray(np.full((height, pixels), 200, np.uint8)).save(tmp_path / f"{name}.png")
    labels = tiny.write_labels(tmp_path, {"line.png": "ab" * 60, "letter.png": "c"})
    config = tiny.config(
        image_height=height,
        max_image_width=width,
        max_length=120,
        batch_size=1,
        bucket_widths=(width // 2,),
    )
    report = SkipReport()
    for batch in first_batches(labels, config, 4, report):
        (text,) = (value.decode() for value in batch["text"])
        assert batch["images"].shape[1] == height
        assert (width // 2 < batch["images"].shape[2] <= width) == (len(text) == 120)
        assert not batch["shrunk"].any()
    assert not report.counts


def test_without_buckets_all_kinds_share_a_batch(labels):
    batches = first_batches(labels, tiny.config(batch_size=12), 1)
    assert {len(text) for text in batches[0]["text"]} == {0, 1, 2, 3, 4, 6}


def test_labels_that_are_too_long_are_left_out_and_reported(labels):
    report = SkipReport()
    batches = first_batches(labels, tiny.config(max_length=3, batch_size=5), 4, report)
    # Two epochs of ten examples each; the prefetched start of a third may have been counted too.
    assert Counter(keys(batches)) == {
        f"{index}.png": 2 for index, text in enumerate(TEXTS) if len(text) <= 3
    }
    assert report.counts.keys() == {TOO_LONG}
    assert report.counts[TOO_LONG] >= 4
    assert report.lines() == [f"left out {report.counts[TOO_LONG]} times: {TOO_LONG}: 2.png, 9.png"]


def test_the_limit_counts_characters_not_bytes(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["ééé", "éééé"])
    batches = first_batches(labels, tiny.config(max_length=3, batch_size=2), 2)
    assert set(keys(batches)) == {"0.png"}


def test_unreadable_images_are_left_out_and_reported_and_the_rest_is_used(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["a", "b", "c", "0", "1"])
    (tmp_path / "0.png").write_bytes(b"")
    (tmp_path / "2.png").write_bytes((tmp_path / "1.png").read_bytes()[:70])
    (tmp_path / "4.png").write_bytes(b"no image")
    report = SkipReport()
    batches = first_batches(labels, tiny.config(batch_size=2), 3, report)
    assert Counter(keys(batches)) == {"1.png": 3, "3.png": 3}
    assert report.lines() == [
        f"left out {report.counts[UNREADABLE]} times: {UNREADABLE}: 0.png (empty file); "
        f"2.png (damaged or cut short); 4.png (not a {FORMAT_NAMES} file)"
    ]


@pytest.mark.parametrize(
    ("texts", "reason"), [(["abcdefg", "0123456"], TOO_LONG), (["a", "b"], UNREADABLE)]
)
def test_data_without_a_usable_example_is_refused_with_the_reason(texts, reason, tmp_path):
    labels = tiny.write_label_file(tmp_path, texts)
    if reason == UNREADABLE:
        for index in range(len(texts)):
            (tmp_path / f"{index}.png").write_bytes(b"")
    report = SkipReport()
    message = f"labels.tsv can be trained on: left out 2 times: {reason}: 0.png, 1.png"
    with pytest.raises(ValueError, match=message):
        first_batches(labels, tiny.config(max_length=6), 1, report)
    assert not report.counts


def test_a_worker_without_an_example_is_refused(tmp_path):
    source = open_source(str(tiny.write_label_file(tmp_path, ["a", "b"])))
    with pytest.raises(ValueError, match="there are none for this process"):
        training_batches(source, tiny.config(), tiny.CHARSET, SkipReport(), shard=(2, 3))


def test_unknown_characters_have_their_own_target(labels):
    charset = Charset("ab")
    for row in rows(first_batches(labels, tiny.config(), 3, charset=charset)):
        text = row["text"].decode()
        expected = [{"a": 4, "b": 5}.get(character, UNKNOWN_ID) for character in text]
        assert row["targets"][: len(text)].tolist() == expected


def test_two_workers_train_on_disjoint_halves_with_half_the_batch(labels):
    config = tiny.config(batch_size=6)
    shares = []
    for worker in range(2):
        source = open_source(str(labels))
        batches = training_batches(source, config, tiny.CHARSET, SkipReport(), (worker, 2))
        epoch = list(batches.take(2).as_numpy_iterator())
        assert [len(batch["key"]) for batch in epoch] == [3, 3]
        shares.append(set(keys(epoch)))
    assert shares[0] | shares[1] == {f"{index}.png" for index in range(len(TEXTS))}
    assert not shares[0] & shares[1]


def test_images_that_had_to_be_shrunk_are_marked(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["a", "abcabcabc012"])
    config = tiny.config(max_image_width=48, max_length=12, batch_size=2)
    batch = first_batches(labels, config, 1)[0]
    assert dict(zip(batch["text"], batch["shrunk"].tolist(), strict=True)) == {
        b"a": False,
        b"abcabcabc012": True,
    }


def test_widths_are_stretched_at_random_alike_with_one_seed_and_in_training_alone(labels):
    config = tiny.config(min_stretch=0.5, max_stretch=2.0, batch_size=6)
    plain = {
        row["key"]: row["image_sizes"] for row in rows(first_batches(labels, tiny.config(), 9))
    }
    batches, again = (first_batches(labels, config, 12) for _ in range(2))
    assert_equal_batches(batches, again)
    factors = [
        row["image_sizes"][1] / plain[row["key"]][1]
        for row in rows(batches)
        # As wide as an input can be, it may have been stretched by more.
        if row["image_sizes"][1] < config.image.max_image_width
    ]
    assert 0.45 < min(factors) < 0.7
    assert 1.4 < max(factors) < 2.1
    assert sum(factor < 1 for factor in factors) > len(factors) / 4
    assert all(
        (row["image_sizes"] == plain[row["key"]]).all()
        for row in rows(
            list(evaluation_batches(open_source(str(labels)), config).as_numpy_iterator())
        )
    )


def test_evaluation_yields_every_example_once_in_order(labels):
    batches = list(
        evaluation_batches(
            open_source(str(labels)), tiny.config(eval_batch_size=5)
        ).as_numpy_iterator()
    )
    assert [len(batch["key"]) for batch in batches] == [5, 5, 2]
    assert keys(batches) == [f"{index}.png" for index in range(len(TEXTS))]
    assert [row["text"].decode() for row in rows(batches)] == TEXTS
    assert all(row["readable"] for row in rows(batches))


def test_evaluation_keeps_long_labels_and_broken_images_in_their_places(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["a", "b", "abcabcabc"])
    (tmp_path / "1.png").write_bytes(b"no image")
    batches = list(
        evaluation_batches(open_source(str(labels)), tiny.config(max_length=2)).as_numpy_iterator()
    )
    assert [row["text"] for row in rows(batches)] == [b"a", b"b", b"abcabcabc"]
    assert [bool(row["readable"]) for row in rows(batches)] == [True, False, True]
    blank = list(rows(batches))[1]
    np.testing.assert_allclose(blank["images"], 0.0, atol=0.01)


def test_a_report_counts_all_and_names_some():
    report = SkipReport(num_names=2)
    assert report.lines() == []
    for key in ("d", "c", "b", "c"):
        report.add(key, "reason")
    report.add("x", "another")
    assert report.counts == {"reason": 4, "another": 1}
    assert report.lines() == [
        "left out 1 times: another: x",
        "left out 4 times: reason: c, d",
    ]
