"""Street View Text: words cropped from street photographs."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from attention_ocr.data.tfds.builder import WordsBuilder, existing


class Builder(WordsBuilder):
    """Reads `train.xml` and `test.xml` and crops each tagged rectangle from its photograph."""

    HOMEPAGE = "http://www.iapr-tc11.org/mediawiki/index.php/The_Street_View_Text_Dataset"
    TERMS = "Those of its publishers: see the homepage."
    LEXICONS = ("lexicon",)
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack svt.zip, so that svt1/train.xml is in the manual directory."
    )

    def splits(self, folder: Path) -> dict[str, Iterator[dict[str, Any]]]:
        """Return the published splits."""
        return {name: _rows(folder / "svt1", f"{name}.xml") for name in ("train", "test")}


def _rows(folder: Path, file: str) -> Iterator[dict[str, Any]]:
    for photograph in ET.parse(existing(folder / file)).getroot().iter("image"):
        name = _text(photograph, "imageName")
        lexicon = [word for word in _text(photograph, "lex").split(",") if word]
        pixels = np.asarray(Image.open(existing(folder / name)).convert("RGB"))
        for number, rectangle in enumerate(photograph.iter("taggedRectangle")):
            left, top, width, height = (
                int(float(rectangle.attrib[side])) for side in ("x", "y", "width", "height")
            )
            # Some rectangles begin outside the photograph.
            rows = slice(max(top, 0), max(top + height, 0))
            columns = slice(max(left, 0), max(left + width, 0))
            crop = pixels[rows, columns]
            if not crop.size:
                raise ValueError(
                    f"{file}: expected rectangles inside {name}. Received: {rectangle.attrib}"
                )
            yield {
                "key": f"{name}#{number}",
                "text": _text(rectangle, "tag"),
                "image": crop,
                "lexicon": lexicon,
            }


def _text(element: ET.Element, name: str) -> str:
    found = element.findtext(name)
    if found is None:
        raise ValueError(f"Expected <{name}> in <{element.tag}>. Received: no such element")
    return found.strip()
