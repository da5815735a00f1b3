"""The recogniser: which layers it is made of, and how wide they are."""

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

_ENCODERS = {
    "compact": "attention_ocr.models.encoders.compact:CompactEncoder",
    "compact_flat": "attention_ocr.models.encoders.compact:FlatCompactEncoder",
    "vgg": "attention_ocr.models.encoders.vgg:VGGEncoder",
    "resnet": "attention_ocr.models.encoders.resnet:ResNetEncoder",
    "recursive": "attention_ocr.models.encoders.recursive:RecursiveEncoder",
    "inception_v3": "attention_ocr.models.encoders.keras_application:InceptionV3Encoder",
    "application": "attention_ocr.models.encoders.keras_application:ApplicationEncoder",
}
"""Where the class of each encoder is. A new encoder of the package is a class and a line here."""

ENCODERS = Registry("encoders", "encoder", _ENCODERS, base="keras.layers:Layer")
SEQUENCE_CELLS = Registry(
    "sequence_cells",
    "sequence_cell",
    {
        "lstm": "attention_ocr.models.sequence:BidirectionalLSTM",
        "gru": "attention_ocr.models.gru:BidirectionalGRU",
    },
    base="keras.layers:Layer",
)

BACKBONE_ENCODERS = ("inception_v3", "application")
"""The encoders that are a network of `keras.applications`, cut at a layer."""

COMPACT_ENCODERS = ("compact", "compact_flat")
"""The encoders whose depth is a setting."""

CHOICES = {
    "rectifier": ("none", "affine", "tps"),
    "coordinates": ("none", "one_hot", "sinusoidal"),
    "sequence_cell": tuple(SEQUENCE_CELLS),
}
"""The values of the other fields that are a choice."""


MAX_UNITS = 2**14
"""Of a layer, and characters of a text: a damaged file of settings must not ask for terabytes."""

MAX_MULTIPLE = 64
"""Of the layers of an encoder or of their channels, and layers above it."""

MAX_POINTS = 1024
"""Of a rectifier, whose spline takes their square."""


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The recogniser.

    Args:
        rectifier: straightens pictures before the encoder: `none`, `affine`, or `tps`, a thin-plate
            spline.
        rectifier_points: control points of the spline, an even number.
        encoder: name of the encoder in `ENCODERS`, or `package.module:Class`.
        encoder_width: multiplies the channels of every layer of the encoder; 1 for those in
            `BACKBONE_ENCODERS`.
        encoder_depth: multiplies the residual units of every stage, rounded up; 1 for all but
            `COMPACT_ENCODERS`.
        encoder_iterations: times that each shared convolution of `encoder=recursive` runs; 2, its
            default, for all others.
        encoder_backbone: network of `keras.applications` for `encoder=application`.
        encoder_layer: where such a network is cut: an endpoint in TF-slim's names for
            `inception_v3`, where empty takes `Mixed_5d`; a layer's name for `application`.
        coordinates: what is appended to each cell of the grid: `none`; `one_hot`, its row and its
            column up to that of `max_image_width`; or `sinusoidal`, waves of both.
        sequence_cell: `lstm`, `gru` or `package.module:Class`, of the sequence layers.
        sequence_layers: bidirectional layers over the columns of the grid; 0 keeps the
            grid two-dimensional.
        sequence_units: units of each direction.
        attention_units: width of the space in which queries meet keys.
        decoder_units: units of the decoder's LSTM.
        embedding_units: width of the embedding of the previous character.
        max_length: characters of the longest text the model reads, the end token excluded.
        dropout: fraction of the decoder's output that is dropped in training.
        ctc_weight: weight of the CTC loss beside the attention loss; 0 builds no CTC head.
        attention_weight: weight of the attention loss; 0 trains the CTC head alone.
        encoder_options: Options of the encoder's own, `key=value,...`; see `docs/plugins.md`.
        sequence_options: Options of the sequence layers' own.
    """

    rectifier: str = "none"
    rectifier_points: int = 20
    encoder: str = "compact"
    encoder_width: float = 1.0
    encoder_depth: float = 1.0
    encoder_iterations: int = 2
    encoder_backbone: str = ""
    encoder_layer: str = ""
    coordinates: str = "none"
    sequence_cell: str = "lstm"
    sequence_layers: int = 1
    sequence_units: int = 128
    attention_units: int = 128
    decoder_units: int = 256
    embedding_units: int = 64
    max_length: int = 24
    dropout: float = 0.1
    ctc_weight: float = 0.5
    attention_weight: float = 1.0
    encoder_options: str = ""
    sequence_options: str = ""

    def __post_init__(self) -> None:
        write_out_places(self, encoder=ENCODERS, sequence_cell=SEQUENCE_CELLS)
        for name in ("rectifier", "coordinates"):
            check_choice(name, getattr(self, name), CHOICES[name])
        for name in ("encoder_options", "sequence_options"):
            parse_options(name, getattr(self, name))
        self._check_backbone()
        check(
            self.encoder_depth == 1.0 or self.encoder in COMPACT_ENCODERS,
            f"`encoder_depth` must be 1 for `encoder={self.encoder}`; it is for "
            f"{' and '.join(COMPACT_ENCODERS)}.",
            self.encoder_depth,
        )
        check(
            self.encoder_iterations == 2 or self.encoder == "recursive",
            f"`encoder_iterations` must be 2 for `encoder={self.encoder}`; it is for recursive.",
            self.encoder_iterations,
        )
        check(
            self.rectifier_points >= 4 and self.rectifier_points % 2 == 0,
            "`rectifier_points` must be even and at least 4.",
            self.rectifier_points,
        )
        check_positive(
            self,
            "encoder_width",
            "encoder_depth",
            "encoder_iterations",
            "sequence_units",
            "attention_units",
            "decoder_units",
            "embedding_units",
            "max_length",
        )
        check_not_negative(self, "sequence_layers", "ctc_weight", "attention_weight")
        check_at_most(self, MAX_UNITS, "sequence_units", "attention_units", "decoder_units")
        check_at_most(self, MAX_UNITS, "embedding_units", "max_length")
        check_at_most(self, MAX_MULTIPLE, "encoder_width", "encoder_depth", "sequence_layers")
        check_at_most(self, MAX_POINTS, "rectifier_points")
        check_fraction(self, "dropout")

    def _check_backbone(self) -> None:
        if self.encoder in BACKBONE_ENCODERS:
            check(
                self.encoder_width == 1.0,
                f"`encoder_width` must be 1 for `encoder={self.encoder}`, whose layers have a "
                "width of their own.",
                self.encoder_width,
            )
        else:
            check(
                not self.encoder_layer,
                f"`encoder_layer` must be empty for `encoder={self.encoder}`; it is for "
                f"{' and '.join(BACKBONE_ENCODERS)}.",
                self.encoder_layer,
            )
        needs_backbone = self.encoder == "application"
        check(
            bool(self.encoder_backbone) == needs_backbone,
            f"`encoder_backbone` must {'name a network' if needs_backbone else 'be empty'} for "
            f"`encoder={self.encoder}`.",
            self.encoder_backbone,
        )
        check(
            bool(self.encoder_layer) or not needs_backbone,
            "`encoder_layer` must name the last layer for `encoder=application`.",
            self.encoder_layer,
        )
