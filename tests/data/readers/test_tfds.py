import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from attention_ocr.data.sources import Walk, open_source
from tests import tiny

ONCE = Walk()
TEXTS = ["a", "b c", "cafe\u0301", "d"]


class ReaderTestWords(tfds.core.GeneratorBasedBuilder):
    """Words."""

    VERSION = tfds.core.Version("1.2.0")

    def _info(self):
        features = {
            "picture": tfds.features.Image(shape=(None, None, 3)),
            "label": tfds.features.Text(),
            "number": tf.int64,
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(TEXTS), "test": self._generate_examples(["t"])}

    def _generate_examples(self, texts):
        for index, text in enumerate(texts):
            image = tiny.word_image(text)
            yield index, {"picture": image, "label": text, "number": index}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    ReaderTestWords(data_dir=folder).download_and_prepare()
    return folder


def texts(source: str, walk: Walk = ONCE, count: int = -1) -> list[str]:
    rows = open_source(source).examples(walk).take(count)
    return [row["text"].decode() for row in rows.as_numpy_iterator() if row["image"].size]


def test_a_prepared_data_set_is_read_by_its_name(data_dir):
    source = open_source(f"tfds:reader_test_words:1.2.0,data_dir={data_dir}")
    assert source.num_examples == 4
    assert sorted(source.labels()) == ["a", "b c", "café", "d"]
    (row, *_) = source.examples(Walk()).as_numpy_iterator()
    assert row["key"].startswith(b"reader_test_words-train.tfrecord")
    assert row["image"].shape[0] == 16


def test_a_prepared_data_set_is_read_by_its_folder(data_dir):
    folder = data_dir / "reader_test_words/1.2.0"
    assert texts(f"tfds:{folder},split=test") == ["t"]
    assert len(texts(f"tfds:{folder},split=train[:50%]")) == 2
    assert open_source(f"tfds:{folder},split=train[:50%]").num_examples == 2


def test_each_epoch_of_a_prepared_data_set_holds_each_example_once(data_dir):
    walk = Walk(seed=1, shuffle_buffer=3)
    once = texts(f"tfds:reader_test_words,data_dir={data_dir}", walk, 8)
    assert sorted(once[:4]) == sorted(once[4:]) == ["a", "b c", "café", "d"]
    assert texts(f"tfds:reader_test_words,data_dir={data_dir}", walk, 8) == once


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ("split=dev", ValueError, "has the splits .*train.*. Received: split=dev"),
        ("image=label", ValueError, "of type Image: picture. Received: image=label"),
        ("text=number", ValueError, "of type Text: label. Received: text=number"),
        ("key=name", ValueError, "no such feature. Received: key=name"),
        ("part=eval", ValueError, "takes the options split, .* Received: part"),
    ],
)
def test_what_a_prepared_data_set_does_not_have_is_refused(options, error, message, data_dir):
    with pytest.raises(error, match=message):
        open_source(f"tfds:reader_test_words,data_dir={data_dir},{options}")


def test_a_data_set_that_was_not_prepared_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="Expected a prepared data set"):
        open_source(f"tfds:reader_test_words,data_dir={tmp_path}")
    with pytest.raises(
        FileNotFoundError, match="No prepared data set found at tfds:nobody_made_this"
    ):
        open_source(f"tfds:nobody_made_this,data_dir={tmp_path}")
