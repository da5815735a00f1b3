"""IIIT 5K-Word: words cropped from web images."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attention_ocr.data.tfds.builder import WordsBuilder, existing
from attention_ocr.io.extras import extra


class Builder(WordsBuilder):
    """Reads `traindata.mat` and `testdata.mat`, with a lexicon of 50 words and one of 1,000."""

    HOMEPAGE = "https://cvit.iiit.ac.in/research/projects/cvit-projects/the-iiit-5k-word-dataset"
    TERMS = "Those of its publishers: see the homepage."
    LEXICONS = ("small_lexicon", "medium_lexicon")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack IIIT5K-Word_V3.0.tar.gz, so that IIIT5K/traindata.mat is in the manual directory."
    )

    def splits(self, folder: Path) -> dict[str, Iterator[dict[str, Any]]]:
        """Return the published splits."""
        return {name: _rows(folder / "IIIT5K", f"{name}data") for name in ("train", "test")}


def _rows(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with extra("datasets", "Reading .mat files"):
        import scipy.io
    table = scipy.io.loadmat(str(existing(folder / f"{name}.mat")))[name].ravel()
    for row in table:
        key = str(row["ImgName"].item())
        yield {
            "key": key,
            "text": str(row["GroundTruth"].item()),
            "image": str(existing(folder / key)),
            "small_lexicon": [str(word.item()) for word in row["smallLexi"].ravel()],
            "medium_lexicon": [str(word.item()) for word in row["mediumLexi"].ravel()],
        }
