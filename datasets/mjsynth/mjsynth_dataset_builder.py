"""MJSynth, nine million rendered words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attention_ocr.data.readers.mjsynth import annotation_rows
from attention_ocr.data.storage import read_lines
from attention_ocr.data.tfds.builder import WordsBuilder, existing

FOLDER = "mnt/ramdisk/max/90kDICT32px"
FILES = {
    "train": "annotation_train.txt",
    "validation": "annotation_val.txt",
    "test": "annotation_test.txt",
}


class Builder(WordsBuilder):
    """Reads the annotation files; the label is in each file's name."""

    HOMEPAGE = "https://www.robots.ox.ac.uk/~vgg/data/text/"
    TERMS = "Those of its publishers: see the homepage."
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Unpack mjsynth.tar.gz, so that {FOLDER}/annotation_train.txt is in the manual directory."
    )

    def splits(self, folder: Path) -> dict[str, Iterator[dict[str, Any]]]:
        """Return the published splits."""
        return {name: _rows(folder / FOLDER, file) for name, file in FILES.items()}


def _rows(folder: Path, file: str) -> Iterator[dict[str, Any]]:
    lexicon = [word.strip() for _, word in read_lines(str(existing(folder / "lexicon.txt")))]
    for _, key, text in annotation_rows(str(existing(folder / file)), lexicon):
        yield {"key": key, "text": text, "image": str(folder / key)}
