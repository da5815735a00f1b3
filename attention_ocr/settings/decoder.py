"""The attention decoder."""

import dataclasses

from attention_ocr.settings.checks import check
from attention_ocr.settings.fields import (
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    Limit,
    at_most,
    check_fields,
    setting,
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
"""Place of each attention class. Add a new attention of the package here."""

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
    """The attention decoder; its widths are in the section of the model."""

    attention: str = setting(
        "additive",
        "Attention mechanism; none takes the mean of the feature grid.",
        choices=ATTENTIONS,
    )
    attention_normalization: str = setting(
        "softmax",
        "Function that turns attention scores into weights; sigmoid spreads them over more cells.",
        choices=NORMALIZATIONS,
    )
    attention_heads: int = setting(
        4,
        "Attention heads of --attention=dot; a divisor of --attention_units.",
        POSITIVE,
        at_most(1024),
    )
    hard_temperature: float = setting(
        1.0,
        "Sampling temperature of --attention=hard in training; above 1 the draws spread.",
        POSITIVE,
    )
    hard_soft_share: float = setting(
        0.5,
        "Fraction of the training steps in which --attention=hard takes the expectation instead of "
        "one cell.",
        FRACTION,
    )
    location_filters: int = setting(
        10,
        "Filters of the convolution over the previous weights in --attention=location.",
        POSITIVE,
        at_most(1024),
    )
    location_kernel: int = setting(
        7,
        "Kernel size, in cells, of the convolution over the previous weights in "
        "--attention=location.",
        POSITIVE,
        at_most(1024),
        Limit(lambda size: size % 2 == 1, "must be odd", "odd"),
    )
    decoder_cell: str = setting("lstm", "Recurrent cell of the decoder.", choices=DECODER_CELLS)
    cell_clip: float = setting(
        0.0,
        "Largest magnitude of the cell state of --decoder_cell=lstm; 0 for no clipping.",
        NOT_NEGATIVE,
    )
    decoder_layers: int = setting(
        1, "Recurrent layers of the decoder, each with its own weights.", POSITIVE, at_most(64)
    )
    autoregressive: bool = setting(True, "Feed the previous character to each decoder step.")
    feedback: str = setting(
        "embedding",
        "Encoding of the previous character that is fed to a decoder step.",
        choices=FEEDBACKS,
    )

    decoder: str = setting(
        "attention",
        "Decoder class; attention is the recurrent decoder that the other settings describe.",
        choices=DECODERS,
    )
    decoder_options: str = setting(
        "", "Additional options of the decoder class, 'key=value,...', see docs/plugins.md."
    )
    attention_options: str = setting(
        "", "Additional options of the attention class, 'key=value,...', see docs/plugins.md."
    )

    def __post_init__(self) -> None:
        check_fields(self)
        write_out_places(self, attention=ATTENTIONS, decoder=DECODERS)
        for name in ("decoder_options", "attention_options"):
            parse_options(name, getattr(self, name))
        check(
            not self.cell_clip or self.decoder_cell == "lstm",
            "`cell_clip` must be 0 for a recurrent cell without a cell state, "
            f"`decoder_cell={self.decoder_cell}`.",
            self.cell_clip,
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
