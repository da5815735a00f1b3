"""How a picture becomes the input of the network."""

import dataclasses

from attention_ocr.settings.checks import check, check_positive


@dataclasses.dataclass(frozen=True)
class ImageConfig:
    """How a picture becomes the input of the network.

    Args:
        image_height: pixels. Every picture is scaled to this height, a multiple of 16; an encoder
            with larger steps asks for a multiple of them.
        max_image_width: pixels. A picture that would be wider at `image_height` is shrunk as a
            whole until it fits, and counted.
        image_channels: 1 (gray) or 3 (colour).
    """

    image_height: int = 32
    max_image_width: int = 256
    image_channels: int = 1

    def __post_init__(self) -> None:
        check_positive(self, "image_height", "max_image_width")
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
