from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from attention_ocr.data.augmentation.joining import join_words
from attention_ocr.data.pipeline import SkipReport, training_batches
from attention_ocr.data.sources import open_source
from attention_ocr.text.charset import Charset
from tests import tiny

CHARSET = Charset(" abc0123")
TEXTS = ["a", "bc", "0", "12", "b", "3c", "a1b2", "c"]


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    return tiny.write_label_file(tmp_path_factory.mktemp("words"), TEXTS)


def start(labels, charset: Charset = CHARSET, **settings) -> tf.data.Iterator:
    config = tiny.config(max_length=5, batch_size=2, data_workers=1, **settings)
    return iter(training_batches(open_source(str(labels)), config, charset, SkipReport()))


def take(batches: tf.data.Iterator, count: int) -> list[dict]:
    return [
        {name: values[row].numpy() for name, values in batch.items()}
        for batch in (next(batches) for _ in range(count))
        for row in range(2)
    ]


def test_joined_words_stand_side_by_side_with_a_space_between_their_labels(labels):
    rows = take(start(labels, join_words=0.99), 12)
    joined = [row for row in rows if b"+" in row["key"]]
    assert joined
    for row in joined:
        names = row["key"].decode().split("+")
        texts = [TEXTS[int(name.removesuffix(".png"))] for name in names]
        assert row["text"].decode() == " ".join(texts)
        assert row["targets"][: len(row["text"])].tolist() == CHARSET.encode(" ".join(texts))
        left, right = (tiny.word_image(text)[:, :, :1] / 127.5 - 1.0 for text in texts)
        width = row["image_sizes"][1]
        gap = width - left.shape[1] - right.shape[1]
        assert 4 <= gap <= 8
        np.testing.assert_allclose(row["images"][:, : left.shape[1]], left, atol=1e-3)
        image = row["images"][:, left.shape[1] + gap : width]
        np.testing.assert_allclose(image, right, atol=1e-3)
        assert not row["images"][:, width:].any()


@pytest.mark.parametrize(
    ("first", "second", "starts_right"),
    [
        ("שלום", "עולם", True),
        ("سلام", "دنیا", True),
        ("12", "שלום", True),
        ("שלום\u2028", "b", True),
        ("12", "۳", False),
        ("a", "שלום", False),
        ("été", "слово", False),
        ("12", "3c", False),
        ("漢", "字", False),
    ],
)
def test_the_word_that_is_read_first_stands_where_its_script_begins(first, second, starts_right):
    texts = [first, second]
    examples = tf.data.Dataset.range(2).map(
        lambda place: {
            "images": tf.fill(
                (16, 8 + 4 * tf.cast(place, tf.int32), 1), tf.cast(place, tf.float32)
            ),
            "image_sizes": tf.stack([16, 8 + 4 * tf.cast(place, tf.int32)]),
            "text": tf.gather(texts, place),
            "key": tf.gather(["first", "second"], place),
            "shrunk": False,
            "readable": True,
        }
    )
    (joined,) = join_words(examples, 1.0, 16, 96, 20, (0, 0)).as_numpy_iterator()
    assert joined["text"].decode() == f"{first} {second}"
    assert joined["key"] == b"first+second"
    width = joined["image_sizes"][1]
    left = joined["images"][:, :8]
    right = joined["images"][:, width - 8 : width]
    assert (left.max(), right.min()) == ((1, 0) if starts_right else (0, 1))
    assert (left.min(), right.max()) == (left.max(), right.min())


def test_each_example_still_comes_once_in_each_epoch_alone_or_in_a_pair(labels):
    seen = Counter()
    batches = start(labels, join_words=0.5)
    kinds = set()
    while sum(seen.values()) < 16:
        for row in take(batches, 1):
            names = row["key"].decode().split("+")
            kinds.add(len(names))
            seen.update(names)
    # Two epochs of eight; the last pair may reach into a third.
    assert kinds == {1, 2}
    assert all(1 <= count <= 3 for count in seen.values())
    assert len(seen) == len(TEXTS)


def test_what_would_be_too_long_or_too_wide_stays_two(labels):
    rows = take(start(labels, join_words=0.99, max_image_width=48), 16)
    assert all(len(row["text"]) <= 5 for row in rows)
    assert all(row["image_sizes"][1] <= 48 for row in rows)
    assert any(row["text"] == b"a1b2" for row in rows)


def test_joining_needs_a_space_in_the_charset(labels):
    with pytest.raises(ValueError, match="`join_words` needs a charset with a space"):
        start(labels, tiny.CHARSET, join_words=0.5)


def test_augmented_and_joined_batches_go_on_where_they_were_saved(labels, tmp_path):
    settings = {"join_words": 0.5, "augmentation": "default"}
    before = start(labels, **settings)
    take(before, 3)
    path = tf.train.Checkpoint(batches=before).write(str(tmp_path / "position"))
    expected = take(before, 4)
    after = start(labels, **settings)
    tf.train.Checkpoint(batches=after).read(path).assert_consumed()
    for row, other in zip(take(after, 4), expected, strict=True):
        for name in row:
            np.testing.assert_array_equal(row[name], other[name], err_msg=name)


def test_training_batches_are_augmented_only_on_demand(labels):
    plain, augmented = (
        {row["key"]: row["images"] for row in take(start(labels, **settings), 4)}
        for settings in ({}, {"augmentation": "brightness+gaussian_noise"})
    )
    assert plain.keys() == augmented.keys()
    for key, image in plain.items():
        width = image.shape[1]
        assert np.abs(augmented[key][:, :width] - image).max() > 0.01
