"""The recogniser: which layers it is made of, and how wide they are."""

import dataclasses

from attention_ocr.settings.checks import (
    check_choice,
    check_fraction,
    check_not_negative,
    check_positive,
)

ENCODERS = {
    "compact": "attention_ocr.models.encoders.compact:CompactEncoder",
    "vgg": "attention_ocr.models.encoders.vgg:VGGEncoder",
    "resnet": "attention_ocr.models.encoders.resnet:ResNetEncoder",
    "recursive": "attention_ocr.models.encoders.recursive:RecursiveEncoder",
}
"""Where the class of each encoder is. A new encoder is a class and a line here."""


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The recogniser.

    Args:
        encoder: name of the encoder in `ENCODERS`.
        encoder_width: multiplies the channels of every layer of the encoder.
        sequence_layers: bidirectional LSTM layers over the columns of the grid; 0 keeps the
            grid two-dimensional.
        sequence_units: units of each direction.
        attention_units: width of the space in which queries meet keys.
        decoder_units: units of the decoder's LSTM.
        embedding_units: width of the embedding of the previous character.
        max_length: characters of the longest text the model reads, the end token excluded.
        dropout: fraction of the decoder's output that is dropped in training.
        ctc_weight: weight of the CTC loss beside the attention loss; 0 builds no CTC head.
        attention_weight: weight of the attention loss; 0 trains the CTC head alone.
    """

    encoder: str = "compact"
    encoder_width: float = 1.0
    sequence_layers: int = 1
    sequence_units: int = 128
    attention_units: int = 128
    decoder_units: int = 256
    embedding_units: int = 64
    max_length: int = 24
    dropout: float = 0.1
    ctc_weight: float = 0.5
    attention_weight: float = 1.0

    def __post_init__(self) -> None:
        check_choice("encoder", self.encoder, tuple(ENCODERS))
        check_positive(
            self,
            "encoder_width",
            "sequence_units",
            "attention_units",
            "decoder_units",
            "embedding_units",
            "max_length",
        )
        check_not_negative(self, "sequence_layers", "ctc_weight", "attention_weight")
        check_fraction(self, "dropout")
