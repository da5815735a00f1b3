"""The network: its layers and their sizes."""

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

_ENCODERS = {
    "compact": "attention_ocr.models.encoders.compact:CompactEncoder",
    "compact_flat": "attention_ocr.models.encoders.compact:FlatCompactEncoder",
    "vgg": "attention_ocr.models.encoders.vgg:VGGEncoder",
    "resnet": "attention_ocr.models.encoders.resnet:ResNetEncoder",
    "recursive": "attention_ocr.models.encoders.recursive:RecursiveEncoder",
    "inception_v3": "attention_ocr.models.encoders.keras_application:InceptionV3Encoder",
    "application": "attention_ocr.models.encoders.keras_application:ApplicationEncoder",
}
"""Place of each encoder class. Add a new encoder of the package here."""

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
"""The encoders that are networks of `keras.applications`, cut at a layer."""

COMPACT_ENCODERS = ("compact", "compact_flat")
"""The encoders with a depth setting."""

RECTIFIERS = ("none", "affine", "tps")
COORDINATES = ("none", "one_hot", "sinusoidal")

MAX_UNITS = 2**14
"""Limit of layer widths and text lengths: damaged settings must not ask for terabytes."""

MAX_MULTIPLE = 64
"""Limit of the encoder's depth and width multipliers, and of layers above it."""

MAX_POINTS = 1024
"""Limit of a rectifier's control points: its spline takes their square."""


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The network: its layers and their sizes."""

    rectifier: str = setting(
        "none",
        "Rectifier that straightens images before the encoder; tps is a thin-plate spline.",
        choices=RECTIFIERS,
    )
    rectifier_points: int = setting(
        20,
        "Control points of --rectifier=tps.",
        Limit(
            lambda points: points >= 4 and points % 2 == 0,
            "must be even and at least 4",
            "even, ≥ 4",
        ),
        at_most(MAX_POINTS),
    )
    encoder: str = setting("compact", "Convolutional encoder.", choices=ENCODERS)
    encoder_width: float = setting(
        1.0,
        "Multiplier of the encoder's channels; 1 for networks of keras.applications.",
        POSITIVE,
        at_most(MAX_MULTIPLE),
    )
    encoder_depth: float = setting(
        1.0,
        "Multiplier of the residual units per stage, rounded up, of --encoder=compact and "
        "compact_flat; 1 for others.",
        POSITIVE,
        at_most(MAX_MULTIPLE),
    )
    encoder_iterations: int = setting(
        2, "Iterations of each shared convolution of --encoder=recursive; 2 for others.", POSITIVE
    )
    encoder_backbone: str = setting("", "Network of keras.applications for --encoder=application.")
    encoder_layer: str = setting(
        "",
        "Layer at which a network of keras.applications is cut; for --encoder=inception_v3 a "
        "TF-slim endpoint, where empty is Mixed_5d.",
    )
    coordinates: str = setting(
        "none",
        "Coordinates appended to each cell of the feature grid: its row and column one-hot, or "
        "sinusoidal waves of both.",
        choices=COORDINATES,
    )
    sequence_cell: str = setting(
        "lstm", "Recurrent cell of the sequence layers.", choices=SEQUENCE_CELLS
    )
    sequence_layers: int = setting(
        1,
        "Bidirectional sequence layers over the columns of the feature grid; 0 keeps the grid "
        "two-dimensional.",
        NOT_NEGATIVE,
        at_most(MAX_MULTIPLE),
    )
    sequence_units: int = setting(
        128, "Units of the sequence layers in each direction.", POSITIVE, at_most(MAX_UNITS)
    )
    attention_units: int = setting(
        128,
        "Width of the space in which attention compares queries with keys.",
        POSITIVE,
        at_most(MAX_UNITS),
    )
    decoder_units: int = setting(
        256, "Units of the decoder's recurrent layers.", POSITIVE, at_most(MAX_UNITS)
    )
    embedding_units: int = setting(
        64, "Width of the embedding of the previous character.", POSITIVE, at_most(MAX_UNITS)
    )
    max_length: int = setting(
        24,
        "Length, in characters, of the longest text that can be read.",
        POSITIVE,
        at_most(MAX_UNITS),
    )
    dropout: float = setting(0.1, "Dropout rate of the decoder's output in training.", FRACTION)
    ctc_weight: float = setting(0.5, "Weight of the CTC loss; 0 builds no CTC head.", NOT_NEGATIVE)
    attention_weight: float = setting(
        1.0, "Weight of the attention loss; 0 builds the CTC head alone.", NOT_NEGATIVE
    )

    encoder_options: str = setting(
        "", "Additional options of the encoder class, 'key=value,...', see docs/plugins.md."
    )
    sequence_options: str = setting(
        "", "Additional options of the sequence layer class, 'key=value,...', see docs/plugins.md."
    )

    def __post_init__(self) -> None:
        check_fields(self)
        write_out_places(self, encoder=ENCODERS, sequence_cell=SEQUENCE_CELLS)
        for name in ("encoder_options", "sequence_options"):
            parse_options(name, getattr(self, name))
        self._check_backbone()
        check(
            self.encoder_depth == 1.0 or self.encoder in COMPACT_ENCODERS,
            f"`encoder_depth` must be 1 for `encoder={self.encoder}`; only "
            f"{' and '.join(COMPACT_ENCODERS)} take it.",
            self.encoder_depth,
        )
        check(
            self.encoder_iterations == 2 or self.encoder == "recursive",
            f"`encoder_iterations` must be 2 for `encoder={self.encoder}`; only recursive takes "
            "it.",
            self.encoder_iterations,
        )

    def _check_backbone(self) -> None:
        if self.encoder in BACKBONE_ENCODERS:
            check(
                self.encoder_width == 1.0,
                f"`encoder_width` must be 1 for `encoder={self.encoder}`, whose layer widths are "
                "fixed.",
                self.encoder_width,
            )
        else:
            check(
                not self.encoder_layer,
                f"`encoder_layer` must be empty for `encoder={self.encoder}`; only "
                f"{' and '.join(BACKBONE_ENCODERS)} take it.",
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
