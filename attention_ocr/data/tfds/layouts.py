"""Layouts shared by several published word data sets, for the builders in `datasets/`."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from attention_ocr.data.tfds.annotations import icdar_rows, image_list_rows
from attention_ocr.data.tfds.builder import WordsBuilder, existing


class IcdarWords(WordsBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Cropped words of an ICDAR competition.

    A subclass defines the image folder and the label file of each split.
    """

    TERMS = "Those of the competition, after registration: see the homepage."
    TRAIN: ClassVar[tuple[str, str]]
    TEST: ClassVar[tuple[str, str]]

    def splits(self, folder: Path) -> dict[str, Iterable[Mapping[str, Any]]]:
        """Return the published splits; labels are in the image folder or next to it."""
        return {
            "train": _icdar_words(folder, *self.TRAIN),
            "test": _icdar_words(folder, *self.TEST),
        }


def icdar_instructions(train: tuple[str, str], test: tuple[str, str]) -> str:
    """Describe the manual directory of an `IcdarWords`."""
    parts = " and ".join(f"{images} with {labels} inside it" for images, labels in (train, test))
    return f"Unpack the archives so that the manual directory contains {parts} or next to it."


def _icdar_words(folder: Path, images: str, labels: str) -> Iterator[dict[str, Any]]:
    inside = folder / images / labels
    for key, text in icdar_rows(inside if inside.exists() else existing(folder / labels)):
        yield {"key": key, "text": text, "image": str(existing(folder / images / key))}


class ImageListWords(WordsBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Words with a lexicon each, in one test split listed in `imagelist.txt`."""

    TERMS = "Those of its publishers: see the homepage."
    LEXICONS = ("lexicon",)
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put `imagelist.txt` and the word images that it names into the manual directory."
    )

    def splits(self, folder: Path) -> dict[str, Iterable[Mapping[str, Any]]]:
        """Return the only split, `test`."""
        return {"test": _listed_words(folder)}


def _listed_words(folder: Path) -> Iterator[dict[str, Any]]:
    for key, text, lexicon in image_list_rows(existing(folder / "imagelist.txt")):
        image = str(existing(folder / key))
        yield {"key": key, "text": text, "image": image, "lexicon": lexicon}
