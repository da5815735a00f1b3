"""FSNS: French street name signs, four views each."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from attention_ocr.data.tfds.builder import WordsBuilder, existing

SPLITS = ("train", "validation", "test")


class Builder(WordsBuilder):
    """Reads the published TFRecords; an image holds four views of 150 pixels side by side."""

    HOMEPAGE = "https://github.com/tensorflow/models/tree/master/research/street"
    TERMS = "Those of its publishers: see the homepage."
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put the folders train, validation and test, with files such as train-00000-of-00512, into "
        "the manual directory."
    )

    def splits(self, folder: Path) -> dict[str, Iterator[dict[str, Any]]]:
        """Return the published splits."""
        return {name: _rows(existing(folder / name), name) for name in SPLITS}


def _rows(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    paths = sorted(folder.glob(f"{split}-*-of-*"))
    if not paths:
        raise FileNotFoundError(f"Expected {split}-00000-of-… in {folder}. Received: no such file")
    for path in paths:
        for number, record in enumerate(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()):
            features = tf.train.Example.FromString(record).features.feature
            yield {
                "key": f"{path.name}#{number}",
                "text": features["image/text"].bytes_list.value[0].decode("utf-8"),
                "image": io.BytesIO(features["image/encoded"].bytes_list.value[0]),
            }
