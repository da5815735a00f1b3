import re
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.data.inspection import Inspection, inspect_source
from attention_ocr.data.pipeline import (
    SkipReport,
    evaluation_batches,
    explaining,
    training_batches,
)
from attention_ocr.data.shards import SourceImages, write_shards
from attention_ocr.data.sources import Selection, Walk, open_source
from attention_ocr.settings.image import ImageConfig
from attention_ocr.synthesis.rendering import Renderer
from attention_ocr.synthesis.settings import SynthesisConfig
from attention_ocr.text.charset import Charset
from tests import tiny
from tests.synthesis.rendered import fail_on_sevens

NUMBERS = "synthetic,fonts=bundled,kinds=numbers,max_length=4,seed=8"
RENDERER = Renderer(SynthesisConfig(fonts="bundled", kinds=("numbers",), max_length=4, seed=8))


def test_the_first_bad_example_ends_a_strict_pipeline(tmp_path):
    labels = tiny.write_label_file(tmp_path, ["a", "b", "c", "0"])
    (tmp_path / "2.png").write_bytes(b"no image")
    source, report = open_source(str(labels)), SkipReport(fails=True)
    batches = iter(training_batches(source, tiny.config(), tiny.CHARSET, report))
    with (
        pytest.raises(
            ValueError, match=r"labels.tsv: unreadable image: 2.png \(not a PNG, .* file\)"
        ),
        explaining(source, report),
    ):
        next(batches)


def test_a_label_that_is_not_utf_8_is_left_out_and_reported(tmp_path):
    write_records(tmp_path / "x.tfrecord", [b"a", b"\xe9", b"b"])
    report = SkipReport()
    source = open_source(f"{tmp_path}/x.tfrecord")
    config = tiny.config(batch_size=2)
    batches = training_batches(source, config, tiny.CHARSET, report).take(2).as_numpy_iterator()
    assert {text for batch in batches for text in batch["text"]} == {b"a", b"b"}
    assert f"label that is not UTF-8: {tmp_path}/x.tfrecord#1" in report.lines()[0]


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_shard_that_is_damaged_while_it_is_read_is_named(damage, tmp_path):
    paths = [tmp_path / f"{index}.tfrecord" for index in range(2)]
    for path in paths:
        write_records(path, [b"a"] * 40)
    source, report = open_source(f"{tmp_path}/*.tfrecord"), SkipReport()
    config = tiny.config(shuffle_buffer=2)
    batches = iter(training_batches(source, config, tiny.CHARSET, report))
    next(batches)
    if damage == "cut":
        paths[1].write_bytes(paths[1].read_bytes()[:-7])
    else:
        paths[1].unlink()
    message = {"cut": "1.tfrecord: damaged in record ", "gone": "1.tfrecord: no such file any more"}
    reading = explaining(source, report)
    with pytest.raises(ValueError, match=f"Could not read .*{message[damage]}"), reading:
        list(islice(batches, 100))


def test_a_run_resumes_in_mid_epoch_without_loss_or_repetition(tmp_path):
    labels = tiny.write_label_file(tmp_path, list("abc0123"))
    config = tiny.config(batch_size=3, max_length=3)

    def start() -> tf.data.Iterator:
        return iter(training_batches(open_source(str(labels)), config, tiny.CHARSET, SkipReport()))

    before = start()
    seen = [next(before)["key"].numpy() for _ in range(3)]
    path = tf.train.Checkpoint(batches=before).write(str(tmp_path / "position"))
    after = start()
    tf.train.Checkpoint(batches=after).read(path).assert_consumed()
    seen += [next(after)["key"].numpy() for _ in range(4)]
    counts = Counter(np.concatenate(seen).tolist())
    # Three epochs of seven, stopped in the second.
    assert counts == {f"{index}.png".encode(): 3 for index in range(7)}


def test_a_char_two_sources_holds_the_characters_of_both(tmp_path):
    latin = tiny.write_label_file(tmp_path / "latin", ["ab"])
    greek = tiny.write_label_file(tmp_path / "greek", ["αβ"])
    mixture = open_source(f"{latin},weight=1;{greek},weight=1")
    assert Charset.from_labels(mixture.labels()).characters == ("a", "b", "α", "β")


def write_records(path: Path, texts: list[bytes]) -> None:
    """Write records as aocr does."""
    encoded = tf.io.encode_png(tiny.word_image("a")).numpy()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for text in texts:
            feature = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for name, value in {"image": encoded, "label": text}.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


@pytest.mark.parametrize("options", ["", ",repeats=2"])
def test_an_image_that_cannot_be_rendered_is_left_out_and_reported(monkeypatch, options):
    fail_on_sevens(monkeypatch)
    source, report = open_source(f"{NUMBERS}{options}"), SkipReport()
    config = tiny.config(batch_size=8, max_length=4, shuffle_buffer=2)
    with explaining(source, report):
        batches = list(islice(training_batches(source, config, tiny.CHARSET, report), 6))
    assert not any(b"7" in text for batch in batches for text in batch["text"].numpy())
    assert report.counts["unreadable image"] > 0
    message = r"unreadable image: synthetic-(\d+) \(Image \1 of seed 8 cannot be rendered: Type"
    assert re.search(message, report.lines()[0])


def test_the_hardest_is_taken_of_the_images_that_can_be_rendered(monkeypatch):
    fail_on_sevens(monkeypatch)
    counts: list[int] = []

    def last(candidates):
        counts.append(len(candidates))
        return len(candidates) - 1

    rows = open_source(NUMBERS).rows(Walk(num_workers=1, selection=Selection(2, last)))
    for row in rows.take(60).as_numpy_iterator():
        number = int(row["key"].split(b"-")[1])
        if row["reason"]:
            assert row["image"].size == 0
        else:
            np.testing.assert_array_equal(row["image"], RENDERER.render(number)[0])
    assert set(counts) == {1, 2}


def test_a_finite_source_counts_images_that_cannot_be_rendered(monkeypatch, tmp_path):
    num_bad = sum("7" in text for _, text in RENDERER.generate(0, 60))
    fail_on_sevens(monkeypatch)
    source = open_source(f"{NUMBERS},num_examples=60")
    found = inspect_source(source, Inspection(ImageConfig()))
    assert found.unreadable_reasons.total() == num_bad > 0
    assert all("cannot be rendered: TypeError" in reason for reason in found.unreadable_reasons)
    batches = evaluation_batches(source, tiny.config()).as_numpy_iterator()
    assert sum(np.sum(~batch["readable"]) for batch in batches) == num_bad
    report = write_shards(SourceImages(source), tmp_path)
    assert (report.num_examples, len(report.skipped)) == (60 - num_bad, num_bad)
