"""Engines that read some pictures again, changed, and keep one of the readings."""

import abc
import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from attention_ocr.data.image_arrays import encode_array
from attention_ocr.data.pixels import reduce_file
from attention_ocr.engines.interface import Engine, Reading

View = tuple[Mapping[str, Any], np.ndarray]
"""Fields of `Reading` that tell how a picture was changed, and the changed one, uint8 [h, w, 3]."""


class ViewsEngine(abc.ABC):
    """Reads by another engine, and again what a subclass has views of.

    Args:
        engine: reads.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.config = engine.config
        self.charset = engine.charset

    @abc.abstractmethod
    def views(self, file: bytes, reading: Reading) -> Iterable[View]:
        """Return what is read beside a picture that was read so; nothing where that will do."""

    @abc.abstractmethod
    def choose(self, own: Reading, others: Sequence[Reading]) -> Reading:
        """Return the reading that is kept, of a picture and of its views."""

    def read(self, files: Sequence[bytes]) -> list[Reading]:
        """Read images, see `Engine.read`."""
        files = [reduce_file(file) for file in files]
        readings = self.engine.read(files)
        views = [
            (index, fields, encode_array(picture))
            for index, (file, reading) in enumerate(zip(files, readings, strict=True))
            # What could not be read has an error, and no other reading of it stands for it.
            if reading.error is None
            for fields, picture in self.views(file, reading)
        ]
        if not views:
            return readings
        others: dict[int, list[Reading]] = defaultdict(list)
        again = self.engine.read([file for _, _, file in views])
        for (index, fields, _), reading in zip(views, again, strict=True):
            others[index].append(dataclasses.replace(reading, **fields))
        for index, of_views in others.items():
            readings[index] = self.choose(readings[index], of_views)
        return readings
