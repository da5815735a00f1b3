"""Layers for composing a recogniser: encoders, attentions, sequence layers, heads.

Example:
    recognizer = attention_ocr.models.Recognizer(
        encoder=layers.CompactEncoder(),
        sequence=[layers.BidirectionalLSTM(128)],
        ctc_head=layers.CTCHead(charset.vocabulary_size),
    )
"""

from typing import TYPE_CHECKING

from attention_ocr.public_names import public_names

if TYPE_CHECKING:
    from attention_ocr.models.attention.additive import AdditiveAttention
    from attention_ocr.models.attention.dot import DotAttention
    from attention_ocr.models.attention.hard import HardAttention
    from attention_ocr.models.attention.interface import (
        Attention,
        AttentionOutput,
        Choice,
        Memory,
        attention_weights,
        weighted_sum,
    )
    from attention_ocr.models.attention.location import LocationAttention
    from attention_ocr.models.attention.mean import MeanAttention
    from attention_ocr.models.clipped_lstm import ClippedLSTMCell
    from attention_ocr.models.coordinates import OneHotCoordinates, SinusoidalCoordinates
    from attention_ocr.models.ctc_head import CTCHead
    from attention_ocr.models.decoder import AttentionDecoder, DecoderState
    from attention_ocr.models.decoder_interface import (
        Choices,
        Decoder,
        ParallelOutput,
        TeacherForcedOutput,
    )
    from attention_ocr.models.encoders.compact import CompactEncoder, FlatCompactEncoder
    from attention_ocr.models.encoders.grid import (
        ConvolutionUnit,
        FusedBatchNormalization,
        valid_cells,
    )
    from attention_ocr.models.encoders.keras_application import (
        ApplicationEncoder,
        InceptionV3Encoder,
    )
    from attention_ocr.models.encoders.recursive import RecursiveEncoder, RecursiveUnit
    from attention_ocr.models.encoders.residual import ResidualUnit
    from attention_ocr.models.encoders.resnet import ResNetEncoder
    from attention_ocr.models.encoders.vgg import VGGEncoder
    from attention_ocr.models.gru import BidirectionalGRU
    from attention_ocr.models.rectifier import Rectifier
    from attention_ocr.models.sequence import BidirectionalLSTM
    from attention_ocr.models.transforms import AffineTransform, ThinPlateSpline
else:
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "attention_ocr.models.attention.additive": ("AdditiveAttention",),
            "attention_ocr.models.attention.dot": ("DotAttention",),
            "attention_ocr.models.attention.hard": ("HardAttention",),
            "attention_ocr.models.attention.interface": (
                "Attention",
                "AttentionOutput",
                "Choice",
                "Memory",
                "attention_weights",
                "weighted_sum",
            ),
            "attention_ocr.models.attention.location": ("LocationAttention",),
            "attention_ocr.models.attention.mean": ("MeanAttention",),
            "attention_ocr.models.clipped_lstm": ("ClippedLSTMCell",),
            "attention_ocr.models.coordinates": ("OneHotCoordinates", "SinusoidalCoordinates"),
            "attention_ocr.models.ctc_head": ("CTCHead",),
            "attention_ocr.models.decoder": ("AttentionDecoder", "DecoderState"),
            "attention_ocr.models.decoder_interface": (
                "Choices",
                "Decoder",
                "ParallelOutput",
                "TeacherForcedOutput",
            ),
            "attention_ocr.models.encoders.compact": ("CompactEncoder", "FlatCompactEncoder"),
            "attention_ocr.models.encoders.grid": (
                "ConvolutionUnit",
                "FusedBatchNormalization",
                "valid_cells",
            ),
            "attention_ocr.models.encoders.keras_application": (
                "ApplicationEncoder",
                "InceptionV3Encoder",
            ),
            "attention_ocr.models.encoders.recursive": ("RecursiveEncoder", "RecursiveUnit"),
            "attention_ocr.models.encoders.residual": ("ResidualUnit",),
            "attention_ocr.models.encoders.resnet": ("ResNetEncoder",),
            "attention_ocr.models.encoders.vgg": ("VGGEncoder",),
            "attention_ocr.models.gru": ("BidirectionalGRU",),
            "attention_ocr.models.rectifier": ("Rectifier",),
            "attention_ocr.models.sequence": ("BidirectionalLSTM",),
            "attention_ocr.models.transforms": ("AffineTransform", "ThinPlateSpline"),
        },
    )

__all__ = [
    "AdditiveAttention",
    "AffineTransform",
    "ApplicationEncoder",
    "Attention",
    "AttentionDecoder",
    "AttentionOutput",
    "BidirectionalGRU",
    "BidirectionalLSTM",
    "CTCHead",
    "Choice",
    "Choices",
    "ClippedLSTMCell",
    "CompactEncoder",
    "ConvolutionUnit",
    "Decoder",
    "DecoderState",
    "DotAttention",
    "FlatCompactEncoder",
    "FusedBatchNormalization",
    "HardAttention",
    "InceptionV3Encoder",
    "LocationAttention",
    "MeanAttention",
    "Memory",
    "OneHotCoordinates",
    "ParallelOutput",
    "Rectifier",
    "RecursiveEncoder",
    "RecursiveUnit",
    "ResNetEncoder",
    "ResidualUnit",
    "SinusoidalCoordinates",
    "TeacherForcedOutput",
    "ThinPlateSpline",
    "VGGEncoder",
    "attention_weights",
    "valid_cells",
    "weighted_sum",
]
