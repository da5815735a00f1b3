"""Read the lines of a page with one model, whole or by words."""

import itertools
import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from attention_ocr.images.image import LazyImage
from attention_ocr.images.rectify import interpolate, quadrilateral, rectify
from attention_ocr.inference.engines.interface import Engine, Reading
from attention_ocr.layout.page import Line, Polygon, Word
from attention_ocr.pages.character_positions import word_spans
from attention_ocr.pages.read_spaces import drop_false_spaces
from attention_ocr.pages.words import set_upright, split_words

BATCH_SIZE = 256
"""Crops per call of the engine: more would only take memory."""

NUMBER = re.compile(r"[\d.,:;/%-]*\d[\d.,:;/%-]*")
"""A number, or a part of one."""

PARTED = re.compile(r"\d+ [.,:]\d+|\d*[.,]\d \d")
"""A number before or within its decimals: the parts belong together, however wide the gap."""

MAX_DIGIT_GAP, USUAL_SPACE = 0.6, 0.2
"""Distance between the boxes of two parts of one number, relative to that of other words of the
line; and the latter relative to the height of the line where there are none."""

MIN_HALF = 0.2
"""Share of a line that is cut off at least, where its text is too long for the model."""

BASELINE = 0.22
"""Height of the baseline above the lower side of a line, relative to its height."""


_Crop = tuple[np.ndarray, np.ndarray]


class _ReadCrop(NamedTuple):
    """The reading of a crop.

    Attributes:
        reading: The reading.
        image: uint8 [h, w, 3], the crop.
        quad: float32 [4, 2], its corners on the page.
    """

    reading: Reading
    image: np.ndarray
    quad: np.ndarray


@dataclass(frozen=True, eq=False)
class PlacedLine:
    """A line, or a part of one, that was read in one direction.

    Attributes:
        quad: float32 [4, 2], corners in reading direction.
        words: Its words.
    """

    quad: np.ndarray
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words, separated by spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def num_characters(self) -> int:
        """Characters of all words."""
        return sum(len(word.text) for word in self.words)

    @property
    def confidence(self) -> float:
        """Mean of the confidences of the words, weighted by their characters."""
        weight = self.num_characters
        return sum(len(word.text) * word.confidence for word in self.words) / max(weight, 1)


