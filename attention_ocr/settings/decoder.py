"""The attention decoder: what its steps are made of."""

import dataclasses

from attention_ocr.settings.checks import (
    check,
    check_at_most,
    check_choice,
    check_fraction,
    check_not_negative,
    check_positive,
)
from attention_ocr.settings.plugin_options import parse_options
from attention_ocr.settings.registries import Registry, write_out_places

_ATTENTIONS = {
    "additive": "attention_ocr.models.attention.additive:AdditiveAttention",
    "location": "attention_ocr.models.attention.location:LocationAttention",
    "dot": "attention_ocr.models.attention.dot:DotAttention",
    "hard": "attention_ocr.models.attention.hard:HardAttention",
    "none": "attention_ocr.models.attention.mean:MeanAttention",
}
"""Where the class of each attention is. A new one of the package is a class and a line here."""

ATTENTIONS = Registry(
    "attentions",
    "attention",
    _ATTENTIONS,
    base="attention_ocr.models.attention.interface:Attention",
)
DECODERS = Registry(
    "decoders",
    "decoder",
    {"attention": "attention_ocr.models.decoder:AttentionDecoder"},
    base="attention_ocr.models.decoder_interface:Decoder",
)

NORMALIZATIONS = ("softmax", "sigmoid")
DECODER_CELLS = ("lstm", "gru")
FEEDBACKS = ("embedding", "one_hot")


@dataclasses.dataclass(frozen=True)
class DecoderConfig:
    """The attention decoder; its widths are in the section of the model.

    Args:
        attention: name of the attention in `ATTENTIONS`, or `package.module:Class`; `none` sees
            the mean of the grid.
        attention_normalization: `softmax`, or `sigmoid`, which shares the attention out more.
        attention_heads: of `attention=dot`; they divide `attention_units`.
        hard_temperature: of `attention=hard`; above 1 the draws of training spread.
        hard_soft_share: of `attention=hard`, share of the steps of training that see the
            expectation in place of one cell.
        location_filters: of `attention=location`, features of the previous weights.
        location_kernel: of `attention=location`, odd size of the convolution, cells.
        decoder_cell: recurrent cell, `lstm` or `gru`.
        cell_clip: largest magnitude of the cell state of `decoder_cell=lstm`; 0 clips nothing.
        decoder_layers: recurrent layers, each with weights of its own.
        autoregressive: whether a step is told the previous character.
        feedback: how it is told: as an `embedding`, or `one_hot`.
        decoder: `attention`, the recurrent decoder that all of the above describe, or
            `package.module:Class`, which uses those that it names.
        decoder_options: Options of the decoder's own, `key=value,...`; see `docs/plugins.md`.
        attention_options: Options of the attention's own.
    """

    attention: str = "additive"
    attention_normalization: str = "softmax"
    attention_heads: int = 4
    hard_temperature: float = 1.0
    hard_soft_share: float = 0.5
    location_filters: int = 10
    location_kernel: int = 7
    decoder_cell: str = "lstm"
    cell_clip: float = 0.0
    decoder_layers: int = 1
    autoregressive: bool = True
    feedback: str = "embedding"
    decoder: str = "attention"
    decoder_options: str = ""
    attention_options: str = ""

    def __post_init__(self) -> None:
        write_out_places(self, attention=ATTENTIONS, decoder=DECODERS)
        for name in ("decoder_options", "attention_options"):
            parse_options(name, getattr(self, name))
        check_choice("attention_normalization", self.attention_normalization, NORMALIZATIONS)
        check_choice("decoder_cell", self.decoder_cell, DECODER_CELLS)
        check_choice("feedback", self.feedback, FEEDBACKS)
        check_positive(
            self,
            "attention_heads",
            "hard_temperature",
            "location_filters",
            "location_kernel",
            "decoder_layers",
        )
        check_at_most(self, 1024, "attention_heads", "location_filters", "location_kernel")
        check_at_most(self, 64, "decoder_layers")
        check_fraction(self, "hard_soft_share")
        check_not_negative(self, "cell_clip")
        check(
            not self.cell_clip or self.decoder_cell == "lstm",
            "`cell_clip` must be 0 for a cell without a cell state, "
            f"`decoder_cell={self.decoder_cell}`.",
            self.cell_clip,
        )
        check(
            self.location_kernel % 2 == 1,
            "`location_kernel` must be odd.",
            self.location_kernel,
        )
        check(
            self.attention != "none" or self.attention_normalization == "softmax",
            "`attention=none` has no scores that `attention_normalization` could change.",
            self.attention_normalization,
        )
        check(
            self.autoregressive or self.feedback == "embedding",
            "`feedback` needs `autoregressive`: without it nothing is fed back.",
            self.feedback,
        )
