"""IAM handwriting: English words and lines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from attention_ocr.data.storage import read_lines
from attention_ocr.data.tfds.builder import WordsBuilder, existing

TASK = "largeWriterIndependentTextLineRecognitionTask"
FILES = {
    "train": "trainset.txt",
    "validation1": "validationset1.txt",
    "validation2": "validationset2.txt",
    "test": "testset.txt",
}
NUM_FIELDS = {"words": 9, "lines": 9}


class Builder(WordsBuilder):
    """Reads `words.txt` or `lines.txt`, with the splits of the writer-independent task."""

    HOMEPAGE = "https://fki.tic.heia-fr.ch/databases/iam-handwriting-database"
    TERMS = "Non-commercial research, after registration: see the homepage."
    BUILDER_CONFIGS: ClassVar[list[tfds.core.BuilderConfig]] = [
        tfds.core.BuilderConfig(name="words", description="Single words."),
        tfds.core.BuilderConfig(name="lines", description="Whole lines."),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack, in the manual directory, ascii.tgz into ascii/, words.tgz into words/, lines.tgz "
        f"into lines/ and the files of the task into {TASK}/."
    )

    def further_features(self) -> dict[str, Any]:
        """Return the feature that says whether a word or line was segmented well (`ok`)."""
        return {"well_segmented": tfds.features.Scalar(dtype=np.bool_)}

    def splits(self, folder: Path) -> dict[str, Iterator[dict[str, Any]]]:
        """Return the splits of the task; other pages are left out."""
        unit = self.builder_config.name
        return {
            name: _rows(folder, unit, existing(folder / TASK / file))
            for name, file in FILES.items()
        }


def _rows(folder: Path, unit: str, split: Path) -> Iterator[dict[str, Any]]:
    lines = {line.strip() for _, line in read_lines(str(split))}
    labels = existing(folder / "ascii" / f"{unit}.txt")
    for number, line in read_lines(str(labels)):
        if line.startswith("#"):
            continue
        fields = line.split(" ", NUM_FIELDS[unit] - 1)
        if len(fields) < NUM_FIELDS[unit]:
            raise ValueError(
                f"{labels}, line {number}: expected {NUM_FIELDS[unit]} fields. Received: {line!r}"
            )
        # a01-000u-00-03 is the word 3 of the line a01-000u-00.
        key = fields[0]
        if "-".join(key.split("-")[:3]) not in lines:
            continue
        form, page = key.split("-")[0], "-".join(key.split("-")[:2])
        yield {
            "key": key,
            # In a line, words are separated by bars.
            "text": fields[-1].replace("|", " ") if unit == "lines" else fields[-1],
            "image": str(existing(folder / unit / form / page / f"{key}.png")),
            "well_segmented": fields[1] == "ok",
        }
