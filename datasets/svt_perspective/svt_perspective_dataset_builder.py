"""SVT-Perspective: the signs of SVT's test split, seen from the side."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attention_ocr.data.publications import image_list_rows
from attention_ocr.data.words_builder import WordsBuilder, existing


class Builder(WordsBuilder):
    """Reads `imagelist.txt`, with the lexicon of each word."""

    HOMEPAGE = "https://openaccess.thecvf.com/content_iccv_2013/html/Phan_Recognizing_Text_with_2013_ICCV_paper.html"
    TERMS = "Those of its publishers: see the homepage."
    LEXICONS = ("lexicon",)
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put `imagelist.txt` and the word images that it names into the manual directory."
    )

    def splits(self, folder: Path) -> dict[str, Iterator[dict[str, Any]]]:
        """Return the one split, for testing."""
        return {"test": _rows(folder)}


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    for key, text, lexicon in image_list_rows(existing(folder / "imagelist.txt")):
        image = str(existing(folder / key))
        yield {"key": key, "text": text, "image": image, "lexicon": lexicon}
