"""Read pages: a detector finds the lines, a recogniser reads them."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from attention_ocr.images.documents import Document, open_document
from attention_ocr.images.headers import PAGE_LIMITS, ImageLimits
from attention_ocr.images.rectify import quadrilateral
from attention_ocr.inference.inputs import name_of
from attention_ocr.inference.locate import DEFAULT_MODEL, lines_model
from attention_ocr.inference.reader import Reader, load
from attention_ocr.layout.page import Line, Page
from attention_ocr.pages.detector import Detector, PageImage, open_detector
from attention_ocr.pages.directions import directions_of, page_turn
from attention_ocr.pages.line_reader import LineReader, PlacedLine
from attention_ocr.pages.page_input import open_page
from attention_ocr.pages.reading_order import blocks, reading_order, rows, upright_boxes
from attention_ocr.pages.table_rows import table_rows
from attention_ocr.settings.pages import DEFAULT_DETECTOR, DEFAULT_DPI

PAGE_SECOND_LOOKS = {"rotate_tall_below": 0.0, "rotate_180_below": 0.0, "deskew_below": 0.0}
"""Second looks that the page reader does without: it knows the direction of each line itself."""

MIN_SURE = 0.8
"""Mean confidence of the sample from which on a page is not tried upside down."""

ANOTHER_BELOW = 0.5
"""Confidence of a line below which its other directions are tried."""

MIN_GAIN, MIN_ANOTHER = 0.25, 0.7
"""Gain in confidence, and confidence, for which a line is taken in another direction than the
page."""

MIN_CHARACTERS = 3
"""Characters of a text that is taken in another direction: `o` reads well upside down."""

WORDS_BELOW = 0.6
"""Confidence of a short line below which it is also read as words."""

MAX_SHORT = 20
"""Characters of a short line."""

NUM_SAMPLED = 6
"""Lines that are read to find the direction of a page."""


class PageReader:
    """Reads whole pages.

    Args:
        reader: A reader, see `load`; the path of a model; `default` or `lines` for a bundled one;
            None for `lines`, with `default` as `word_reader`. A model whose charset has the space
            reads lines, others read words.
        detector: What finds the lines: `NAME[,key=value...]` of the registry of detectors, such as
            `rapidocr` or `layout,folder=boxes`; `package.module:Class`; or a `Detector`.
        limits: Limits of decoding.
        dpi: Resolution at which the pages of a PDF are rendered.
        word_reader: As `reader`: reads short lines of low confidence too, and what is more
            confident is taken; None for no second reader. A model is loaded when it is needed.

    Raises:
        ImportError: If a package of the extra `pages` is missing.
        FileNotFoundError: If there is no such model.
        ValueError: If there is no such detector.

    Example:
        pages = attention_ocr.PageReader()
        for page in pages.read_file("scan.pdf"):
            print(page.error or page.text)
    """

    def __init__(
        self,
        reader: Reader | str | os.PathLike[str] | None = None,
        detector: str | Detector = DEFAULT_DETECTOR,
        limits: ImageLimits = PAGE_LIMITS,
        dpi: int = DEFAULT_DPI,
        word_reader: Reader | str | os.PathLike[str] | None = None,
    ) -> None:
        self._detector = open_detector(detector)
        if reader is None:
            reader, word_reader = lines_model(), word_reader or DEFAULT_MODEL
        self.reader = _open_reader(reader)
        self._word_reader = word_reader
        self._line_reader = LineReader(self.reader.engine)
        self._limits = limits
        self._dpi = dpi

    def read(self, image: Any) -> Page:
        """Read one page.

        Args:
            image: A path, the bytes of a file, an open file, a Pillow image or an array, as
                `Reader.read` takes them, but not reduced; of a file of several pages the first.

        Returns:
            The page; one that cannot be read has its `error`.

        Raises:
            ValueError: If it is not an image, or a file that cannot be opened.
        """
        pixels = open_page(image, self._limits, self._dpi)
        return self.read_image(PageImage(pixels, name_of(image)))

    def open(self, source: str | os.PathLike[str] | bytes) -> Document:
        """Open a file of pages, see `documents.open_document`."""
        return open_document(source, self._limits, self._dpi)

    def read_file(self, path: str | os.PathLike[str]) -> Iterator[Page]:
        """Read the pages of a file one after the other.

        Args:
            path: A PDF, a TIFF of one or several pages, or another image.

        Yields:
            Each page; one that cannot be read has its `error`, and the others are read.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it cannot be opened as pages.
        """
        with self.open(path) as document:
            for number in range(1, document.num_pages + 1):
                yield self.read_page_of(document, os.fspath(path), number)

    def read_page_of(self, document: Document, path: str, number: int) -> Page:
        """Read one page of an open file; it has an `error` if that fails."""
        try:
            pixels = document.page(number)
        except ValueError as error:
            return Page(0, 0, path=path, number=number, error=str(error))
        return self.read_image(PageImage(pixels, path, number))

    def read_image(self, image: PageImage) -> Page:
        """Read the image of a page; it has an `error` if the detector fails."""
        height, width = image.pixels.shape[:2]
        page = Page(width, height, path=image.path, number=image.number)
        try:
            found = self._detector.detect(image)
        except Exception as error:  # noqa: BLE001
            # Detectors are other people's code; the other pages should arrive.
            reason = str(error) or type(error).__name__
            return dataclasses.replace(page, error=f"no lines found: {reason}")
        lines = self._read_lines(image.pixels, [line for line in found if _has_area(line)])
        return dataclasses.replace(page, lines=tuple(lines))

    def _read_lines(self, pixels: np.ndarray, found: Sequence[Line]) -> list[Line]:
        if not found:
            return []
        placed = self._with_directions(pixels, found)
        placed = self._with_words(pixels, found, placed)
        # A region without text is not a line: a detector finds rules and ornaments as well.
        placed = [line for line in placed if line.words]
        if not placed:
            return []
        # The directions are known now: parts of one line are joined in the direction of the text.
        boxes = upright_boxes(np.stack([line.quad for line in placed]))
        groups = _whole_rows(boxes, rows(boxes), [line.text for line in placed])
        spans = _spans(boxes, groups)
        order = reading_order(spans)
        return [
            self._line_reader.join([placed[part] for part in groups[index]], block)
            for index, block in zip(order, blocks(spans, order), strict=True)
        ]

    def _with_directions(self, pixels: np.ndarray, found: Sequence[Line]) -> list[PlacedLine]:
        """Find the direction of each line, and read it."""
        quads = [quadrilateral(line.polygon, line.baseline) for line in found]
        is_free = [not line.baseline for line in found]
        free = [quad for quad, is_unknown in zip(quads, is_free, strict=True) if is_unknown]
        turn = self._turn_of_page(pixels, free) if free else 0
        candidates = [
            directions_of(quad, turn) if is_unknown else [quad]
            for quad, is_unknown in zip(quads, is_free, strict=True)
        ]
        chosen = self._line_reader.read(
            pixels, [(line, quads[0]) for line, quads in zip(found, candidates, strict=True)]
        )
        others = [
            (index, quad)
            for index, quads in enumerate(candidates)
            if chosen[index].confidence < ANOTHER_BELOW
            for quad in quads[1:]
        ]
        reread = self._line_reader.read(pixels, [(found[index], quad) for index, quad in others])
        for (index, _), line in zip(others, reread, strict=True):
            is_clear = line.confidence > chosen[index].confidence + MIN_GAIN
            is_clear &= line.confidence >= MIN_ANOTHER
            if is_clear and line.num_characters >= MIN_CHARACTERS:
                chosen[index] = line
        return chosen

    @cached_property
    def _word_line_reader(self) -> LineReader | None:
        if self._word_reader is None:
            return None
        return LineReader(_open_reader(self._word_reader).engine)

    def _with_words(
        self, pixels: np.ndarray, found: Sequence[Line], lines: Sequence[PlacedLine]
    ) -> list[PlacedLine]:
        """Read short lines of low confidence as words too, and take what is more confident."""
        chosen = list(lines)
        uncertain = [
            index
            for index, line in enumerate(lines)
            if 0 < line.num_characters <= MAX_SHORT and line.confidence < WORDS_BELOW
        ]
        words = self._word_line_reader if uncertain else None
        if words is None:
            return chosen
        # A letter that the model of words lacks would lose its accent.
        uncertain = [index for index in uncertain if words.can_read(lines[index].text)]
        reread = words.read(pixels, [(found[index], lines[index].quad) for index in uncertain])
        for index, line in zip(uncertain, reread, strict=True):
            if line.confidence > chosen[index].confidence:
                chosen[index] = line
        return chosen

    def _turn_of_page(self, pixels: np.ndarray, quads: Sequence[np.ndarray]) -> int:
        """Return by how many corners the lines of the page begin after the first, 0 to 3."""
        sample, turns = page_turn(quads, NUM_SAMPLED)

        def confidence(turn: int) -> float:
            rotated = [(Line(()), np.roll(quad, -turn, axis=0)) for quad in sample]
            read = self._line_reader.read(pixels, rotated)
            return float(np.mean([line.confidence for line in read]))

        confidences = [confidence(turns[0])]
        if confidences[0] >= MIN_SURE:
            return turns[0]
        confidences += [confidence(turn) for turn in turns[1:]]
        return turns[int(np.argmax(confidences))]


def _open_reader(reader: Reader | str | os.PathLike[str] | None) -> Reader:
    if isinstance(reader, Reader):
        return reader
    return load(reader, second_looks=PAGE_SECOND_LOOKS)


def _has_area(line: Line) -> bool:
    return len(line.polygon) > 2 or len(line.baseline) > 1


def _whole_rows(
    boxes: np.ndarray, lines: Sequence[Sequence[int]], texts: Sequence[str]
) -> list[list[int]]:
    """Join lines, given by their parts, that are cells of one row of a table."""
    line_texts = [" ".join(texts[part] for part in line) for line in lines]
    cells = table_rows(_spans(boxes, lines), line_texts)
    return [[part for cell in row for part in lines[cell]] for row in cells]


def _spans(boxes: np.ndarray, groups: Sequence[Sequence[int]]) -> np.ndarray:
    """Return the box around each group of boxes."""
    return np.stack(
        [
            np.concatenate([boxes[group, :2].min(axis=0), boxes[group, 2:].max(axis=0)])
            for group in map(list, groups)
        ]
    )


def read_page(
    image: Any,
    reader: Reader | str | os.PathLike[str] | None = None,
    detector: str | Detector = DEFAULT_DETECTOR,
) -> Page:
    """Read a photo, a scan or a page of a PDF; `PageReader` reads several.

    Args:
        image: See `PageReader.read`.
        reader: See `PageReader`.
        detector: See `PageReader`.

    Returns:
        The page: its `lines` in reading order, each with polygon, text, confidence and words.

    Raises:
        ImportError: If a package of the extra `pages` is missing.
        ValueError: If it is not an image, or a file that cannot be opened.
    """
    return PageReader(reader, detector).read(image)
