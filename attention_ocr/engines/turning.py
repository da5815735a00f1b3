"""Words that stand on end: a tall picture is read upright and turned both ways."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from attention_ocr.data.image_arrays import decode_array, encode_array
from attention_ocr.engines.interface import Engine, Reading
from attention_ocr.image_headers import read_header

TALL = 1.5
"""A picture whose height is more than so many widths may be of a word on end."""

SURE = 0.9
"""Confidence from which on a tall picture that was read upright is not turned."""

QUARTER_TURNS = (1, 3)
"""Anticlockwise; 1 sets a word upright that runs down, 3 one that runs up."""


class TurningEngine:
    """Reads tall pictures in three ways by another engine and keeps what that is surest of.

    A picture that is not tall, or that is read upright with a confidence of `SURE` or more, is read
    once, as without this.

    Args:
        engine: reads.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.config = engine.config
        self.charset = engine.charset

    def read(self, files: Sequence[bytes]) -> list[Reading]:
        """Read images, see `Engine.read`; `Reading.quarter_turns` tells how."""
        readings = self.engine.read(files)
        tall = [
            index
            for index, (file, reading) in enumerate(zip(files, readings, strict=True))
            if reading.confidence < SURE and _is_tall(file)
        ]
        pictures = {index: decode_array(files[index]) for index in tall}
        turned = [
            (index, turns, encode_array(np.rot90(picture, turns)))
            for index, picture in pictures.items()
            if picture is not None
            for turns in QUARTER_TURNS
        ]
        if turned:
            for (index, turns, _), reading in zip(
                turned, self.engine.read([file for _, _, file in turned]), strict=True
            ):
                if reading.confidence > readings[index].confidence:
                    readings[index] = dataclasses.replace(reading, quarter_turns=turns)
        return readings


def _is_tall(file: bytes) -> bool:
    header = read_header(file)
    return header is not None and header.height > TALL * header.width
