"""Re-read images of low confidence: which views, in which order, and which reading is kept."""

import dataclasses
from collections.abc import Callable, Generator, Sequence

import numpy as np

from attention_ocr.images.image import LazyImage
from attention_ocr.inference.engines.interface import Engine, Reading
from attention_ocr.inference.second_looks.deskew import deskewed
from attention_ocr.inference.second_looks.rotate import (
    HALF_TURN,
    QUARTER_TURNS,
    is_tall,
    is_upside_down,
    most_upright,
    rotated,
)
from attention_ocr.inference.second_looks.vote import View, vote, without_excess_pixels
from attention_ocr.inference.second_looks.widths import widened, with_margins
from attention_ocr.settings.image import ImageConfig
from attention_ocr.settings.second_looks import SecondLooksConfig

Looks = Generator[list[View], list[Reading], Reading]
"""Yields views of one image to read, is sent their readings, and returns the final reading."""


class SecondLooksEngine:
    """Reads with another engine, and re-reads images of low confidence.

    Args:
        engine: Engine that reads.
        settings: Which images are re-read.

    Attributes:
        engine: The other engine.
        config: Settings of the model, with these second looks.
        charset: Its characters.
    """

    def __init__(self, engine: Engine, settings: SecondLooksConfig) -> None:
        self.engine = engine
        self.config = dataclasses.replace(engine.config, second_looks=settings)
        self.charset = engine.charset

    def read(self, images: Sequence[LazyImage]) -> list[Reading]:
        """Read images, see `Engine.read`."""
        readings = self.engine.read(images)
        return read_again(
            readings,
            images.__getitem__,
            self.engine.read,
            self.config.second_looks,
            self.config.image,
        )


def read_again(
    readings: Sequence[Reading],
    image_of: Callable[[int], LazyImage],
    read: Callable[[Sequence[LazyImage]], Sequence[Reading]],
    settings: SecondLooksConfig,
    image_settings: ImageConfig,
) -> list[Reading]:
    """Re-read the images of a batch with low confidence.

    Views of all images are read together, in as many rounds as any image needs. Unreadable images
    keep their error.

    Args:
        readings: Readings of the original images.
        image_of: Returns an image by its index in the batch.
        read: Reads views.
        settings: Which images are re-read.
        image_settings: Settings of the network's input.

    Returns:
        A reading for each image.
    """
    results = list(readings)
    waiting: list[tuple[int, Looks, list[View]]] = []
    for index, reading in enumerate(readings):
        if reading.error is not None or reading.confidence >= settings.below:
            continue
        pixels = image_of(index).pixels
        if pixels is not None:
            pixels = without_excess_pixels(pixels, image_settings)
            looks = look_again(pixels, reading, settings, image_settings)
            waiting += _next_views(index, looks, None, results)
    while waiting:
        views_read = [view for _, _, views in waiting for view in views]
        answers = iter(read([LazyImage.from_array(view.image) for view in views_read]))
        again: list[tuple[int, Looks, list[View]]] = []
        for index, looks, views in waiting:
            seen = [view.describe(next(answers)) for view in views]
            again += _next_views(index, looks, seen, results)
        waiting = again
    return results


def _next_views(
    index: int, looks: Looks, seen: list[Reading] | None, results: list[Reading]
) -> list[tuple[int, Looks, list[View]]]:
    """Return the views of an image to read next; without any, store its result."""
    try:
        views = next(looks) if seen is None else looks.send(seen)
        # A look may have no views of this image.
        while not views:
            views = looks.send([])
    except StopIteration as end:
        results[index] = end.value
        return []
    return [(index, looks, views)]


def look_again(
    image: np.ndarray, first: Reading, settings: SecondLooksConfig, image_settings: ImageConfig
) -> Looks:
    """Re-read one image.

    A tall image is rotated first; the following looks use its most confident orientation. Then the
    first reading and those of all views vote. An image whose confidence is still low may be upside
    down.

    Args:
        image: uint8 [h, w, 3].
        first: Its first reading.
        settings: Which looks are taken.
        image_settings: Settings of the network's input.
    """
    reading = first
    if reading.confidence < settings.rotate_tall_below and is_tall(image):
        others = yield [rotated(image, turns) for turns in QUARTER_TURNS]
        reading = most_upright(reading, others)
    upright = np.ascontiguousarray(np.rot90(image, reading.quarter_turns))
    reading = yield from _vote_over_views(upright, reading, settings, image_settings)
    if reading.confidence < settings.rotate_180_below:
        (upside_down,) = yield [rotated(image, HALF_TURN)]
        if is_upside_down(upside_down):
            return upside_down
    return reading


def _vote_over_views(
    image: np.ndarray, first: Reading, settings: SecondLooksConfig, image_settings: ImageConfig
) -> Looks:
    """Read an image of one orientation at other widths and deskewed, and take the vote."""
    ballots, rest = [first], []
    if first.confidence < settings.widths_below:
        views = widened(image, settings.widths, image_settings)
        ballots += yield views[:1]
        rest = [*views[1:], *with_margins(image)]
    # Two equal readings are rarely outvoted; most images need no other views.
    undecided = len(ballots) == 1 or ballots[1].text != first.text
    if undecided and first.confidence < settings.deskew_below:
        rest += deskewed(image)
    if undecided:
        ballots += yield rest
    return vote([first, *(_also_rotated(reading, first) for reading in ballots[1:])])


def _also_rotated(reading: Reading, first: Reading) -> Reading:
    return dataclasses.replace(reading, quarter_turns=first.quarter_turns)
