"""A plug-in for OCRmyPDF: searchable PDF whose text attention-ocr reads."""

import datetime as dt
import functools
import math
import os
from pathlib import Path
from typing import Any

from ocrmypdf import OcrEngine, OrientationConfidence, hookimpl

from attention_ocr import PageReader, __version__
from attention_ocr.layout.writers import PAGE_WRITERS, page_as_text

MODEL_VARIABLE = "ATTENTION_OCR_MODEL"
"""Names the model; without it, that of the package reads."""

DETECTOR_VARIABLE = "ATTENTION_OCR_DETECTOR"
"""Names the detector, see `attention-ocr read --detector`."""


@functools.cache
def _reader() -> PageReader:
    # OCRmyPDF asks for pages in several processes or threads; each process loads once.
    model = os.environ.get(MODEL_VARIABLE) or None
    detector = os.environ.get(DETECTOR_VARIABLE) or "rapidocr"
    return PageReader(model, detector)


def _read(image: Path) -> Any:
    (page,) = _reader().read_file(image)
    if page.error is not None:
        raise RuntimeError(f"{image.name}: {page.error}")
    return page


class AttentionOCREngine(OcrEngine):
    """Reads the page images of OCRmyPDF."""

    @staticmethod
    def version() -> str:
        """Return the version of attention-ocr."""
        return __version__

    @staticmethod
    def creator_tag(options: Any) -> str:
        """Return what the PDF names as its creator."""
        del options
        return f"attention-ocr {__version__}"

    def __str__(self) -> str:
        return self.creator_tag(None)

    @staticmethod
    def languages(options: Any) -> set[str]:
        """Return the requested languages: what is read depends on the model alone."""
        return set(getattr(options, "languages", ())) | {"eng"}

    @staticmethod
    def get_orientation(input_file: Path, options: Any) -> OrientationConfidence:
        """Return by how many degrees a page is turned; for `--rotate-pages`."""
        del options
        x = y = weight = 0.0
        for line in _read(input_file).lines:
            (x0, y0), (x1, y1) = line.polygon[:2]
            x, y = x + x1 - x0, y + y1 - y0
            weight += line.confidence / 10
        if not weight:
            return OrientationConfidence(angle=0, confidence=0.0)
        # Text that runs down, along y, is turned clockwise by a quarter.
        quarters = round(math.degrees(math.atan2(y, x)) / 90) % 4
        # On Tesseract's scale, of which OCRmyPDF asks for 14 by default.
        return OrientationConfidence(angle=90 * quarters, confidence=min(10 * weight, 99.0))

    @staticmethod
    def generate_hocr(input_file: Path, output_hocr: Path, output_text: Path, options: Any) -> None:
        """Write the hOCR and the text of a page."""
        del options
        page = _read(input_file)
        created = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
        output_hocr.write_bytes(PAGE_WRITERS["hocr"](page, f"attention-ocr {__version__}", created))
        output_text.write_text(page_as_text(page), encoding="utf-8")

    @staticmethod
    def generate_pdf(input_file: Path, output_pdf: Path, output_text: Path, options: Any) -> None:
        """Refuse: OCRmyPDF renders the hOCR itself.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("attention-ocr writes hOCR: expected --pdf-renderer=fpdf2")


@hookimpl
def get_ocr_engine(options: Any) -> OcrEngine:
    """Return the engine to OCRmyPDF."""
    del options
    return AttentionOCREngine()
