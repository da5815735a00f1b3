"""Second looks: which images are read again, changed, when their first reading is unsure.

They are kept with the model and are no part of its network: whatever reads with it applies them.
"""

import dataclasses

from attention_ocr.settings.checks import check

WIDEST = 4.0
"""The largest factor by which an image may be widened."""


@dataclasses.dataclass(frozen=True)
class SecondLooksConfig:
    """Which images are read again. Each limit is a confidence; 0 turns that look off.

    Args:
        rotate_tall_below: An image much taller than wide that is read with less confidence is read
            rotated by 90 degrees both ways as well.
        widths_below: An image that is read with less confidence is read widened as well.
        widths: Factors by which it is widened, in the order in which they are tried: where the
            first one gives the same text again, that is the end of it.
        deskew_below: An image that is read with less confidence, and not alike when widened, is
            read deskewed as well, as a word that rises and as one that falls.
        rotate_180_below: An image that is read with less confidence after all other looks is read
            upside down as well.
    """

    rotate_tall_below: float = 0.0
    widths_below: float = 0.0
    widths: tuple[float, ...] = (1.6, 1.3)
    deskew_below: float = 0.0
    rotate_180_below: float = 0.0

    def __post_init__(self) -> None:
        for name in LIMITS:
            check(
                0.0 <= getattr(self, name) <= 1.0,
                f"`{name}` must be a confidence, from 0 to 1.",
                getattr(self, name),
            )
        check(
            all(0.0 < factor <= WIDEST and factor != 1.0 for factor in self.widths)
            and len(set(self.widths)) == len(self.widths),
            f"`widths` must be different factors above 0, at most {WIDEST:g}, and not 1.",
            self.widths,
        )
        check(
            bool(self.widths) or self.widths_below == 0.0,
            "A `widths_below` above 0 needs `widths`.",
            self.widths_below,
        )

    @property
    def below(self) -> float:
        """The confidence from which on no image is read again."""
        return max(getattr(self, name) for name in LIMITS)

    @property
    def enabled(self) -> bool:
        """Whether any image is read again."""
        return self.below > 0.0


LIMITS = ("rotate_tall_below", "widths_below", "deskew_below", "rotate_180_below")
"""The fields that are limits of confidence."""

RECOMMENDED = SecondLooksConfig(
    rotate_tall_below=0.9, widths_below=0.9, deskew_below=0.5, rotate_180_below=0.3
)
"""For words in photographs; what the weights of the package are read with."""
