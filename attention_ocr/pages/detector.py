"""The interface of detectors: what finds the lines of a page."""

import abc
import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from attention_ocr.layout.page import Line
from attention_ocr.settings.pages import DETECTORS
from attention_ocr.settings.plugin_options import typed_options


@dataclass(frozen=True, eq=False)
class PageImage:
    """The image of a page.

    Attributes:
        pixels: uint8 [H, W, 3], RGB.
        path: File of the page; None for pixels and bytes.
        number: Number of the page in its file, from 1.
    """

    pixels: np.ndarray
    path: str | None = None
    number: int = 1


class Detector(abc.ABC):
    """Finds the lines of pages. The constructor's arguments are the options of the detector."""

    @abc.abstractmethod
    def detect(self, page: PageImage) -> list[Line]:
        """Return the lines, or parts of lines, of a page in any order.

        Args:
            page: The page.

        Returns:
            Lines with a polygon and no text. Where a line has a `baseline`, text runs along it;
            otherwise the page reader finds out whether it is rotated. Where it has `words`, their
            polygons are read one by one by a model of words.

        Raises:
            ValueError: If the lines of this page cannot be found. It alone is not read then.
        """


def open_detector(detector: "str | Detector", num_threads: int | None = None) -> Detector:
    """Open a detector `NAME[,key=value...]`, such as `layout,folder=boxes`.

    Args:
        detector: A name in the registry of detectors, or `package.module:Class`, with options; a
            detector is returned as it is.
        num_threads: Threads of a detector that has the option `num_threads`, unless it is given.

    Raises:
        ImportError: If its package is not installed.
        ValueError: If there is no such detector, or it has no such option.
    """
    if isinstance(detector, Detector):
        return detector
    kind, options = parse_detector(detector)
    if num_threads is not None and "num_threads" in inspect.signature(kind).parameters:
        options = {"num_threads": num_threads, **options}
    opened: Detector = kind(**options)
    return opened


def parse_detector(detector: str) -> tuple[type[Detector], dict[str, Any]]:
    """Return the class of a detector and its options, see `open_detector`; nothing is opened.

    Raises:
        ValueError: If there is no such detector, or it has no such option.
    """
    name, _, options = detector.partition(",")
    kind: type[Detector] = DETECTORS.resolve(name)
    return kind, typed_options(kind, "detector", options)
