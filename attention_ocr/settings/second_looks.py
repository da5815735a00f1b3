"""Second looks: which images are re-read, transformed, after a reading of low confidence.

They are saved with the model but are not part of its network; every reader applies them.
"""

import dataclasses

from attention_ocr.settings.checks import check
from attention_ocr.settings.fields import Limit, between, check_fields, setting

WIDEST = 4.0
"""Largest widening factor."""

CONFIDENCE = between(0.0, 1.0, "must be a confidence, from 0 to 1")
FACTORS = Limit(
    lambda factors: (
        all(0.0 < factor <= WIDEST and factor != 1.0 for factor in factors)
        and len(set(factors)) == len(factors)
    ),
    f"must be different factors above 0, at most {WIDEST:g}, and not 1",
    f"(0, {WIDEST:g}], not 1",
)


@dataclasses.dataclass(frozen=True)
class SecondLooksConfig:
    """Which images are re-read. Each limit is a confidence; 0 disables that look."""

    rotate_tall_below: float = setting(
        0.0,
        "Confidence below which an image much taller than wide is re-read rotated by 90 degrees "
        "both ways; 0 for never.",
        CONFIDENCE,
    )
    widths_below: float = setting(
        0.0, "Confidence below which an image is re-read widened; 0 for never.", CONFIDENCE
    )
    widths: tuple[float, ...] = setting(
        (1.6, 1.3),
        "Widening factors of --widths_below, in the order in which they are tried; the first one "
        "that confirms the text ends it.",
        FACTORS,
    )
    deskew_below: float = setting(
        0.0,
        "Confidence below which an image whose text differs when widened is re-read straightened, "
        "along the two likeliest slopes and an arc; 0 for never.",
        CONFIDENCE,
    )
    rotate_180_below: float = setting(
        0.0,
        "Confidence, after all other second looks, below which an image is re-read upside down; 0 "
        "for never.",
        CONFIDENCE,
    )

    def __post_init__(self) -> None:
        check_fields(self)
        check(
            bool(self.widths) or self.widths_below == 0.0,
            "A `widths_below` above 0 needs `widths`.",
            self.widths_below,
        )

    @property
    def below(self) -> float:
        """The confidence from which on no image is re-read."""
        return max(getattr(self, name) for name in LIMITS)

    @property
    def enabled(self) -> bool:
        """Whether any image is re-read."""
        return self.below > 0.0


LIMITS = ("rotate_tall_below", "widths_below", "deskew_below", "rotate_180_below")
"""The fields that are confidence limits."""

RECOMMENDED = SecondLooksConfig(
    rotate_tall_below=0.9,
    widths_below=0.7,
    widths=(0.75, 1.3),
    deskew_below=0.5,
    rotate_180_below=0.3,
)
"""For words in photographs; the settings of the bundled model. Models trained without
`narrow_stretch` gain more from the default widths."""
