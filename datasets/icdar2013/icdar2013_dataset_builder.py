"""ICDAR 2013, focused scene text, task 2.3: cropped words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attention_ocr.data.publications import icdar_rows
from attention_ocr.data.words_builder import WordsBuilder, existing

TRAIN, TRAIN_LABELS = "Challenge2_Training_Task3_Images_GT", "gt.txt"
TEST, TEST_LABELS = "Challenge2_Test_Task3_Images", "Challenge2_Test_Task3_GT.txt"


class Builder(WordsBuilder):
    """Reads the ground truth files of the competition."""

    HOMEPAGE = "https://rrc.cvc.uab.es/?ch=2"
    TERMS = "Those of the competition, at which one registers: see the homepage."
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Unpack the archives so that the manual directory holds {TRAIN}/{TRAIN_LABELS}, and "
        f"{TEST} with {TEST_LABELS} inside of it or beside it."
    )

    def splits(self, folder: Path) -> dict[str, Iterator[dict[str, Any]]]:
        """Return the published splits."""
        inside = folder / TEST / TEST_LABELS
        test_labels = inside if inside.exists() else folder / TEST_LABELS
        return {
            "train": _rows(folder / TRAIN, folder / TRAIN / TRAIN_LABELS),
            "test": _rows(folder / TEST, test_labels),
        }


def _rows(folder: Path, labels: Path) -> Iterator[dict[str, Any]]:
    for key, text in icdar_rows(existing(labels)):
        yield {"key": key, "text": text, "image": str(existing(folder / key))}
