"""The interface of engines, and their output."""

import dataclasses
import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from attention_ocr.images.image import LazyImage
from attention_ocr.settings.config import Config
from attention_ocr.text.charset import Charset


@dataclass(frozen=True)
class Reading:
    """The reading of one image.

    Attributes:
        text: The text; empty if nothing was read.
        confidence: Probability of the whole text, in [0, 1].
        character_confidences: Probability of each character of `text`, in [0, 1].
        attention: float32 [n, H', W'], where each of the n characters was read, over the padded
            image.
        attention_extent: Fractions of the attention's height and width that the image fills.
        error: Why the image could not be read; None if it could.
        alternatives: The n best texts of a search with their confidences, the best first; none
            with greedy decoding.
        quarter_turns: Anticlockwise rotation of the image before it was read, in steps of 90
            degrees; see `inference.second_looks.rotate`.
        slant: Assumed slope of the word in degrees, positive if it falls to the right, by which it
            was rotated before it was read; see `inference.second_looks.deskew`.
        shear: Likewise of a word with upright letters, which was sheared.
        arc: Degrees of the arc along which the word was assumed to run, positive if its middle is
            highest, and from which it was straightened.
        width_factor: Factor by which the image was widened before it was read; see
            `inference.second_looks.widths`.
        margin: Width of the margin added at each side before the image was read, as a fraction of
            the height; see `inference.second_looks.widths`.
        path: Path of the image, or its key in a mapping; None for pixels and bytes.
        warning: Why the text may be wrong although the image could be read; usually None.
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
    shear: float = 0.0
    arc: float = 0.0
    width_factor: float = 1.0
    margin: float = 0.0
    path: str | None = None
    warning: str | None = None

    def __repr__(self) -> str:
        parts = [repr(self.text), f"confidence={self.confidence:.3g}"]
        parts += [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in dataclasses.fields(self)
            if field.default is not dataclasses.MISSING
            and getattr(self, field.name) != field.default
        ]
        return f"Reading({', '.join(parts)})"

    def _repr_html_(self) -> str:
        """Return the text as a notebook shows it, characters of low confidence in red."""
        characters = "".join(
            f'<span title="{confidence:.1%}" style="background: rgba(214, 39, 40, '
            f'{1.0 - confidence:.2f})">{html.escape(character)}</span>'
            for character, confidence in zip(self.text, self.character_confidences, strict=False)
        )
        remarks = " ".join(filter(None, (self.path, self.error, self.warning)))
        return (
            f'<span dir="auto" style="font-family: monospace; white-space: pre">{characters}</span>'
            f" {self.confidence:.1%} <small>{html.escape(remarks)}</small>"
        )

    @property
    def shrunk(self) -> bool:
        """Whether the image was too wide for the network, and was shrunk below its height."""
        return self.attention_extent[0] < 1.0


class Engine(Protocol):
    """Reads images with one model.

    Attributes:
        config: Settings of the model.
        charset: Its characters.
    """

    config: Config
    charset: Charset

    def read(self, images: Sequence[LazyImage]) -> list[Reading]:
        """Read images.

        Args:
            images: Files, or pixels.

        Returns:
            A reading for each, in order; that of an undecodable image has its `error`.
        """
        ...
