"""What every engine takes and gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from attention_ocr.charset import Charset
from attention_ocr.config import Config


@dataclass(frozen=True)
class Reading:
    """What was read in one image.

    Attributes:
        text: the text; empty where nothing was read.
        confidence: probability of the whole text, in [0, 1].
        character_confidences: probability of each character of `text`, in [0, 1].
        attention: float32 [n, H', W'], where each of the n characters was read, over the padded
            picture.
        attention_extent: shares of the attention's height and width that the picture fills.
        error: why the image could not be read; none if it could.
        alternatives: the n best texts of a search with their confidences, the best first; none
            with greedy decoding.
        quarter_turns: Anticlockwise rotation of the image before it was read, in steps of 90
            degrees; see `engines.turning`.
        slant: Degrees by which the word was taken to fall to the right, and was deskewed before it
            was read; see `engines.leveling`.
        width_factor: By which the image was widened before it was read; see `engines.widths`.
        margin: Width of the strip that was added at each side before the image was read, a share of
            the height; see `engines.widths`.
    """

    text: str
    confidence: float
    character_confidences: tuple[float, ...]
    attention: np.ndarray
    attention_extent: tuple[float, float]
    error: str | None = None
    alternatives: tuple[tuple[str, float], ...] = ()
    quarter_turns: int = 0
    slant: float = 0.0
    width_factor: float = 1.0
    margin: float = 0.0

    @property
    def shrunk(self) -> bool:
        """Whether the image was too wide for the network, and was shrunk below its height."""
        return self.attention_extent[0] < 1.0


class Engine(Protocol):
    """Reads the files of images with one model.

    Attributes:
        config: settings of the model.
        charset: its characters.
    """

    config: Config
    charset: Charset

    def read(self, files: Sequence[bytes]) -> list[Reading]:
        """Read images.

        Args:
            files: bytes of PNG, JPEG, BMP or GIF files.

        Returns:
            A reading for each, in their order; what is no such file has the error
            `signature.STATUS_UNREADABLE`.
        """
        ...