class LineReader:
    """Reads lines of a page.

    A model whose charset has the space reads whole lines, divided between words where they are
    too wide for it or have more characters than it reads; other models read each word alone.

    Args:
        engine: Engine that runs the model.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reads_spaces = " " in engine.charset
        image = engine.config.image
        self._max_aspect = image.max_image_width / image.image_height

    def can_read(self, text: str) -> bool:
        """Return whether the model has every character of a text but the space."""
        return all(character in self._engine.charset for character in text.replace(" ", ""))

    def read(
        self, pixels: np.ndarray, lines: Sequence[tuple[Line, np.ndarray]]
    ) -> list[PlacedLine]:
        """Read lines.

        Args:
            pixels: uint8 [H, W, 3], the page.
            lines: Lines as the detector found them, and the corners in the direction to read.

        Returns:
            Each line in order; one in which nothing was read has no words.
        """
        crops = self._crops(pixels, lines)
        words = iter(self._words(self._read_crops(list(itertools.chain.from_iterable(crops)))))
        placed = []
        for (line, quad), parts in zip(lines, crops, strict=True):
            found = [word for _ in parts for word in next(words)]
            by_gaps = not line.words and not self._reads_spaces
            placed.append(PlacedLine(quad, tuple(_join_numbers(found) if by_gaps else found)))
        return placed

    def _read_crops(self, crops: Sequence[_Crop]) -> list[list[_ReadCrop]]:
        """Read each crop, the halves of those with more text than the model reads."""
        read: list[list[_ReadCrop]] = []
        for start in range(0, len(crops), BATCH_SIZE):
            batch = crops[start : start + BATCH_SIZE]
            readings = self._engine.read([LazyImage.from_array(image) for image, _ in batch])
            for crop, reading in zip(batch, readings, strict=True):
                halves = self._halves(reading, crop)
                if halves:
                    read.append(list(itertools.chain(*self._read_crops(halves))))
                else:
                    read.append([_ReadCrop(reading, *crop)])
        return read

    def _halves(self, reading: Reading, crop: _Crop) -> list[_Crop]:
        """Cut a line between words where its text fills the model, so that its end is missing."""
        if not self._reads_spaces or len(reading.text) < self._engine.config.model.max_length:
            return []
        image, quad = crop
        aspect = image.shape[1] / image.shape[0]
        ends = [end for _, _, _, end in word_spans(reading, aspect)][:-1]
        middle = min(ends, key=lambda end: abs(end - 0.5), default=0.0)
        if not MIN_HALF <= middle <= 1 - MIN_HALF:
            return []
        return [_cut(image, quad, span) for span in ((0.0, middle), (middle, 1.0))]

    def _crops(
        self, pixels: np.ndarray, lines: Sequence[tuple[Line, np.ndarray]]
    ) -> list[list[_Crop]]:
        """Return the images to read of each line, and their corners on the page."""
        by_words = [bool(line.words) and not self._reads_spaces for line, _ in lines]
        images = [
            None if has_words else self._line_image(pixels, line, quad)
            for (line, quad), has_words in zip(lines, by_words, strict=True)
        ]
        spans = iter(self._spans([image for image in images if image is not None]))
        crops: list[list[_Crop]] = []
        for (line, quad), image in zip(lines, images, strict=True):
            if image is None:
                corners = [quadrilateral(word.polygon, line.baseline) for word in line.words]
                crops.append([(rectify(pixels, corner), corner) for corner in corners])
            else:
                crops.append([_cut(image, quad, span) for span in next(spans)])
        return crops

    def _line_image(self, pixels: np.ndarray, line: Line, quad: np.ndarray) -> np.ndarray:
        image = rectify(pixels, quad, line.polygon)
        return image if self._reads_spaces else set_upright(image)

    def _spans(self, images: Sequence[np.ndarray]) -> list[list[tuple[float, float]]]:
        """Return which parts of lines to read at a time, as fractions of their widths."""
        if not self._reads_spaces:
            return split_words(images)
        aspects = [image.shape[1] / image.shape[0] for image in images]
        if max(aspects, default=0.0) <= self._max_aspect:
            return [[(0.0, 1.0)] for _ in images]
        return [
            _joined(words, self._max_aspect / aspect) if aspect > self._max_aspect else [(0.0, 1.0)]
            for words, aspect in zip(split_words(images), aspects, strict=True)
        ]

    def _words(self, crops: Sequence[Sequence[_ReadCrop]]) -> list[list[Word]]:
        """Return the words of each crop, which may have been read in parts."""
        if not self._reads_spaces:
            return [
                [
                    Word(reading.text, _polygon(quad), reading.confidence)
                    for reading, _, quad in parts
                    if reading.text
                ]
                for parts in crops
            ]
        parts = list(itertools.chain.from_iterable(crops))
        readings = drop_false_spaces(
            [part.reading for part in parts], [part.image for part in parts]
        )
        words = iter(
            [
                Word(text, _polygon(interpolate(quad, begin, end)), confidence)
                for text, confidence, begin, end in word_spans(
                    reading, image.shape[1] / image.shape[0]
                )
            ]
            for reading, (_, image, quad) in zip(readings, parts, strict=True)
        )
        return [[word for _ in parts for word in next(words)] for parts in crops]

    def join(self, parts: Sequence[PlacedLine], block: int) -> Line:
        """Make a line of its parts, in reading order."""
        words = tuple(word for part in parts for word in part.words)
        whole = PlacedLine(_hull(parts), words)
        return Line(
            _polygon(whole.quad),
            whole.text,
            whole.confidence,
            words,
            block,
            _polygon(_baseline(whole.quad)),
        )


def _cut(image: np.ndarray, quad: np.ndarray, span: tuple[float, float]) -> _Crop:
    begin, end = (share * image.shape[1] for share in span)
    left, right = int(begin), max(round(end), int(begin) + 1)
    return image[:, left:right], interpolate(quad, *span)


def _join_numbers(words: Sequence[Word]) -> list[Word]:
    """Join parts of numbers: digits are as wide as each other, so that a 1 has wide gaps."""
    pairs = list(itertools.pairwise(words))
    spaces = [_distance(*pair) for pair in pairs if not _are_numbers(*pair)]
    joined = list(words[:1])
    for last, word in pairs:
        height = math.dist(word.polygon[0], word.polygon[3])
        most = MAX_DIGIT_GAP * (statistics.median(spaces) if spaces else USUAL_SPACE * height)
        is_near = _distance(last, word) < most or bool(PARTED.fullmatch(f"{last.text} {word.text}"))
        if not (_are_numbers(last, word) and is_near):
            joined.append(word)
            continue
        before = joined[-1]
        corners = (before.polygon[0], *word.polygon[1:3], before.polygon[3])
        joined[-1] = Word(before.text + word.text, corners, before.confidence * word.confidence)
    return joined


def _are_numbers(first: Word, second: Word) -> bool:
    return bool(NUMBER.fullmatch(first.text) and NUMBER.fullmatch(second.text))


def _distance(first: Word, second: Word) -> float:
    return math.dist(first.polygon[1], second.polygon[0])


def _joined(spans: Sequence[tuple[float, float]], widest: float) -> list[tuple[float, float]]:
    """Join neighbouring spans as long as the result is not wider than `widest`."""
    joined = [spans[0]]
    for begin, end in spans[1:]:
        if end - joined[-1][0] <= widest:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((begin, end))
    return joined


def _hull(parts: Sequence[PlacedLine]) -> np.ndarray:
    """Return the corners around the parts of one line."""
    if len(parts) == 1:
        return parts[0].quad
    first, last = parts[0].quad, parts[-1].quad
    direction = first[1] - first[0] + last[1] - last[0]
    points = np.concatenate([part.quad for part in parts])
    return quadrilateral(points, [(0.0, 0.0), tuple(direction.tolist())])


def _baseline(quad: np.ndarray) -> np.ndarray:
    return np.stack(
        [quad[3] + BASELINE * (quad[0] - quad[3]), quad[2] + BASELINE * (quad[1] - quad[2])]
    )


def _polygon(points: np.ndarray) -> Polygon:
    return tuple((round(float(x), 1), round(float(y), 1)) for x, y in points)
