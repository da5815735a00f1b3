"""How an image becomes the input of the network."""

import dataclasses

from attention_ocr.settings.fields import (
    POSITIVE,
    Limit,
    at_most,
    between,
    check_fields,
    multiple_of,
    setting,
)

WIDTH_MULTIPLE = 16
"""Widths are padded to a multiple of this, so that every stride of every encoder divides them."""

STRETCHED_RATIOS = (1.0, 4.0)
"""Ratios of width to height between which `narrow_stretch` falls from its full value to 1."""

MAX_STRETCH = 4.0
"""Largest stretch factor; more would distort characters beyond recognition."""


@dataclasses.dataclass(frozen=True)
class ImageConfig:
    """How an image becomes the input of the network."""

    image_height: int = setting(
        32,
        "Input height in pixels, to which every image is scaled; encoders with larger strides need "
        "a multiple of 32.",
        POSITIVE,
        at_most(2**12),
        multiple_of(16),
    )
    max_image_width: int = setting(
        256,
        "Largest input width in pixels; wider images are shrunk as a whole. With several views, "
        "the width of each.",
        POSITIVE,
        at_most(2**16),
        multiple_of(16),
    )
    image_channels: int = setting(
        1,
        "Input channels: 1 (gray) or 3 (colour).",
        Limit(lambda channels: channels in (1, 3), "must be 1 (gray) or 3 (colour)", "1, 3"),
    )
    num_views: int = setting(
        1,
        "Views of equal width that stand side by side in every image file; the text is read from "
        "all of them.",
        POSITIVE,
        at_most(64),
    )
    narrow_stretch: float = setting(
        1.0,
        "Widening factor of images that are square or narrower, which gives their characters more "
        "columns of the feature grid; it falls linearly to 1 at an aspect ratio of 4:1. 1 keeps "
        "all proportions.",
        between(1.0, MAX_STRETCH),
    )

    @property
    def input_height(self) -> int:
        """Rows of the network's input, pixels: its views stand one below the other."""
        return self.image_height * self.num_views

    def __post_init__(self) -> None:
        check_fields(self)
