"""How a picture becomes the input of the network."""

import dataclasses

from attention_ocr.settings.checks import check, check_at_most, check_positive

WIDTH_MULTIPLE = 16
"""Widths are padded to a multiple of this, so that every stride of every encoder divides them."""

STRETCHED_RATIOS = (1.0, 4.0)
"""Ratios of width to height between which `narrow_stretch` falls from its full value to 1."""

MAX_STRETCH = 4.0
"""More would leave little of the shape of a character."""


@dataclasses.dataclass(frozen=True)
class ImageConfig:
    """How a picture becomes the input of the network.

    Args:
        image_height: pixels. Every picture is scaled to this height, a multiple of 16; an encoder
            with larger steps asks for a multiple of them.
        max_image_width: pixels. A picture that would be wider at `image_height` is shrunk as a
            whole until it fits, and counted. Of several views, the width of each.
        image_channels: 1 (gray) or 3 (colour).
        num_views: views of equal width that stand side by side in every image file; each is a
            picture of its own to the encoder, and the text is read from all of them.
        narrow_stretch: factor by which an image as high as wide, or narrower, is widened, so that
            its characters get enough columns of the grid. It falls linearly with the ratio of width
            to height and is 1 from a ratio of 4 on; 1 keeps all proportions.
    """

    image_height: int = 32
    max_image_width: int = 256
    image_channels: int = 1
    num_views: int = 1
    narrow_stretch: float = 1.0

    @property
    def input_height(self) -> int:
        """Rows of the network's input, pixels: its views stand one below the other."""
        return self.image_height * self.num_views

    def __post_init__(self) -> None:
        check_positive(self, "image_height", "max_image_width", "num_views")
        check_at_most(self, 2**12, "image_height")
        check_at_most(self, 2**16, "max_image_width")
        check_at_most(self, 64, "num_views")
        check(self.image_height % 16 == 0, "`image_height` must divide by 16.", self.image_height)
        check(
            self.max_image_width % 16 == 0,
            "`max_image_width` must divide by 16.",
            self.max_image_width,
        )
        check(
            self.image_channels in (1, 3),
            "`image_channels` must be 1 (gray) or 3 (colour).",
            self.image_channels,
        )
        check(
            1.0 <= self.narrow_stretch <= MAX_STRETCH,
            f"`narrow_stretch` must be from 1 to {MAX_STRETCH:g}.",
            self.narrow_stretch,
        )
