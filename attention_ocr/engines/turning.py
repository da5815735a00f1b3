"""Words that stand on end: a tall picture is read upright and turned both ways."""

from collections.abc import Iterable, Sequence

import numpy as np

from attention_ocr.data.image_arrays import decode_array
from attention_ocr.engines.interface import Reading
from attention_ocr.engines.views import View, ViewsEngine
from attention_ocr.image_headers import read_header

TALL = 1.5
"""A picture whose height is more than so many widths may be of a word on end."""

SURE = 0.9
"""Confidence from which on a tall picture that was read upright is not turned."""

QUARTER_TURNS = (1, 3)
"""Anticlockwise; 1 sets a word upright that runs down, 3 one that runs up."""


class TurningEngine(ViewsEngine):
    """Reads tall pictures in three ways by another engine and keeps what that is surest of.

    A picture that is not tall, or that is read upright with a confidence of `SURE` or more, is read
    once, as without this.

    `Reading.quarter_turns` tells how a picture was read.

    Args:
        engine: reads.
    """

    def views(self, file: bytes, reading: Reading) -> Iterable[View]:
        """Return a tall picture turned both ways."""
        if reading.confidence >= SURE or not _may_be_tall(file):
            return
        picture = decode_array(file)
        if picture is not None and picture.shape[0] > TALL * picture.shape[1]:
            for turns in QUARTER_TURNS:
                yield {"quarter_turns": turns}, np.rot90(picture, turns)

    def choose(self, own: Reading, others: Sequence[Reading]) -> Reading:
        """Return the surest reading."""
        return max((own, *others), key=lambda reading: reading.confidence)


def _may_be_tall(file: bytes) -> bool:
    """Return whether a picture is tall, or would be if it lies in the file as a camera was held."""
    header = read_header(file)
    if header is None:
        return False
    return max(header.height, header.width) > TALL * min(header.height, header.width)
