"""How texts are made of what the network says. Nothing here is part of the trained model."""

import dataclasses

from attention_ocr.settings.checks import check_choice

DECODINGS = ("attention", "ctc")

CHOICES = {"decoding": DECODINGS}
"""The values of the fields that are a choice."""


@dataclasses.dataclass(frozen=True)
class DecodingConfig:
    """How texts are decoded.

    Args:
        decoding: which head reads, `attention` or `ctc`.
    """

    decoding: str = "attention"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            check_choice(name, getattr(self, name), choices)
